//! Where in the arguments of a call a problem is.

use std::fmt;

/// A place in the arguments of a call, written like `arguments.env.HOME` or `arguments.files[2]`.
#[derive(Debug, Clone)]
pub(crate) struct ArgumentPath(String);

impl ArgumentPath {
    /// Returns the place of all arguments.
    pub(crate) fn root() -> Self {
        Self("arguments".to_owned())
    }

    /// Returns the place at a path from the root as serde writes it, such as `files[2].name`; `.` is the
    /// root.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "." | "" | "?" => Self::root(),
            path => Self(format!("arguments.{path}")),
        }
    }

    /// Returns the place of a field.
    pub(crate) fn key(&self, name: &str) -> Self {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        match !name.is_empty() && name.chars().count() < 64 && name.chars().all(is_plain) {
            true => Self(format!("{self}.{name}")),
            false => {
                let name: String = name.chars().take(64).collect();
                Self(format!("{self}[{name:?}]"))
            }
        }
    }

    /// Returns the place of an item.
    pub(crate) fn item(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]"))
    }

    /// Returns a problem at this place.
    pub(crate) fn problem(&self, what: &str) -> String {
        format!("{self}: {what}")
    }
}

impl fmt::Display for ArgumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
