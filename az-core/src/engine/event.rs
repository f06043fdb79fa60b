//! What happens during a run, as it happens: every face of the program is a sink of these.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::cost::{Alert, Usage};
use crate::error::ErrorKind;
use crate::id::{CallId, TaskId, WorkerId};
use crate::journal::ToolOutcome;
use crate::money::Usd;
use crate::task::Outcome;
use crate::tool::Progress;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// The task.
    pub task: TaskId,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: RunEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEventKind {
    /// A worker took the task up.
    RunStarted {
        /// The worker.
        owner: WorkerId,
        /// Whether there is a record to go on from.
        resumed: bool,
        /// How many steps are on record.
        steps: u32,
    },
    /// A model is being asked.
    ModelStarted {
        /// The call.
        call: CallId,
        /// Which step it is for, from 1.
        step: u32,
        /// Who is asked.
        provider: String,
        /// Which model.
        model: String,
    },
    /// A piece of what the model thinks.
    ReasoningDelta {
        /// The piece.
        text: String,
    },
    /// A piece of what the model says.
    TextDelta {
        /// The piece.
        text: String,
    },
    /// The model replied.
    ModelFinished {
        /// The call.
        call: CallId,
        /// All it said.
        text: String,
        /// The tools it wants called.
        calls: Vec<String>,
        /// What it used.
        usage: Option<Usage>,
        /// What it cost; absent when unknown.
        cost: Option<Usd>,
        /// How long it took.
        millis: u64,
    },
    /// A model call failed.
    ModelFailed {
        /// The call.
        call: CallId,
        /// What sort of failure.
        kind: ErrorKind,
        /// What was said about it.
        message: String,
        /// After how many milliseconds it is tried again, if it is.
        retry_in_millis: Option<u64>,
    },
    /// Somebody is asked whether a tool may be called.
    ApprovalAsked {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: Value,
        /// Why.
        reason: String,
    },
    /// A tool is being called.
    ToolStarted {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: Value,
    },
    /// A running tool call reports its progress: the latest of several reports in a short time.
    ToolProgress {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// How far it has come.
        #[serde(flatten)]
        progress: Progress,
    },
    /// A tool call ended.
    ToolFinished {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// What it did.
        outcome: ToolOutcome,
        /// What it returned, shortened.
        text: String,
        /// How long it took.
        millis: u64,
    },
    /// Something worth knowing.
    Note {
        /// What.
        text: String,
    },
    /// A budget crossed one of its marks.
    BudgetAlert(Alert),
    /// The run ended.
    RunFinished {
        /// How.
        outcome: Outcome,
        /// What the task has cost, as far as prices are known.
        cost: Usd,
        /// Whether some of it has no known price.
        unpriced: bool,
        /// All tokens it used.
        tokens: u64,
        /// All steps it took.
        steps: u32,
        /// How long this run took.
        millis: u64,
    },
}

/// Gets told what happens.
///
/// # Contract
///
/// 1. A sink returns at once, and never fails: whoever listens cannot hold up a run.
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Takes an event.
    fn emit(&self, event: &RunEvent);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl EventSink for Discard {
    fn emit(&self, _event: &RunEvent) {}
}
