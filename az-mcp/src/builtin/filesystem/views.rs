//! What a model has to have seen of a file before it changes it.

use std::fmt;

/// Why a call of a model may not change a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ViewProblem {
    /// The task has not read the file.
    Unread,
    /// The task has read a part of the file, and the call replaces all of it.
    Partial,
    /// The file was changed since the task read it.
    Changed,
}

impl fmt::Display for ViewProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unread => "was not read in this task",
            Self::Partial => "was read in this task only in part",
            Self::Changed => "was changed since it was read in this task",
        })
    }
}
