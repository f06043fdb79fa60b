//! The events of a run: recorded ones, and those that are only emitted.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::cost::Alert;
use crate::error::ErrorKind;
use crate::id::{CallId, TaskId};
use crate::journal::{EventBody, NewEvent};
use crate::task::Waiting;
use crate::tool::Progress;

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEvent {
    /// The task.
    pub task: TaskId,
    /// The time of the event.
    pub at: Timestamp,
    /// The kind of event, with its data.
    #[serde(flatten)]
    pub kind: RunEventKind,
}

impl RunEvent {
    /// Creates an event.
    pub const fn new(task: TaskId, at: Timestamp, kind: RunEventKind) -> Self {
        Self { task, at, kind }
    }
}

/// The kind of an event. In JSON, the field `event` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEventKind {
    /// A piece of the model's reasoning arrived.
    ReasoningDelta {
        /// The piece.
        text: String,
    },
    /// A piece of the model's reply arrived.
    TextDelta {
        /// The piece.
        text: String,
    },
    /// A failed model call will be retried.
    RetryScheduled {
        /// The call that failed.
        call: CallId,
        /// The kind of failure.
        kind: ErrorKind,
        /// The message of the provider or of the connection.
        message: String,
        /// The wait before the retry, in milliseconds.
        in_millis: u64,
    },
    /// A running tool call reports its progress: the latest of several reports in a short time.
    ToolProgress {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// The progress of the call.
        #[serde(flatten)]
        progress: Progress,
    },
    /// A budget reached one of its alert percentages.
    BudgetAlert(Alert),
    /// The task was parked: the run ends, and the task waits for the answer to a call.
    Parked(Box<Waiting>),
    /// An event was recorded in the task's journal. Snapshots are not emitted, because they repeat
    /// earlier events.
    #[serde(untagged)]
    Recorded(Box<RecordedEvent>),
}

/// An event of a journal.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// Its number in the journal.
    pub seq: u64,
    /// The call that it is about, if any.
    pub call: Option<CallId>,
    /// The type of event, with its data.
    pub body: EventBody,
}

impl RecordedEvent {
    /// Creates the event with its number in the journal.
    pub fn new(seq: u64, event: NewEvent) -> Self {
        let NewEvent { call, body } = event;
        Self { seq, call, body }
    }
}

/// The field that names the type of an emitted event.
const EMITTED: &str = "event";
/// The field that names the type of an event in journals.
const STORED: &str = "type";

/// Serializes the event as journals do, with its number and with its type in `event`.
impl Serialize for RecordedEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { seq, call, body } = self;
        let stored = serde_json::to_value(body).map_err(ser::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(EMITTED, body.name())?;
        map.serialize_entry("seq", seq)?;
        if let Some(call) = call {
            map.serialize_entry("call", call)?;
        }
        let fields = stored.as_object().into_iter().flatten();
        for (name, value) in fields.filter(|(name, _)| *name != STORED) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RecordedEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let seq = fields.remove("seq").and_then(|seq| seq.as_u64());
        let seq = seq.ok_or_else(|| de::Error::missing_field("seq"))?;
        if let Some(name) = fields.remove(EMITTED) {
            fields.insert(STORED.to_owned(), name);
        }
        let event = serde_json::from_value(Value::Object(fields)).map_err(de::Error::custom)?;
        Ok(Self::new(seq, event))
    }
}

impl RunEventKind {
    /// Returns the recorded event, if it is one.
    pub const fn recorded(&self) -> Option<&EventBody> {
        match self {
            Self::Recorded(event) => Some(&event.body),
            _ => None,
        }
    }
}

/// Receives the events of runs.
///
/// # Contract
///
/// 1. A sink returns at once and never fails: a slow receiver does not delay a run.
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Receives an event.
    fn emit(&self, event: &RunEvent);
}

/// Drops all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl EventSink for Discard {
    fn emit(&self, _event: &RunEvent) {}
}
