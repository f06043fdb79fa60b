//! A set of secrets, and the search for them.

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use az_core::content::ContentPart;
use az_core::secret::MASK;
use az_core::tool::ToolOutput;
use az_core::{Error, Result};
use serde_json::Value;

use super::forms::forms;

/// The shortest secret that is searched for, in bytes: shorter ones would match anything.
const SHORTEST: usize = 8;

/// A set of secrets. It cannot be printed.
#[derive(Clone, Default)]
pub struct KnownSecrets(Option<AhoCorasick>);

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownSecrets(..)")
    }
}

impl KnownSecrets {
    /// Creates a set. Secrets of less than 8 bytes are left out.
    ///
    /// # Errors
    ///
    /// `Invalid` for more secrets than can be searched for.
    pub fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let mut patterns = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref().trim();
            if secret.len() >= SHORTEST {
                patterns.extend(forms(secret));
            }
        }
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns);
        // The error of the library could quote a pattern.
        search
            .map(|search| Self(Some(search)))
            .map_err(|_| Error::invalid("secrets", "there are too many of them to search for"))
    }

    /// Returns a text with all secrets masked, in each of their forms.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.0 {
            Some(search) if search.is_match(text) => {
                let mut masked = String::with_capacity(text.len());
                search.replace_all_with(text, &mut masked, |_, _, masked| {
                    masked.push_str(MASK);
                    true
                });
                Cow::Owned(masked)
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// Masks the secrets in a text.
    pub(super) fn redact_in(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.redact(text) {
            *text = masked;
        }
    }

    /// Masks the secrets in all texts of a value, and in its keys.
    pub fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact_in(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(fields) => {
                if fields.keys().any(|key| self.contains(key)) {
                    let renamed = std::mem::take(fields).into_iter();
                    *fields = renamed
                        .map(|(key, value)| (self.redact(&key).into_owned(), value))
                        .collect();
                }
                fields.values_mut().for_each(|value| self.redact_value(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Masks the secrets in a tool's output.
    pub fn redact_output(&self, output: &mut ToolOutput) {
        if self.0.is_none() {
            return;
        }
        for part in &mut output.content {
            match part {
                ContentPart::Text { text } => self.redact_in(text),
                ContentPart::ResourceLink { uri, name, description, .. } => {
                    self.redact_in(uri);
                    self.redact_in(name);
                    description.iter_mut().for_each(|text| self.redact_in(text));
                }
                _ => {}
            }
        }
        output.data.iter_mut().for_each(|data| self.redact_value(data));
    }

    /// Whether a text contains a secret, in any of its forms.
    pub fn contains(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|search| search.is_match(text))
    }

    /// Returns the path of a text or a key in a value that contains a secret, such as `env.TOKEN`.
    pub fn find(&self, value: &Value) -> Option<String> {
        let below = |name: String, found: String| match found {
            inner if inner.is_empty() => name,
            inner if inner.starts_with('[') => name + &inner,
            inner => format!("{name}.{inner}"),
        };
        match value {
            Value::String(text) => self.contains(text).then(String::new),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(i, item)| self.find(item).map(|found| below(format!("[{i}]"), found))),
            Value::Object(fields) => fields.iter().find_map(|(key, value)| {
                if self.contains(key) {
                    return Some("a name".to_owned());
                }
                self.find(value).map(|found| below(key.clone(), found))
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }
}
