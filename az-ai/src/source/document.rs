//! A TOML document that is parsed once.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::location::SourceLocation;
use super::origins::Origins;

/// A parsed TOML document, with the location of every value.
///
/// Typed sections and locations come from the same parse.
#[derive(Clone)]
pub struct TomlDocument<'a> {
    file: &'a str,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

/// The error of a text that is not TOML, or not of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {reason}")]
#[non_exhaustive]
pub struct InvalidDocument {
    /// The location of the error.
    pub location: SourceLocation,
    /// What is wrong. The text itself is not quoted, because it may contain a key.
    pub reason: String,
}

impl fmt::Debug for TomlDocument<'_> {
    /// Prints the name only, because values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TomlDocument").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<'a> TomlDocument<'a> {
    /// Parses a text; `file` is the name in locations.
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

    /// Creates a document from a text and its root table, which was parsed from this text.
    pub fn new(file: &'a str, text: &'a str, root: Spanned<DeTable<'a>>) -> Self {
        Self { file, text, root }
    }

    /// Returns the document with its keys in lower case, so that keys are case-insensitive.
    ///
    /// # Errors
    ///
    /// [`InvalidDocument`] for a table with a key twice, in different cases.
    pub fn with_lowercase_keys(self) -> Result<Self, InvalidDocument> {
        let Self { file, text, root } = self;
        let span = root.span();
        match lowercase_table(root.into_inner()) {
            Ok(root) => Ok(Self { file, text, root: Spanned::new(span, root) }),
            Err(Duplicate { key, span }) => {
                let location = SourceLocation::in_text(file, text, span.start);
                let reason = format!("duplicate key `{key}`; the case of keys does not count");
                Err(InvalidDocument { location, reason })
            }
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

    /// Returns the locations of all values.
    pub fn origins(&self) -> Origins {
        Origins::of(self)
    }

    /// Returns the root table.
    pub fn root(&self) -> &DeTable<'a> {
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

/// A key that a table has twice, in different cases.
struct Duplicate {
    key: String,
    span: Range<usize>,
}

fn lowercase_table(table: DeTable<'_>) -> Result<DeTable<'_>, Duplicate> {
    let mut lower = DeTable::new();
    // In the order of the text, so that the second of two keys is reported.
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let (span, name) = (key.span(), key.get_ref().to_ascii_lowercase());
        let key = Spanned::new(span.clone(), Cow::Owned(name.clone()));
        let value = Spanned::new(value.span(), lowercase_value(value.into_inner())?);
        if lower.insert(key, value).is_some() {
            return Err(Duplicate { key: name, span });
        }
    }
    Ok(lower)
}

fn lowercase_value(value: DeValue<'_>) -> Result<DeValue<'_>, Duplicate> {
    Ok(match value {
        DeValue::Table(table) => DeValue::Table(lowercase_table(table)?),
        DeValue::Array(array) => {
            let mut lower = DeArray::new();
            for item in array {
                let span = item.span();
                lower.push(Spanned::new(span, lowercase_value(item.into_inner())?));
            }
            DeValue::Array(lower)
        }
        value @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => value,
    })
}

fn invalid(file: &str, text: &str, error: &toml::de::Error) -> InvalidDocument {
    let offset = error.span().map_or(0, |span| span.start);
    let location = SourceLocation::in_text(file, text, offset);
    InvalidDocument { location, reason: error.message().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::TomlDocument;

    #[test]
    fn keys_are_case_insensitive_and_duplicates_are_refused() {
        let text = "[LLM]\nModel = 'A'\n[[llm2.Providers]]\nNAME = 'B'\n";
        let document = TomlDocument::parse("c.toml", text).unwrap().with_lowercase_keys().unwrap();
        let value: serde_json::Value = document.deserialize().unwrap();
        let expected = serde_json::json!({
            "llm": {"model": "A"}, "llm2": {"providers": [{"name": "B"}]}
        });
        assert_eq!(value, expected);
        let keys: Vec<_> =
            document.origins().iter().map(|(key, at)| format!("{key} {at}")).collect();
        assert!(keys.contains(&"llm.model c.toml:2:9".to_owned()), "{keys:?}");

        let twice = TomlDocument::parse("c.toml", "[llm]\nmodel = 'a'\nModel = 'b'\n").unwrap();
        assert_eq!(
            twice.with_lowercase_keys().unwrap_err().to_string(),
            "c.toml:3:1: duplicate key `model`; the case of keys does not count"
        );
    }
}
