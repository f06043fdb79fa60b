//! One record of the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// The severity of a record; later ones are more severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Details for debugging.
    Debug,
    /// Normal operation.
    Info,
    /// A problem that did not stop the operation.
    Warn,
    /// A problem that stopped the operation.
    Error,
}

impl Level {
    /// All levels, least severe first.
    pub const ALL: &[Self] = &[Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Returns the name used in journals and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = |l: &&Self| l.as_str() == name;
        Self::ALL.iter().find(known).copied().ok_or_else(|| {
            Error::invalid("level", format!("{name:?} is none of debug, info, warn, error"))
        })
    }
}

/// A log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The time.
    pub at: Timestamp,
    /// The severity.
    pub level: Level,
    /// The component that logs.
    pub target: String,
    /// The task that it belongs to, if any.
    pub task: Option<TaskId>,
    /// The message.
    pub message: String,
}

impl LogRecord {
    /// The size that a record takes beside its texts, roughly.
    const OVERHEAD: u64 = 100;

    /// Returns the size of the record in a store, as retention counts it.
    pub fn bytes(&self) -> u64 {
        let texts = self.target.len().saturating_add(self.message.len());
        u64::try_from(texts).unwrap_or(u64::MAX).saturating_add(Self::OVERHEAD)
    }
}
