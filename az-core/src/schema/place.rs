//! Where in a value a problem is.

use std::fmt;

/// A place in a value, written like `arguments.env.HOME` or `answer.files[2]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Returns the place of the whole value, which has this name.
    pub fn root(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Returns the place at a path from this one as serde writes it, such as `files[2].name`; `.` is this
    /// one.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        match path {
            "." | "" | "?" => self.clone(),
            path => Self(format!("{self}.{path}")),
        }
    }

    /// Returns the place of a field.
    #[must_use]
    pub fn key(&self, name: &str) -> Self {
        let is_plain = |c: char| c.is_alphanumeric() || "_-$".contains(c);
        match !name.is_empty() && name.chars().count() < 64 && name.chars().all(is_plain) {
            true => Self(format!("{self}.{name}")),
            false => {
                let name: String = name.chars().take(64).collect();
                Self(format!("{self}[{name:?}]"))
            }
        }
    }

    /// Returns the place of an item.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]"))
    }

    /// Returns a problem at this place.
    pub fn problem(&self, what: &str) -> String {
        format!("{self}: {what}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The way to a value from the root, which becomes a place only for a problem.
#[derive(Debug)]
pub(super) enum Path<'p> {
    Root(&'p Place),
    Key(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl<'p> Path<'p> {
    pub(super) const fn key(&'p self, name: &'p str) -> Self {
        Self::Key(self, name)
    }

    pub(super) const fn item(&'p self, index: usize) -> Self {
        Self::Item(self, index)
    }

    pub(super) fn place(&self) -> Place {
        match self {
            Self::Root(place) => (*place).clone(),
            Self::Key(of, name) => of.place().key(name),
            Self::Item(of, index) => of.place().item(*index),
        }
    }

    /// Returns the number of values that this one is within.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root(_) => 0,
            Self::Key(of, _) | Self::Item(of, _) => of.depth() + 1,
        }
    }
}
