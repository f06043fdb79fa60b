//! What can go wrong with a model, and whether it may have cost something.

use std::time::Duration;

use az_core::ErrorKind;
use az_core::error::BoxError;

use crate::model_name::InvalidModelName;

/// The result of most operations here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether a failed request may have reached the model, and so may have to be paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Certainly not: the connection was refused, or the provider refused the request.
    No,
    /// Nobody knows: count it as paid.
    Maybe,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No model has this name.
    #[error("no model is called {name:?}{}", hint(near))]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
    /// A text is not the name of a model.
    #[error(transparent)]
    InvalidModelName(#[from] InvalidModelName),
    /// A client cannot be made, or not used, with these settings.
    #[error("{provider} is not set up: {reason}")]
    Setup {
        /// The provider.
        provider: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// The request asks for something that the model cannot do.
    #[error("{provider} cannot do this: {reason}")]
    Unsupported {
        /// The provider.
        provider: String,
        /// What was asked for.
        reason: String,
    },
    /// The provider could not be reached.
    #[error("{provider} cannot be reached")]
    Unreachable {
        /// The provider.
        provider: String,
        /// What the connection said.
        #[source]
        source: BoxError,
    },
    /// The connection broke, or nothing came for too long.
    #[error("the connection to {provider} broke")]
    Broken {
        /// The provider.
        provider: String,
        /// What the connection said.
        #[source]
        source: BoxError,
    },
    /// The answer ended before it was complete.
    #[error("the answer of {provider} was cut off")]
    Truncated {
        /// The provider.
        provider: String,
    },
    /// The answer makes no sense.
    #[error("the answer of {provider} makes no sense: {reason}")]
    Malformed {
        /// The provider.
        provider: String,
        /// What was wrong with it.
        reason: String,
    },
    /// The provider said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The offline planner does not know what to do.
    #[error("{reason}")]
    NotUnderstood {
        /// What it did not understand, and what it would.
        reason: String,
    },
    /// The account refuses the call, or its store failed: nothing was sent.
    #[error(transparent)]
    Account(az_core::Error),
    /// The offline planner or a script had to stop.
    #[error("{reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// A provider's no, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: {message}{}", self.details())]
pub struct Refusal {
    /// The provider.
    pub provider: String,
    /// What sort of no.
    pub kind: ErrorKind,
    /// The provider's own message, without our key in it.
    pub message: String,
    /// The HTTP status; absent when the error came inside an answer.
    pub status: Option<u16>,
    /// The provider's name for the error.
    pub code: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Returns a refusal with a message and nothing else.
    pub fn new(provider: impl Into<String>, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            kind,
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
        }
    }

    fn details(&self) -> String {
        let status = self.status.map(|status| format!("status {status}"));
        let request = self.request_id.as_ref().map(|id| format!("request {id}"));
        let known: Vec<_> = [status, request].into_iter().flatten().collect();
        if known.is_empty() {
            return String::new();
        }
        format!(" ({})", known.join(", "))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Error {
    /// Returns what sort of error this is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownModel { .. } | Self::InvalidModelName(_) => ErrorKind::NotFound,
            Self::Setup { .. } => ErrorKind::Config,
            Self::Unsupported { .. } | Self::NotUnderstood { .. } => ErrorKind::BadRequest,
            Self::Unreachable { .. } | Self::Broken { .. } => ErrorKind::Unavailable,
            Self::Truncated { .. } | Self::Malformed { .. } => ErrorKind::Protocol,
            Self::Refused(refusal) => refusal.kind,
            Self::Account(error) => error.kind(),
            Self::Stopped { .. } => ErrorKind::Agent,
        }
    }

    /// Whether the same request may succeed later without anybody's doing.
    pub const fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// Returns how long to wait at least before trying again, where the provider said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// Whether the request may have to be paid for. A provider charges nothing for what it refuses
    /// with a status of 4xx, or because it is too busy; after anything else nobody knows.
    pub fn sent(&self) -> Sent {
        match self {
            Self::Broken { .. } | Self::Truncated { .. } | Self::Malformed { .. } => Sent::Maybe,
            Self::Refused(refusal) => match refusal.status {
                // A redirect was not followed; those who are too busy have done nothing.
                Some(300..500 | 503 | 529) => Sent::No,
                _ => Sent::Maybe,
            },
            Self::UnknownModel { .. }
            | Self::InvalidModelName(_)
            | Self::Setup { .. }
            | Self::Unsupported { .. }
            | Self::Unreachable { .. }
            | Self::NotUnderstood { .. }
            | Self::Account(_)
            | Self::Stopped { .. } => Sent::No,
        }
    }

    /// Returns the message with its causes, for one line of text.
    pub fn chain(&self) -> String {
        az_core::error::chain(self)
    }
}

impl From<Error> for az_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Account(error) => error,
            error => Self::Model {
                kind: error.kind(),
                message: error.chain(),
                retry_after: error.retry_after(),
                called: None,
            },
        }
    }
}

/// Returns what to add to a message about a name that nobody knows.
pub(crate) fn hint(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let quoted: Vec<_> = near.iter().map(|name| format!("{name:?}")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use az_core::ErrorKind;

    use super::{Error, Refusal, Sent};

    #[test]
    fn a_refusal_says_who_what_and_which_request() {
        let error = Error::from(Refusal {
            status: Some(429),
            request_id: Some("req_1".to_owned()),
            retry_after: Some(Duration::from_secs(2)),
            ..Refusal::new("openai", ErrorKind::RateLimited, "slow down")
        });
        assert_eq!(error.to_string(), "openai: slow down (status 429, request req_1)");
        let core = az_core::Error::from(error);
        assert_eq!(
            (core.kind(), core.is_retryable(), core.retry_after()),
            (ErrorKind::RateLimited, true, Some(Duration::from_secs(2)))
        );
    }

    #[test]
    fn only_what_was_certainly_refused_is_free() {
        let status = |status| Refusal { status, ..Refusal::new("p", ErrorKind::Unavailable, "m") };
        for (error, sent) in [
            (status(Some(400)).into(), Sent::No),
            (status(Some(429)).into(), Sent::No),
            (status(Some(503)).into(), Sent::No),
            (status(Some(529)).into(), Sent::No),
            (status(Some(307)).into(), Sent::No),
            (status(Some(500)).into(), Sent::Maybe),
            (status(Some(504)).into(), Sent::Maybe),
            (status(None).into(), Sent::Maybe),
            (Error::Truncated { provider: "p".to_owned() }, Sent::Maybe),
            (Error::Unreachable { provider: "p".to_owned(), source: "refused".into() }, Sent::No),
        ] {
            assert_eq!(error.sent(), sent, "{error}");
        }
    }
}
