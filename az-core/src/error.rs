//! What can go wrong, said once for every backend.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::cost::{Period, Scope};
use crate::id::{TaskId, WorkerId};
use crate::money::Usd;

/// The result of most operations here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A source error whose type does not matter to the caller.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something named by the caller does not exist.
    #[error("{what} {id:?} not found")]
    NotFound {
        /// The kind of thing: `task`, `snapshot`, …
        what: &'static str,
        /// The name that was looked up.
        id: String,
    },
    /// Something with this id exists already, and is not the same.
    #[error("{what} {id:?} exists already")]
    AlreadyExists {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// A value given by the caller breaks a rule.
    #[error("invalid {field}: {reason}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// The rule that it breaks, in words for a person.
        reason: String,
    },
    /// Somebody else changed the record first.
    #[error("{what} changed meanwhile: expected {expected}, found {found}")]
    Conflict {
        /// The kind of record.
        what: &'static str,
        /// The version that the caller knew.
        expected: String,
        /// The version that is there.
        found: String,
    },
    /// Another living worker holds the task.
    #[error("task {task} is held by {owner} until {until}")]
    LeaseHeld {
        /// The task.
        task: TaskId,
        /// Who holds it.
        owner: WorkerId,
        /// Until when, unless extended.
        until: Timestamp,
    },
    /// The caller's lease was superseded; what it wanted to write was not written.
    #[error("lease on task {task} was lost")]
    LeaseLost {
        /// The task.
        task: TaskId,
        /// Who holds it now, if anybody.
        owner: Option<WorkerId>,
    },
    /// A hard budget has too little left.
    #[error("{budget} budget: {needed} needed, {left} of {amount} left{}", also_held(*.held))]
    BudgetExceeded {
        /// Which budget, such as `global daily`.
        budget: String,
        /// What it covers; with the period, what names it to whoever sets it again.
        scope: Scope,
        /// How long it lasts until it starts anew.
        period: Period,
        /// Its amount.
        amount: Usd,
        /// What is left of it.
        left: Usd,
        /// What is held in it for calls under way: some of it may be free again soon.
        held: Usd,
        /// What the call could have cost.
        needed: Usd,
    },
    /// A hard budget applies, and the price of the model is unknown.
    #[error("{budget} budget: the price of {model} is not known, so it cannot be kept")]
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
    /// A tool call needs an approval that nobody was there to give.
    #[error("{tool} needs approval: {reason}")]
    ApprovalRequired {
        /// The tool.
        tool: String,
        /// Why it has to be asked.
        reason: String,
    },
    /// The task was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The task ran longer than it may.
    #[error("timed out after {} s", after.as_secs_f64())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The task used all its steps without an answer.
    #[error("no answer after {steps} steps")]
    StepLimit {
        /// The limit.
        steps: u32,
    },
    /// The agent gave up.
    #[error("{reason}")]
    Agent {
        /// Why, for a person.
        reason: String,
    },
    /// A model call failed; `kind` says whether trying again can help.
    #[error("{message}")]
    Model {
        /// What sort of failure.
        kind: ErrorKind,
        /// What the provider said.
        message: String,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// The model; absent if none was called.
        called: Option<Box<CalledModel>>,
    },
    /// The record of a task breaks the journal's rules.
    #[error("journal of task {task} is broken at event {seq}: {reason}")]
    BrokenJournal {
        /// The task.
        task: TaskId,
        /// The first event that does not fit.
        seq: u64,
        /// What does not fit.
        reason: String,
    },
    /// The store is locked by somebody else for longer than we wait.
    #[error("{backend} is busy")]
    Busy {
        /// Which backend.
        backend: &'static str,
        /// Its own error.
        #[source]
        source: BoxError,
    },
    /// The store has no room left; nothing of the refused write was kept.
    #[error("{backend} is full")]
    Full {
        /// Which backend.
        backend: &'static str,
        /// Its own error.
        #[source]
        source: BoxError,
    },
    /// The store may not be written, or cannot be opened or created.
    #[error("{backend} cannot be used")]
    Unusable {
        /// Which backend.
        backend: &'static str,
        /// Its own error.
        #[source]
        source: BoxError,
    },
    /// The store was written by a newer version.
    #[error("{backend} has schema {found}, this version knows {supported}")]
    NewerSchema {
        /// Which backend.
        backend: &'static str,
        /// The schema that is there.
        found: u32,
        /// The newest schema known here.
        supported: u32,
    },
    /// The store has the schema of an older version, and was opened to be read, which does not
    /// migrate it.
    #[error("{backend} has schema {found}, this version reads {supported}")]
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
        /// Which backend.
        backend: &'static str,
        /// The schema that is there now.
        found: u32,
        /// The schema that this process writes.
        expected: u32,
    },
    /// Reading or writing failed.
    #[error("{backend} failed")]
    Io {
        /// Which backend.
        backend: &'static str,
        /// Its own error.
        #[source]
        source: BoxError,
    },
    /// A mistake of ours, or of a backend.
    #[error("internal error: {0}")]
    Internal(String),
}

