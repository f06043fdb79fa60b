//! The locations of a document's values.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::TomlDocument;
use super::location::SourceLocation;

/// The location of each value of a document by its key, such as `llm.providers[0].name`.
///
/// Tables and arrays are listed as well as the values in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, SourceLocation>);

impl Origins {
    pub(super) fn of(document: &TomlDocument<'_>) -> Self {
        let mut origins = Self::default();
        origins.add_table(document, "", document.root());
        origins
    }

    /// Returns the location of a key's value; `None` for a key that the document does not have.
    pub fn get(&self, key: &str) -> Option<&SourceLocation> {
        self.0.get(key)
    }

    /// Returns the keys in their order, each with its location.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SourceLocation)> {
        self.0.iter().map(|(key, location)| (key.as_str(), location))
    }

    fn add_table(&mut self, document: &TomlDocument<'_>, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let name = name.get_ref();
            let key = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
            self.add(document, key, value);
        }
    }

    fn add(&mut self, document: &TomlDocument<'_>, key: String, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(document, &key, table),
            DeValue::Array(array) => {
                for (i, item) in array.iter().enumerate() {
                    self.add(document, format!("{key}[{i}]"), item);
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
        self.0.insert(key, document.location(value.span().start));
    }
}

#[cfg(test)]
mod tests {
    use crate::source::TomlDocument;

    #[test]
    fn every_value_has_the_location_where_it_is_written() {
        let text = "data_dir = '/x'\n[llm]\n  model = \"é\"; \n".replace("; ", "");
        let text = format!("{text}[[llm.providers]]\nname = 'a'\nfeatures = ['chat', 'tools']\n");
        let document = TomlDocument::parse("az.toml", &text).unwrap();
        let origins = document.origins();
        let all: Vec<_> = origins.iter().map(|(key, at)| format!("{key} {at}")).collect();
        assert_eq!(
            all,
            [
                "data_dir az.toml:1:12",
                "llm az.toml:2:1",
                "llm.model az.toml:3:11",
                "llm.providers az.toml:4:1",
                "llm.providers[0] az.toml:4:1",
                "llm.providers[0].features az.toml:6:12",
                "llm.providers[0].features[0] az.toml:6:13",
                "llm.providers[0].features[1] az.toml:6:21",
                "llm.providers[0].name az.toml:5:8",
            ]
        );
        assert_eq!(origins.get("llm.base_url"), None);
        assert_eq!(format!("{document:?}"), "TomlDocument { file: \"az.toml\", .. }");
    }
}
