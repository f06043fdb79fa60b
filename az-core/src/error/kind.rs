//! The kinds of errors.

use serde::{Deserialize, Serialize};

/// The kind of an error: stable names, which are stored in journals and mapped to exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name that does not exist.
    NotFound,
    /// A value that breaks a rule.
    Invalid,
    /// Another writer was first, or has the lease.
    Conflict,
    /// A budget has too little left.
    Budget,
    /// An approval is missing.
    Approval,
    /// Cancelled.
    Cancelled,
    /// A time limit was reached.
    TimedOut,
    /// The step limit was reached.
    StepLimit,
    /// The limit of tool calls was reached.
    CallLimit,
    /// The agent ended without an answer.
    Agent,
    /// The provider cannot be reached or is overloaded.
    Unavailable,
    /// The provider's rate limit was reached.
    RateLimited,
    /// The provider refuses the credentials or the account.
    Unauthorized,
    /// The provider refuses the request.
    BadRequest,
    /// The request is larger than the model's context window.
    ContextWindow,
    /// The provider refuses the content.
    ContentPolicy,
    /// The provider's reply is malformed or incomplete.
    Protocol,
    /// The store is locked, or the system has no resources left.
    Busy,
    /// The store is full, or reading or writing failed.
    Io,
    /// The store cannot be opened, created or written.
    Unusable,
    /// The configuration or the data has another version or a wrong structure.
    Config,
    /// A bug in this program.
    #[serde(other)]
    Internal,
}

impl ErrorKind {
    /// Returns `true` if the same operation may succeed later without further action.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::RateLimited | Self::Protocol | Self::Busy)
    }
}