/// The model that a failed call was made to.
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

/// What sort of thing went wrong: stable names, kept in records and mapped to exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name that does not exist.
    NotFound,
    /// A value that breaks a rule.
    Invalid,
    /// Somebody else was first, or holds it.
    Conflict,
    /// A budget is used up.
    Budget,
    /// An approval is missing.
    Approval,
    /// Cancelled.
    Cancelled,
    /// Out of time.
    TimedOut,
    /// Out of steps.
    StepLimit,
    /// The agent gave up.
    Agent,
    /// The provider cannot be reached, or has trouble.
    Unavailable,
    /// The provider asks for patience.
    RateLimited,
    /// The provider refuses us: key, account, permission.
    Unauthorized,
    /// The provider refuses the request.
    BadRequest,
    /// The request is larger than the model's context window.
    ContextWindow,
    /// The provider refuses the content.
    ContentPolicy,
    /// The provider's answer makes no sense, or ends in the middle.
    Protocol,
    /// The store is locked.
    Busy,
    /// The store is full, or reading or writing failed.
    Io,
    /// The store cannot be used at all.
    Unusable,
    /// The configuration or the data is of another version or shape.
    Config,
    /// A mistake of ours.
    #[serde(other)]
    Internal,
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

    /// Returns what sort of error this is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::AlreadyExists { .. } | Self::Conflict { .. } | Self::SchemaChanged { .. } => {
                ErrorKind::Conflict
            }
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::LeaseHeld { .. } | Self::LeaseLost { .. } => ErrorKind::Conflict,
            Self::BudgetExceeded { .. } | Self::Unpriced { .. } => ErrorKind::Budget,
            Self::ApprovalRequired { .. } => ErrorKind::Approval,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::TimedOut { .. } => ErrorKind::TimedOut,
            Self::StepLimit { .. } => ErrorKind::StepLimit,
            Self::Agent { .. } => ErrorKind::Agent,
            Self::Model { kind, .. } => *kind,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Full { .. } | Self::Io { .. } => ErrorKind::Io,
            Self::Unusable { .. } | Self::OlderSchema { .. } => ErrorKind::Unusable,
            Self::NewerSchema { .. } => ErrorKind::Config,
            Self::BrokenJournal { .. } | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Whether the same operation may succeed later without anybody's doing.
    pub const fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// Returns how long to wait at least before trying again, where somebody said so.
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

/// Says what is held, if anything is.
fn also_held(held: Usd) -> String {
    if held <= Usd::ZERO { String::new() } else { format!(", {held} held for calls under way") }
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

impl ErrorKind {
    /// Whether the same operation may succeed later without anybody's doing.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::RateLimited | Self::Protocol | Self::Busy)
    }
}
