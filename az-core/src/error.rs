//! The errors of all backends.

mod kind;

use std::time::Duration;

pub use kind::ErrorKind;

use crate::clock::Timestamp;
use crate::cost::{Period, Scope};
use crate::id::{TaskId, WorkerId};
use crate::money::Usd;
use crate::text::plural;

/// The result of most operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A source error whose type the caller need not know.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An error of an operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that the caller names does not exist.
    #[error("{what} {id:?} not found")]
    NotFound {
        /// The kind of thing: `task`, `snapshot`, …
        what: &'static str,
        /// The id that was looked up.
        id: String,
    },
    /// Something else with this id exists already.
    #[error("{what} {id:?} exists already")]
    AlreadyExists {
        /// The kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A value given by the caller breaks a rule.
    #[error("invalid {field}: {reason}")]
    Invalid {
        /// The name of the value.
        field: &'static str,
        /// The rule that it breaks, as a message.
        reason: String,
    },
    /// The record was changed since the caller read it.
    #[error("{what} changed meanwhile: expected {expected}, found {found}")]
    Conflict {
        /// The kind of record.
        what: &'static str,
        /// The version that the caller read.
        expected: String,
        /// The version that is stored.
        found: String,
    },
    /// Another live worker has the task's lease.
    #[error("task {task} is held by {owner} until {until}")]
    LeaseHeld {
        /// The task.
        task: TaskId,
        /// The worker that has the lease.
        owner: WorkerId,
        /// The lease time at which the lease expires, unless it is extended.
        until: Timestamp,
    },
    /// The caller's lease was superseded; its write was not made.
    #[error("lease on task {task} was lost")]
    LeaseLost {
        /// The task.
        task: TaskId,
        /// The worker that has the lease now, if any.
        owner: Option<WorkerId>,
    },
    /// A hard budget has too little left.
    #[error("{budget} budget: {needed} needed, {left} of {amount} left{}{}", clause(*.held, "held for calls under way"), clause(*.uncertain, "spent on failed calls that may have cost nothing"))]
    BudgetExceeded {
        /// The name of the budget, such as `global daily`.
        budget: String,
        /// The scope of the budget.
        scope: Scope,
        /// The period of the budget.
        period: Period,
        /// The amount of the budget.
        amount: Usd,
        /// The amount that is left of it.
        left: Usd,
        /// The amount that is held for calls under way, some of which may be freed soon.
        held: Usd,
        /// The part of the spent amount that is booked for calls that failed and may have cost
        /// nothing.
        uncertain: Usd,
        /// The most that the call could cost.
        needed: Usd,
    },
    /// A hard budget applies, and the price of the model is unknown.
    #[error("{budget} budget: the price of {model} is unknown, so the budget cannot be enforced")]
    Unpriced {
        /// The name of the budget, such as `global daily`.
        budget: String,
        /// The scope of the budget.
        scope: Scope,
        /// The period of the budget.
        period: Period,
        /// The model without a price.
        model: String,
    },
    /// A tool call needs an approval, and no one can be asked.
    #[error("{tool} needs approval: {reason}")]
    ApprovalRequired {
        /// The tool.
        tool: String,
        /// The reason that it needs approval.
        reason: String,
    },
    /// The task is parked: it waits for an answer.
    #[error("task {task} waits for {what}")]
    Waiting {
        /// The task.
        task: TaskId,
        /// What it waits for, such as `approval of shell.execute`.
        what: String,
    },
    /// The task was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The task reached its time limit.
    #[error("timed out after {} s", after.as_secs_f64())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The task used all its steps without an answer.
    #[error("no answer after {}", plural(*steps, "step"))]
    StepLimit {
        /// The limit.
        steps: u32,
    },
    /// The task made all its tool calls, and more were requested.
    #[error("no answer after {}", plural(*calls, "tool call"))]
    CallLimit {
        /// The limit.
        calls: u32,
    },
    /// The agent ended without an answer.
    #[error("{reason}")]
    Agent {
        /// The reason, as a message.
        reason: String,
    },
    /// The answer does not fit the output schema of the task, and the corrected one does not either.
    #[error("the answer does not fit the output schema, nor did the one before it: {}", problems.join("; "))]
    AnswerMismatch {
        /// What does not fit, each with its place.
        problems: Vec<String>,
    },
    /// A model call failed; `kind` decides whether a retry can help.
    #[error("{message}")]
    Model {
        /// The kind of failure.
        kind: ErrorKind,
        /// The message of the provider.
        message: String,
        /// The wait that the provider asks for.
        retry_after: Option<Duration>,
        /// The model; absent if none was called.
        called: Option<Box<CalledModel>>,
    },
    /// A stored record that cannot be read. Others are not affected.
    #[error("{what} {id} is damaged: {reason}")]
    Damaged {
        /// The kind of record: `task`, `budget`, …
        what: &'static str,
        /// Its id or name.
        id: String,
        /// The part of it that cannot be read, and why.
        reason: String,
    },
    /// The journal of a task breaks the journal's rules.
    #[error("journal of task {task} is broken at event {seq}: {reason}")]
    BrokenJournal {
        /// The task.
        task: TaskId,
        /// The number of the first invalid event.
        seq: u64,
        /// The rule that it breaks.
        reason: String,
    },
    /// The store was locked for longer than the timeout.
    #[error("{backend} is busy")]
    Busy {
        /// Which backend.
        backend: &'static str,
        /// The backend's own error.
        #[source]
        source: BoxError,
    },
    /// The store has no space left; the refused write changed nothing.
    #[error("{backend} is full")]
    Full {
        /// The backend.
        backend: &'static str,
        /// The backend's own error.
        #[source]
        source: BoxError,
    },
    /// The store cannot be opened or created: a directory or a permission is missing, or the path
    /// names something else than a file.
    #[error("{backend} cannot be opened")]
    Inaccessible {
        /// The backend.
        backend: &'static str,
        /// The backend's own error.
        #[source]
        source: BoxError,
    },
    /// The store can be read, but not written: by the permissions of its files, because its
    /// filesystem is read-only, or because the handle was opened to read.
    #[error("{backend} is read-only")]
    ReadOnly {
        /// The backend.
        backend: &'static str,
        /// The backend's own error.
        #[source]
        source: BoxError,
    },
    /// The store's data is not of this program, or damaged so that it cannot be opened.
    #[error("{backend} cannot be used")]
    Unusable {
        /// The backend.
        backend: &'static str,
        /// The backend's own error.
        #[source]
        source: BoxError,
    },
    /// The store was written by a newer version.
    #[error(
        "the {backend} store has schema {found}, but this version supports at most {supported}"
    )]
    NewerSchema {
        /// The backend.
        backend: &'static str,
        /// The schema version of the store.
        found: u32,
        /// The newest schema version that this program supports.
        supported: u32,
    },
    /// The store has the schema of an older version, and was opened to be read, which does not
    /// migrate it.
    #[error("the {backend} store has schema {found}, but this version reads only {supported}")]
    OlderSchema {
        /// Which backend.
        backend: &'static str,
        /// The schema of the store.
        found: u32,
        /// The schema that this version reads and writes.
        supported: u32,
    },
    /// A newer version migrated the store while this one had it open; nothing more is written.
    #[error("{backend} was migrated from schema {expected} to {found} by another process")]
    SchemaChanged {
        /// The backend.
        backend: &'static str,
        /// The schema version of the store now.
        found: u32,
        /// The schema version that this process writes.
        expected: u32,
    },
    /// The store was replaced or deleted while this process had it open; nothing more is written.
    #[error("{backend}: {name} was replaced or deleted while it was open; nothing more is written")]
    Replaced {
        /// The backend.
        backend: &'static str,
        /// The name of the store, such as the path of its file.
        name: String,
    },
    /// Reading or writing failed.
    #[error("{backend} failed")]
    Io {
        /// The backend.
        backend: &'static str,
        /// The backend's own error.
        #[source]
        source: BoxError,
    },
    /// The system starts no further thread; nothing was done.
    #[error("no thread can be started")]
    Threads {
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A bug in this program or in a backend.
    #[error("internal error: {0}")]
    Internal(String),
}

