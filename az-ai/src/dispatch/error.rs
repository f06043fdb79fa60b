//! The error of a dispatch.

use crate::error::Error;

/// The reason why no candidate replied.
///
/// It converts into the error of either crate: into `az_core::Error` as a run reports it, into
/// [`Error`] as a client does.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct DispatchError {
    /// The error as the account reported it.
    #[source]
    pub error: Box<az_core::Error>,
    /// The client's own error, if a call was made and failed.
    pub cause: Option<Box<Error>>,
}

impl From<az_core::Error> for DispatchError {
    fn from(error: az_core::Error) -> Self {
        Self { error: Box::new(error), cause: None }
    }
}

impl From<DispatchError> for az_core::Error {
    fn from(failed: DispatchError) -> Self {
        *failed.error
    }
}

impl From<DispatchError> for Error {
    fn from(failed: DispatchError) -> Self {
        failed.cause.map_or_else(|| Self::Account(*failed.error), |cause| *cause)
    }
}
