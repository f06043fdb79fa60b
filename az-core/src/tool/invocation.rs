//! A call of a tool, before and after its arguments are checked.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::access::{Access, AccessCheck};
use super::children::ChildTasks;
use super::progress::ProgressSender;
use super::question::Question;
use super::results::RecordedResults;
use super::seen::SeenFiles;
use super::spec::{EffectClass, ToolSpec};
use crate::cost::Payer;
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::task::LeaseFence;

/// A call of a tool.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Invocation {
    /// The task that makes the call.
    pub task: TaskId,
    /// The call's id in the task.
    pub call: CallId,
    /// What the costs of the call are booked to: the task, unless the call is made outside of one.
    pub payer: Payer,
    /// An idempotency key: `task:seq` of the call's intent, and the same if the call is repeated
    /// after a crash.
    pub key: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments.
    pub arguments: Value,
    /// The directory to work in, if the task has one.
    pub workspace: Option<String>,
    /// The time limit, if there is one.
    pub timeout: Option<Duration>,
    /// Cancelled when the result is no longer needed: the tool stops itself and what it started.
    pub cancel: CancellationToken,
    /// The lease of the task, which the tool checks right before its effect.
    pub lease: LeaseFence,
    /// Decides about what the call accesses by another name than its arguments say.
    pub access: AccessCheck,
    /// The sender of the call's progress.
    pub progress: ProgressSender,
    /// The recorded results of the task's earlier calls.
    pub results: RecordedResults,
    /// The child tasks of the task.
    pub children: ChildTasks,
    /// The tools that the task may use, for a tool that finds them; those of the toolbox if it is empty.
    pub tools: Arc<[ToolSpec]>,
    /// What the task has seen of files, for calls of a model: a tool refuses one that would change what
    /// the model has not seen. `None` if the caller knows what it does, as a person or a program.
    pub seen: Option<Arc<SeenFiles>>,
    /// The most bytes of the result that the model is shown, if it is known: a tool that returns a part
    /// of something returns no larger one.
    pub shown_bytes: Option<usize>,
    /// The names of the variables that the task's commands get beside the default ones.
    pub env: Vec<String>,
    /// The answer to the question of the call, if it asks one.
    pub answer: Option<String>,
    /// What [`Toolbox::witness`](super::Toolbox::witness) returned before the first attempt of this
    /// call.
    pub witness: Option<Value>,
    /// Whether an earlier run may have made this call: it recorded the intent and no result, and a
    /// probe determined that the call did not take effect.
    pub repeated: bool,
    /// How the tool's name and the arguments were corrected, for the model. The toolbox adds it to the
    /// output.
    pub corrections: Vec<String>,
}

impl Invocation {
    /// Returns the idempotency key of the call of a task whose intent has this number in the journal.
    pub fn key_of(task: &TaskId, intent: u64) -> String {
        format!("{task}:{intent}")
    }

    /// Creates a call by a task, without workspace, time limit or progress.
    pub fn new(task: TaskId, call: CallId, tool: impl Into<String>, arguments: Value) -> Self {
        Self {
            key: Self::key_of(&task, 0),
            payer: Payer::from(&task),
            task,
            call,
            tool: tool.into(),
            arguments,
            workspace: None,
            timeout: None,
            cancel: CancellationToken::new(),
            lease: LeaseFence::default(),
            access: AccessCheck::default(),
            progress: ProgressSender::disconnected(),
            results: RecordedResults::default(),
            children: ChildTasks::default(),
            tools: Arc::default(),
            seen: None,
            shown_bytes: None,
            env: Vec::new(),
            answer: None,
            witness: None,
            repeated: false,
            corrections: Vec::new(),
        }
    }

    /// Creates a call outside any task, for manual calls and tests.
    ///
    /// # Errors
    ///
    /// None in practice; the fixed ids are checked like any other.
    pub fn bare(tool: impl Into<String>, arguments: Value) -> Result<Self> {
        Ok(Self::new(TaskId::new("bare")?, CallId::tool(0, 0), tool, arguments))
    }