/// The model of a failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CalledModel {
    /// The provider, as calls to it are booked.
    pub provider: String,
    /// The model, by the provider's name.
    pub model: String,
}

impl CalledModel {
    /// Creates the name of a model.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self { provider: provider.into(), model: model.into() }
    }
}

impl Error {
    /// Returns an [`Error::Invalid`].
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    /// Returns an [`Error::NotFound`].
    pub fn not_found(what: &'static str, id: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::AlreadyExists { .. } | Self::Conflict { .. } | Self::SchemaChanged { .. } => {
                ErrorKind::Conflict
            }
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::LeaseHeld { .. } | Self::LeaseLost { .. } | Self::Waiting { .. } => {
                ErrorKind::Conflict
            }
            Self::BudgetExceeded { .. } | Self::Unpriced { .. } => ErrorKind::Budget,
            Self::ApprovalRequired { .. } => ErrorKind::Approval,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::TimedOut { .. } => ErrorKind::TimedOut,
            Self::StepLimit { .. } => ErrorKind::StepLimit,
            Self::CallLimit { .. } => ErrorKind::CallLimit,
            Self::Agent { .. } | Self::AnswerMismatch { .. } => ErrorKind::Agent,
            Self::Model { kind, .. } => *kind,
            Self::Busy { .. } | Self::Threads { .. } => ErrorKind::Busy,
            Self::Full { .. } | Self::Io { .. } => ErrorKind::Io,
            Self::Inaccessible { .. }
            | Self::ReadOnly { .. }
            | Self::Unusable { .. }
            | Self::OlderSchema { .. }
            | Self::Replaced { .. } => ErrorKind::Unusable,
            Self::NewerSchema { .. } | Self::Damaged { .. } => ErrorKind::Config,
            Self::BrokenJournal { .. } | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Returns `true` if the same operation may succeed later without further action.
    pub const fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// Returns the least wait before a retry, if the provider asks for one.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Model { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns the message with its causes, for one line of text.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// Returns the part of a message about an amount, if there is one.
fn clause(amount: Usd, what: &str) -> String {
    if amount <= Usd::ZERO { String::new() } else { format!(", {amount} {what}") }
}

/// Returns an error's message with its causes, for one line of text.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
