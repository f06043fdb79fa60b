//! One line of the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// How much a record matters; later ones matter more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For whoever looks for a mistake of ours.
    Debug,
    /// As it should be.
    Info,
    /// Not as it should be, but gone on.
    Warn,
    /// Not gone on.
    Error,
}

impl Level {
    /// All of them, least first.
    pub const ALL: &[Self] = &[Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Returns the name used in records and on the command line.
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

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// Which part of the program says so.
    pub target: String,
    /// The task it belongs to, if any.
    pub task: Option<TaskId>,
    /// What happened.
    pub message: String,
}
