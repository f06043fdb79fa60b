//! Namespaces separate several tenants in one store.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The longest namespace, in bytes.
const LONGEST: usize = 64;

/// A part of a store whose handles see only their own data. The contracts do not mention it: a
/// handle is bound to its namespace when it is opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Box<str>);

impl Namespace {
    /// The namespace of stores that are not shared.
    pub const DEFAULT: &'static str = "default";

    /// Checks and wraps a namespace.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] unless it is 1 to 64 ASCII letters, digits or `._-`.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(legal) {
            return Err(Error::invalid(
                "namespace",
                format!("{name:?}: must be 1 to {LONGEST} ASCII letters, digits or `._-`"),
            ));
        }
        Ok(Self(name.into()))
    }

    /// Returns the namespace as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` for the namespace of stores that are not shared.
    pub fn is_default(&self) -> bool {
        self.as_str() == Self::DEFAULT
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Namespace {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::Namespace;

    #[test]
    fn namespaces_are_short_plain_names() {
        assert_eq!(Namespace::new("default").unwrap(), Namespace::default());
        for name in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(Namespace::new(name).is_err(), "{name:?} was accepted");
        }
    }
}
