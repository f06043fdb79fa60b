//! Errors of models, and whether a failed call may cost something.

use std::fmt;
use std::time::Duration;

use az_core::ErrorKind;
use az_core::cost::Charge;
use az_core::error::BoxError;

use crate::model_name::InvalidModelName;

/// The result of most operations of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether a failed request may have reached the model, and so may cost something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// It did not: the connection was refused, or the provider refused the request.
    No,
    /// It may have: count it as paid.
    Maybe,
}

/// The error of a call to a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No model has this name.
    #[error("no model is called {name:?}{}", hint(near))]
    UnknownModel {
        /// The requested name.
        name: String,
        /// Similar names.
        near: Vec<String>,
    },
    /// A text is not a valid model name.
    #[error(transparent)]
    InvalidModelName(#[from] InvalidModelName),
    /// A client cannot be created or used with these settings.
    #[error("{provider} is not set up: {reason}")]
    Setup {
        /// The provider.
        provider: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// The request needs a capability that the model does not have.
    #[error("{provider} cannot do this: {reason}")]
    Unsupported {
        /// The provider.
        provider: String,
        /// The missing capability.
        reason: String,
    },
    /// The provider could not be reached.
    #[error("{provider} cannot be reached")]
    Unreachable {
        /// The provider.
        provider: String,
        /// The error of the connection.
        #[source]
        source: BoxError,
    },
    /// The connection broke or timed out.
    #[error("the connection to {provider} broke")]
    Broken {
        /// The provider.
        provider: String,
        /// The error of the connection.
        #[source]
        source: BoxError,
    },
    /// The response ended before it was complete.
    #[error("the response from {provider} was cut off")]
    Truncated {
        /// The provider.
        provider: String,
    },
    /// The response is invalid.
    #[error("invalid response from {provider}: {reason}")]
    Malformed {
        /// The provider.
        provider: String,
        /// What is wrong with the response.
        reason: String,
    },
    /// The provider refused the request.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The offline planner does not understand the command.
    #[error("{reason}")]
    NotUnderstood {
        /// The part that it does not understand, and an example that it does.
        reason: String,
    },
    /// The call failed after the provider had reported its usage.
    #[error(transparent)]
    Metered(Box<MeteredError>),
    /// The account refuses the call, or its store failed: nothing was sent.
    #[error(transparent)]
    Account(az_core::Error),
    /// The offline planner or a script cannot continue.
    #[error("{reason}")]
    Stopped {
        /// The reason.
        reason: String,
    },
}

/// The failure of a call whose usage the provider had reported. Its message and its source are the
/// error's.
#[derive(Debug)]
pub struct MeteredError {
    /// The error.
    pub error: Error,
    /// The charge, as far as it was reported.
    pub charge: Charge,
}

impl fmt::Display for MeteredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for MeteredError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// A provider's refusal, with its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: {message}{}", self.details())]
pub struct Refusal {
    /// The provider.
    pub provider: String,
    /// The kind of error.
    pub kind: ErrorKind,
    /// The provider's message, with the key removed.
    pub message: String,
    /// The HTTP status; absent for an error in the body of a response.
    pub status: Option<u16>,
    /// The provider's error code.
    pub code: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The wait that the provider asks for.
    pub retry_after: Option<Duration>,
    /// Whether the provider documents that it does not charge for this status.
    pub is_free: bool,
    /// Whether the server is still loading the model, so that none has run.
    pub is_loading: bool,
}

impl Refusal {
    /// Creates a refusal with a message and nothing else.
    pub fn new(provider: impl Into<String>, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            kind,
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            is_free: false,
            is_loading: false,
        }
    }

    /// Whether the request may cost something. A server rejects a request with most statuses of 4xx
    /// before the model gets it; but a filter is a model too, and with other statuses (408, 409,
    /// 424, 499, 5xx) a gateway may report that it waited in vain for a provider that has worked.
    fn sent(&self) -> Sent {
        match self.status {
            _ if self.is_free || self.is_loading => Sent::No,
            _ if self.kind == ErrorKind::ContentPolicy => Sent::Maybe,
            // Redirects are not followed.
            Some(300..=407 | 410..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451) => Sent::No,
            _ => Sent::Maybe,
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
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownModel { .. } | Self::InvalidModelName(_) => ErrorKind::NotFound,
            Self::Setup { .. } => ErrorKind::Config,
            Self::Unsupported { .. } | Self::NotUnderstood { .. } => ErrorKind::BadRequest,
            Self::Unreachable { .. } | Self::Broken { .. } => ErrorKind::Unavailable,
            Self::Truncated { .. } | Self::Malformed { .. } => ErrorKind::Protocol,
            Self::Refused(refusal) => refusal.kind,
            Self::Metered(metered) => metered.error.kind(),
            Self::Account(error) => error.kind(),
            Self::Stopped { .. } => ErrorKind::Agent,
        }
    }

    /// Whether the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// Returns the least wait before a retry, if the provider asks for one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            Self::Metered(metered) => metered.error.retry_after(),
            _ => None,
        }
    }

    /// Whether the request may cost something. It does not where it certainly did not reach the
    /// model, or where the provider documents that it does not charge for such a failure.
    pub fn sent(&self) -> Sent {
        match self {
            Self::Broken { .. }
            | Self::Truncated { .. }
            | Self::Malformed { .. }
            | Self::Metered(_) => Sent::Maybe,
            Self::Refused(refusal) => refusal.sent(),
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

    /// Returns the refusal of a server that is still loading the model: the same request may succeed
    /// once it is loaded. Any other status of 503 is a failure of the server.
    pub fn is_loading(&self) -> Option<&Refusal> {
        match self.unmetered() {
            Self::Refused(refusal) if refusal.is_loading => Some(refusal),
            _ => None,
        }
    }

    /// Returns the error itself, without the charge that the provider had reported.
    pub const fn unmetered(&self) -> &Self {
        match self {
            Self::Metered(metered) => metered.error.unmetered(),
            error => error,
        }
    }

    /// Returns the error with the charge that the provider had reported, if it had.
    #[must_use]
    pub(crate) fn with_charge(self, charge: Option<Charge>) -> Self {
        match charge {
            Some(charge) => Self::Metered(Box::new(MeteredError { error: self, charge })),
            None => self,
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

/// Returns a suggestion of similar names, to be appended to a message.
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
    use az_core::cost::{Charge, Usage};

    use super::{Error, Refusal, Sent};

    #[test]
    fn a_refusal_shows_provider_message_status_and_request() {
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
    fn a_server_that_loads_its_model_is_recognised_behind_a_charge() {
        let is_loading = |is_loading| {
            let refusal = Refusal::new("p", ErrorKind::Unavailable, "m");
            let error = Error::from(Refusal { is_loading, ..refusal });
            let charged = error.with_charge(Some(Charge::new(Usage::tokens(0, 0), None)));
            charged.is_loading().is_some()
        };
        assert_eq!((is_loading(true), is_loading(false)), (true, false));
    }

    #[test]
    fn only_refused_requests_are_free() {
        let status = |status| Refusal { status, ..Refusal::new("p", ErrorKind::Unavailable, "m") };
        for (error, sent) in [
            (status(Some(400)).into(), Sent::No),
            (status(Some(429)).into(), Sent::No),
            (status(Some(307)).into(), Sent::No),
            (status(Some(408)).into(), Sent::Maybe),
            (status(Some(409)).into(), Sent::Maybe),
            (status(Some(424)).into(), Sent::Maybe),
            (status(Some(499)).into(), Sent::Maybe),
            (status(Some(503)).into(), Sent::Maybe),
            (status(Some(529)).into(), Sent::Maybe),
            (Refusal { is_loading: true, ..status(Some(503)) }.into(), Sent::No),
            (Refusal { is_free: true, ..status(Some(500)) }.into(), Sent::No),
            (Refusal { kind: ErrorKind::ContentPolicy, ..status(Some(400)) }.into(), Sent::Maybe),
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
