//! A set of secrets, and the search for them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use az_core::content::ContentPart;
use az_core::secret::MASK;
use az_core::tool::ToolOutput;
use az_core::{Error, Result};
use serde_json::Value;

use super::forms::forms;

/// The shortest secret that is searched for, in bytes: shorter ones would match anything.
const SHORTEST: usize = 8;
/// The largest size of all forms of all secrets, in bytes: the search takes a multiple of it in memory.
const MAX_FORMS: usize = 8 << 20;

/// A set of secrets. It cannot be printed.
#[derive(Clone, Default)]
pub struct KnownSecrets {
    /// The forms of the secrets, sorted.
    forms: Arc<[String]>,
    /// The length of the longest form.
    longest: usize,
    /// The search for the forms; `None` without secrets.
    search: Option<AhoCorasick>,
}

impl PartialEq for KnownSecrets {
    fn eq(&self, other: &Self) -> bool {
        self.forms == other.forms
    }
}

impl Eq for KnownSecrets {}

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
    /// `Invalid` for secrets that are too large to search for.
    pub fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let (mut all, mut size) = (BTreeSet::new(), 0);
        for secret in secrets {
            let secret = secret.as_ref().trim();
            if secret.len() >= SHORTEST {
                all.extend(forms(secret));
                size += secret.len();
            }
        }
        if all.is_empty() {
            return Ok(Self::default());
        }
        if all.iter().map(String::len).sum::<usize>() > MAX_FORMS {
            return Err(too_large(size));
        }
        let forms: Arc<[String]> = all.into_iter().collect();
        let longest = forms.iter().map(String::len).max().unwrap_or_default();
        let builder = &mut AhoCorasick::builder();
        let search = builder.match_kind(MatchKind::LeftmostLongest).build(forms.iter());
        // The error of the library could quote a pattern.
        search
            .map(|search| Self { forms, longest, search: Some(search) })
            .map_err(|_| too_large(size))
    }

    /// Whether there are no secrets.
    pub(super) const fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// Finds the secrets in bytes, each in its longest form.
    pub(super) fn find_in(&self, bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
        let found = self.search.iter().flat_map(move |search| search.find_iter(bytes));
        found.map(|found| found.range())
    }

    /// Returns where the bytes that may begin a secret start, at the end of `bytes`; its length if there are
    /// none.
    pub(super) fn beginning_at_end(&self, bytes: &[u8]) -> usize {
        let first = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        let begins = |at: &usize| bytes.get(*at..).is_some_and(|end| self.begins_with(end));
        (first..bytes.len()).find(begins).unwrap_or(bytes.len())
    }

    /// Whether a form begins with these bytes and is longer.
    fn begins_with(&self, bytes: &[u8]) -> bool {
        let after = self.forms.partition_point(|form| form.as_bytes() <= bytes);
        self.forms.get(after).is_some_and(|form| form.as_bytes().starts_with(bytes))
    }

    /// Returns a text with all secrets masked, in each of their forms.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.search {
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

    /// Returns a part of a text with the secrets masked of which at least a byte is in it: one that is cut
    /// could not be found any more.
    pub(crate) fn redact_part<'t>(&self, text: &'t str, part: Range<usize>) -> Cow<'t, str> {
        let shown = text.get(part.clone()).unwrap_or_default();
        let found = self.find_in(text.as_bytes());
        let found = found.skip_while(|found| found.end <= part.start);
        let mut found = found.take_while(|found| found.start < part.end).peekable();
        if found.peek().is_none() {
            return Cow::Borrowed(shown);
        }
        let (mut masked, mut from) = (String::with_capacity(shown.len()), part.start);
        for secret in found {
            masked.push_str(text.get(from..secret.start).unwrap_or_default());
            masked.push_str(MASK);
            from = secret.end;
        }
        masked.push_str(text.get(from..part.end).unwrap_or_default());
        Cow::Owned(masked)
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
        if self.is_empty() {
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
        self.search.as_ref().is_some_and(|search| search.is_match(text))
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

fn too_large(bytes: usize) -> Error {
    let kib = bytes >> 10;
    let reason = format!(
        "the keys and passwords of this machine have {kib} KiB, too much to search for them; unset large \
         variables whose names say that they hold a secret, or remove large files from the directory of keys"
    );
    Error::invalid("secrets", reason)
}
