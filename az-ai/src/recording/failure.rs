//! Errors in recordings.

use std::time::Duration;

use az_core::ErrorKind;
use az_core::cost::Charge;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal};
use crate::provider::shown;

/// The failure of an exchange: an [`Error`] without its provider, which the header names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Failure {
    /// The provider refused the request.
    Refused {
        /// The kind of error.
        kind: ErrorKind,
        /// The provider's message.
        message: String,
        /// The HTTP status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The provider's error code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The provider's id of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
        /// The wait that the provider asked for, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_millis: Option<u64>,
        /// Whether the provider documents that it does not charge for this status.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_free: bool,
    },
    /// The call failed after the provider had reported its usage.
    Metered {
        /// The failure.
        failure: Box<Self>,
        /// The charge.
        charge: Box<Charge>,
    },
    /// The response ended before it was complete.
    Truncated,
    /// The response was invalid.
    Malformed {
        /// What was wrong with it.
        reason: String,
    },
    /// The connection broke.
    Broken {
        /// The error of the connection.
        message: String,
    },
    /// The provider could not be reached.
    Unreachable {
        /// The error of the connection.
        message: String,
    },
    /// The request needed a capability that the model does not have.
    Unsupported {
        /// The missing capability.
        reason: String,
    },
    /// No model has this name.
    UnknownModel {
        /// The name.
        name: String,
        /// Similar names.
        #[serde(default)]
        near: Vec<String>,
    },
    /// The client could not be used with its settings.
    Setup {
        /// What was missing or wrong.
        reason: String,
    },
    /// The offline planner did not understand the command.
    NotUnderstood {
        /// The part that it did not understand.
        reason: String,
    },
    /// The offline planner or a script could not continue.
    Stopped {
        /// The reason.
        reason: String,
    },
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::from(&**refusal),
            Error::Metered(metered) => Self::Metered {
                failure: Box::new(Self::from(&metered.error)),
                charge: Box::new(metered.charge.clone()),
            },
            Error::Truncated { .. } => Self::Truncated,
            Error::Malformed { reason, .. } => Self::Malformed { reason: reason.clone() },
            Error::Broken { source, .. } => {
                Self::Broken { message: az_core::error::chain(&**source) }
            }
            Error::Unreachable { source, .. } => {
                Self::Unreachable { message: az_core::error::chain(&**source) }
            }
            Error::Unsupported { reason, .. } => Self::Unsupported { reason: reason.clone() },
            Error::UnknownModel { name, near } => {
                Self::UnknownModel { name: name.clone(), near: near.clone() }
            }
            Error::InvalidModelName(error) => Self::Setup { reason: error.to_string() },
            Error::Setup { reason, .. } => Self::Setup { reason: reason.clone() },
            Error::NotUnderstood { reason } => Self::NotUnderstood { reason: reason.clone() },
            Error::Stopped { reason } => Self::Stopped { reason: reason.clone() },
            Error::Account(refusal) => Self::Stopped { reason: refusal.chain() },
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        // Rounded up, so that a replay does not wait less than the provider asked for.
        let millis = |wait: Duration| wait.as_nanos().div_ceil(1_000_000);
        let wait = refusal.retry_after.map(millis);
        Self::Refused {
            kind: refusal.kind,
            message: refusal.message.clone(),
            status: refusal.status,
            code: refusal.code.clone(),
            request_id: refusal.request_id.clone(),
            retry_after_millis: wait.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX)),
            is_free: refusal.is_free,
        }
    }
}

impl Failure {
    /// Returns the recorded error, as this provider's.
    pub fn error(&self, provider: &str) -> Error {
        let provider = provider.to_owned();
        match self.clone() {
            Self::Refused {
                kind,
                message,
                status,
                code,
                request_id,
                retry_after_millis,
                is_free,
            } => Error::from(Refusal {
                provider,
                kind,
                // Follows from the rest, so that it is not recorded.
                is_loading: status.is_some_and(|status| shown::is_loading(status, &message)),
                message,
                status,
                code,
                request_id,
                retry_after: retry_after_millis.map(Duration::from_millis),
                is_free,
            }),
            Self::Metered { failure, charge } => {
                failure.error(&provider).with_charge(Some(*charge))
            }
            Self::Truncated => Error::Truncated { provider },
            Self::Malformed { reason } => Error::Malformed { provider, reason },
            Self::Broken { message } => Error::Broken { provider, source: message.into() },
            Self::Unreachable { message } => {
                Error::Unreachable { provider, source: message.into() }
            }
            Self::Unsupported { reason } => Error::Unsupported { provider, reason },
            Self::UnknownModel { name, near } => Error::UnknownModel { name, near },
            Self::Setup { reason } => Error::Setup { provider, reason },
            Self::NotUnderstood { reason } => Error::NotUnderstood { reason },
            Self::Stopped { reason } => Error::Stopped { reason },
        }
    }
}
