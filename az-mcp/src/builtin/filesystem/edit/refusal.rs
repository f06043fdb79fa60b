//! Why an edit is refused, for the model.

use std::fmt;

use super::nearest::Nearest;

/// Why an edit does not apply to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Empty,
    Same,
    Several(Occurrences),
    /// The text does not occur; what is most like it, if there is anything.
    Missing(Option<Nearest>),
}

/// Where a text occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Occurrences {
    /// The lines of the first ones, from 1.
    pub(super) lines: Vec<usize>,
    pub(super) count: usize,
    /// Whether all were counted.
    pub(super) is_all: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(
                "old_string is empty; copy the text to replace from the file, or create a file with \
                 filesystem.write",
            ),
            Self::Same => f.write_str(
                "old_string and new_string are the same, apart from line ends, so that nothing would \
                 change",
            ),
            Self::Several(found) => write!(
                f,
                "old_string occurs {found}; add lines around it until it occurs once, or set \
                 replace_all"
            ),
            Self::Missing(None) => f.write_str(
                "old_string does not occur in the file, and no line of it does; read the file again",
            ),
            Self::Missing(Some(nearest)) => {
                write!(f, "old_string does not occur in the file; {nearest}")
            }
        }
    }
}

impl fmt::Display for Occurrences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.lines.iter().map(ToString::to_string).collect();
        let least = if self.is_all { "" } else { "at least " };
        let more = if self.count > self.lines.len() { ", …" } else { "" };
        write!(f, "{least}{} times, at lines {}{more}", self.count, lines.join(", "))
    }
}
