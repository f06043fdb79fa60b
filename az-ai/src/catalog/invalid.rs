//! Errors of a configuration of models.

use crate::error::{Error, hint};
use crate::routing::RulesError;

/// The error of a configuration of models that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An entry is invalid.
    #[error(transparent)]
    Entry(#[from] InvalidEntry),
    /// The default is not a model.
    #[error("unknown model {name:?}; use an entry, provider/model or offline{}", hint(near))]
    UnknownDefault {
        /// The configured name.
        name: String,
        /// Names that are similar.
        near: Vec<String>,
    },
    /// The default is an entry without a model.
    #[error("name its model, as in {name}/MODEL")]
    DefaultWithoutModel {
        /// The entry.
        name: String,
    },
    /// The routing rules are invalid.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// The error of an entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
#[non_exhaustive]
pub struct InvalidEntry {
    /// The position of the entry in the configuration, from 0.
    pub index: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        let provider = match &error {
            ConnectError::Rules(_) => "routing",
            _ => "models",
        };
        Self::Setup { provider: provider.to_owned(), reason: error.to_string() }
    }
}