    /// Sets the directory to work in.
    #[must_use]
    pub fn in_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = Some(workspace.into());
        self
    }

    /// Sets what the costs of the call are booked to.
    #[must_use]
    pub fn paid_by(mut self, payer: Payer) -> Self {
        self.payer = payer;
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets the time limit.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the witness of the call.
    #[must_use]
    pub fn with_witness(mut self, witness: Option<Value>) -> Self {
        self.witness = witness;
        self
    }

    /// Marks the call as one that an earlier run may have made.
    #[must_use]
    pub const fn as_repeated(mut self) -> Self {
        self.repeated = true;
        self
    }

    /// Sets the reader of recorded results.
    #[must_use]
    pub fn with_results(mut self, results: RecordedResults) -> Self {
        self.results = results;
        self
    }

    /// Sets the child tasks of the task.
    #[must_use]
    pub fn with_children(mut self, children: ChildTasks) -> Self {
        self.children = children;
        self
    }

    /// Sets the tools that the task may use.
    #[must_use]
    pub fn with_tools(mut self, tools: Arc<[ToolSpec]>) -> Self {
        self.tools = tools;
        self
    }

    /// Sets what the task has seen of files.
    #[must_use]
    pub fn with_seen(mut self, seen: Option<Arc<SeenFiles>>) -> Self {
        self.seen = seen;
        self
    }

    /// Sets the names of the variables that commands get beside the default ones.
    #[must_use]
    pub fn with_env(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.env = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the check of what the call really accesses.
    #[must_use]
    pub fn with_access(mut self, access: AccessCheck) -> Self {
        self.access = access;
        self
    }

    /// Sets the sender of progress.
    #[must_use]
    pub fn with_progress(mut self, progress: ProgressSender) -> Self {
        self.progress = progress;
        self
    }
}

/// A call whose arguments the tool has accepted, made by
/// [`Toolbox::prepare`](super::Toolbox::prepare).
///
/// It has the arguments as the tool parsed them, so that they are checked once per call.
#[non_exhaustive]
pub struct PreparedCall {
    /// The call, with its arguments as the tool's schema describes them.
    pub invocation: Invocation,
    /// The effect class of this call: that of the tool, or a milder one for these arguments.
    pub effect: EffectClass,
    /// What the call accesses, as its arguments say; empty if the tool does not declare it.
    pub accesses: Vec<Access>,
    /// The question that a person has to answer before the call is made.
    pub question: Option<Question>,
    parsed: Box<dyn Any + Send + Sync>,
}

impl PreparedCall {
    /// Creates a prepared call of a tool that reads the arguments from the invocation.
    pub fn new(invocation: Invocation, effect: EffectClass) -> Self {
        Self { invocation, effect, accesses: Vec::new(), question: None, parsed: Box::new(()) }
    }

    /// Sets what the call accesses.
    #[must_use]
    pub fn with_accesses(mut self, accesses: Vec<Access>) -> Self {
        self.accesses = accesses;
        self
    }

    /// Sets the question that a person has to answer before the call is made.
    #[must_use]
    pub fn with_question(mut self, question: Question) -> Self {
        self.question = Some(question);
        self
    }

    /// Attaches the arguments as the tool parsed them.
    #[must_use]
    pub fn with_parsed<A: Any + Send + Sync>(mut self, arguments: A) -> Self {
        self.parsed = Box::new(arguments);
        self
    }

    /// Returns the parsed arguments.
    ///
    /// # Errors
    ///
    /// `Internal` if the call was prepared by another tool.
    pub fn parsed<A: Any>(&self) -> Result<&A> {
        self.parsed.downcast_ref().ok_or_else(|| foreign(&self.invocation))
    }

    /// Splits the call into its parsed arguments and the invocation.
    ///
    /// # Errors
    ///
    /// `Internal` if the call was prepared by another tool.
    pub fn into_parsed<A: Any>(self) -> Result<(A, Invocation)> {
        match self.parsed.downcast() {
            Ok(parsed) => Ok((*parsed, self.invocation)),
            Err(_) => Err(foreign(&self.invocation)),
        }
    }
}

impl fmt::Debug for PreparedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedCall")
            .field("invocation", &self.invocation)
            .field("effect", &self.effect)
            .field("accesses", &self.accesses)
            .finish_non_exhaustive()
    }
}

fn foreign(call: &Invocation) -> Error {
    Error::Internal(format!("a call of {} was prepared by another tool", call.tool))
}
