//! A TOML text that is parsed once.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::location::SourceLocation;
use super::origins::Origins;

/// A TOML text that was parsed, with the location of every value.
///
/// All that is read from the text comes from this one parse: typed sections, and where their values
/// are written.
#[derive(Clone)]
pub struct TomlDocument<'a> {
    file: &'a str,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

/// The error of a text that is not TOML, or not of the form that is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {reason}")]
#[non_exhaustive]
pub struct InvalidDocument {
    /// Where the text is wrong.
    pub location: SourceLocation,
    /// What is wrong. The text itself is not quoted: it may hold a key.
    pub reason: String,
}

impl fmt::Debug for TomlDocument<'_> {
    /// Shows the name only: the values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TomlDocument").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<'a> TomlDocument<'a> {
    /// Parses a text; `file` is the name that locations are given with.
    ///
    /// # Errors
    ///
    /// [`InvalidDocument`] for a text that is not TOML.
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, InvalidDocument> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { file, text, root }),
            Err(error) => Err(invalid(file, text, &error)),
        }
    }

    /// Returns the whole document as a value of type `T`.
    ///
    /// # Errors
    ///
    /// [`InvalidDocument`] for a document of another form.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, InvalidDocument> {
        let deserializer = Deserializer::from(self.root.clone());
        T::deserialize(deserializer).map_err(|error| invalid(self.file, self.text, &error))
    }

    /// Returns where every value of the document is written.
    pub fn origins(&self) -> Origins {
        Origins::of(self)
    }

    /// Returns the table that the whole document is.
    pub(crate) fn root(&self) -> &DeTable<'a> {
        self.root.get_ref()
    }

    /// Returns the tables of an array of tables; none when there is no such array.
    pub(crate) fn tables(&self, path: &[&str]) -> Vec<&Spanned<DeValue<'a>>> {
        let Some((last, parents)) = path.split_last() else { return Vec::new() };
        let table = parents.iter().try_fold(self.root(), |table, name| {
            table.get(*name).and_then(|value| value.get_ref().as_table())
        });
        let array = table.and_then(|table| table.get(*last)?.get_ref().as_array());
        array.into_iter().flat_map(|array| array.iter()).collect()
    }

    /// Returns the location of a byte.
    pub(crate) fn location(&self, offset: usize) -> SourceLocation {
        SourceLocation::in_text(self.file, self.text, offset)
    }

    /// Returns the text of a range.
    pub(crate) fn slice(&self, range: Range<usize>) -> Option<&'a str> {
        self.text.get(range)
    }
}

fn invalid(file: &str, text: &str, error: &toml::de::Error) -> InvalidDocument {
    let offset = error.span().map_or(0, |span| span.start);
    let location = SourceLocation::in_text(file, text, offset);
    InvalidDocument { location, reason: error.message().to_owned() }
}
