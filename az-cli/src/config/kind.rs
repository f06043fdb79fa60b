//! The kinds of values that keys have, and the check of a value.

use std::path::Path;

use az_ai::provider::connect::FEATURES;
use az_ai::resolver::near;
use az_ai::token_price::TokenPrice;
use az_core::store::StoreAddress;
use az_mcp::sandbox::HostPattern;
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeValue};
use toml_edit::Value;

use super::duration::parse_duration;
use super::key::Key;
use super::log_filter::parse_log_filter;
use super::problem::Problem;

/// The kind of a value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text that is not empty.
    Text,
    /// An API key.
    Secret,
    /// A path; a relative one begins at the directory of the file.
    Path,
    /// A path that does not depend on a directory.
    AbsolutePath,
    /// An address that begins with `http://` or `https://`.
    Url,
    /// The address of a store.
    StoreUrl,
    /// The name of a time zone.
    TimeZone,
    /// A duration, such as `10m`.
    Duration,
    /// A filter of log records, such as `info,az_core=debug`.
    LogFilter,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number from 1 to a limit.
    Count(u64),
    /// A whole number from 0, which switches something off, to a limit.
    CountOrOff(u64),
    /// A price in dollars.
    Price,
    /// A list of features of a model.
    Features,
    /// A list of environment variables, with or without values.
    Variables,
    /// A list of hosts, such as `example.org` and `*.example.org:8443`.
    Hosts,
    /// A list of names of models.
    Models,
    /// A list of paths; relative ones begin at the directory of the file.
    Paths,
    /// A program and its arguments.
    Words,
    /// A list of names, such as those of tools.
    Names,
    /// A list of headers of HTTP, such as `X-Version: 2`.
    Headers,
    /// A table with these keys.
    Table(&'static [Key]),
    /// A list of tables with these keys.
    Tables(&'static [Key]),
    /// A table of tables with these keys, each under a name of the user's own.
    NamedTables(&'static [Key]),
}

impl Kind {
    /// Returns what a value of this kind is, for messages and documents.
    pub fn in_words(self) -> String {
        match self {
            Self::Text | Self::Secret => "text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::AbsolutePath => "an absolute path".to_owned(),
            Self::Url => "an address that begins with http:// or https://".to_owned(),
            Self::StoreUrl => "the address of a store, such as sqlite:/srv/az.db".to_owned(),
            Self::TimeZone => "the name of a time zone".to_owned(),
            Self::Duration => "a duration, such as \"90s\", \"10m\" or \"1h30m\"".to_owned(),
            Self::LogFilter => "a filter, such as \"info\" or \"warn,az_core=debug\"".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Bool => "true or false".to_owned(),
            Self::Count(most) if most > u64::from(u32::MAX) => "a whole number from 1".to_owned(),
            Self::Count(most) => format!("a whole number from 1 to {most}"),
            Self::CountOrOff(most) => format!("a whole number from 0 to {most}"),
            Self::Price => "a number of dollars, such as 0.0000025".to_owned(),
            Self::Features => "a list of features".to_owned(),
            Self::Variables => "a list of texts, such as [\"CI=1\"]".to_owned(),
            Self::Hosts => "a list of hosts, such as [\"*.example.org\"]".to_owned(),
            Self::Models => "a list of models, such as [\"openai/gpt-5.6\"]".to_owned(),
            Self::Paths => "a list of paths, such as [\"~/.cache/go\"]".to_owned(),
            Self::Words => "a list of texts, such as [\"notify-send\", \"az\"]".to_owned(),
            Self::Names => "a list of names, such as [\"get_time\"]".to_owned(),
            Self::Headers => "a list of headers, such as [\"X-Version: 2\"]".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::NamedTables(_) => "a table of tables".to_owned(),
            Self::Tables(_) => "a list of tables".to_owned(),
        }
    }

    /// Whether values may hold a secret, so that messages do not show them. A table may if one of its
    /// keys may.
    pub fn may_be_secret(self) -> bool {
        match self {
            Self::Secret
            | Self::Variables
            | Self::Words
            | Self::Headers
            | Self::Url
            | Self::StoreUrl => true,
            Self::Table(keys) | Self::Tables(keys) | Self::NamedTables(keys) => {
                keys.iter().any(|key| key.kind.may_be_secret())
            }
            _ => false,
        }
    }

    /// Returns a value that was typed as text, as TOML. A list is words with commas, or TOML.
    ///
    /// # Errors
    ///
    /// What is expected instead. The text is not checked otherwise: the check of the file does that.
    pub fn literal(self, typed: &str) -> Result<String, String> {
        let trimmed = typed.trim();
        let quoted = |text: &str| Value::from(text).to_string();
        match self {
            // The words of a command and headers may have commas.
            Self::Words | Self::Headers => self.toml(trimmed),
            _ if self.is_list() && !trimmed.starts_with('[') => {
                let words = trimmed.split(',').map(str::trim).filter(|word| !word.is_empty());
                Ok(format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(", ")))
            }
            Self::Bool | Self::Count(_) | Self::CountOrOff(_) | Self::Price => {
                match DeValue::parse(trimmed) {
                    Ok(_) if !trimmed.contains(['\n', '#']) => Ok(trimmed.to_owned()),
                    _ => Err(format!("must be {}", self.in_words())),
                }
            }
            Self::Table(_) | Self::Tables(_) | Self::NamedTables(_) => self.toml(trimmed),
            _ if self.is_list() => self.toml(trimmed),
            _ => Ok(quoted(typed)),
        }
    }

    /// Returns a value that is typed as TOML.
    fn toml(self, typed: &str) -> Result<String, String> {
        match DeValue::parse(typed) {
            Ok(_) => Ok(typed.to_owned()),
            Err(error) => Err(format!("must be {} as TOML: {}", self.in_words(), error.message())),
        }
    }

    /// Whether a value is a list of texts.
    const fn is_list(self) -> bool {
        matches!(
            self,
            Self::Features
                | Self::Variables
                | Self::Hosts
                | Self::Models
                | Self::Paths
                | Self::Words
                | Self::Names
                | Self::Headers
        )
    }

    /// Returns what is wrong with a value that is not a table. `key` is its full name.
    pub(super) fn problems(self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<Problem> {
        match value.get_ref() {
            DeValue::Array(items) if self.is_list() => {
                items.iter().filter_map(|item| self.problem_of_item(key, item)).collect()
            }
            found => self.problem(found).map(|found| found.at(key, value)).into_iter().collect(),
        }
    }

    fn problem_of_item(self, key: &str, item: &Spanned<DeValue<'_>>) -> Option<Problem> {
        let DeValue::String(text) = item.get_ref() else {
            let what = format!("expected text, found {}", described(item.get_ref()));
            return Some(Found::new(what).at(key, item));
        };
        let found = match self {
            Self::Features if !FEATURES.contains(&&**text) => {
                Found::new(format!("unknown feature {text:?}; known are {}", FEATURES.join(", ")))
                    .like(near(text, FEATURES.iter().copied()))
            }
            Self::Words | Self::Names if text.is_empty() => {
                Found::new("must not be empty".to_owned())
            }
            Self::Headers if header_of(text).is_none() => Found::new(
                "a header has a name of letters, digits and -, a colon, and a value, as in \
                 \"X-Version: 2\""
                    .to_owned(),
            ),
            Self::Variables if text.is_empty() || text.starts_with('=') => {
                Found::new("a variable has no name; use NAME or NAME=VALUE".to_owned())
            }
            Self::Hosts => Found::new(text.parse::<HostPattern>().err()?),
            Self::Models | Self::Paths if text.trim().is_empty() => {
                Found::new("must not be empty".to_owned())
            }
            _ => return None,
        };
        Some(found.at(key, item))
    }

    fn problem(self, value: &DeValue<'_>) -> Option<Found> {
        let expected = || {
            Some(Found::new(format!("expected {}, found {}", self.in_words(), described(value))))
        };
        match (self, value) {
            (Self::Bool, DeValue::Boolean(_)) => None,
            (Self::Count(most) | Self::CountOrOff(most), DeValue::Integer(number)) => {
                let least = u64::from(matches!(self, Self::Count(_)));
                match whole(number) {
                    Some(number) if (least..=most).contains(&number) => None,
                    _ => Some(Found::new(format!("must be {}", self.in_words()))),
                }
            }
            (Self::Price, DeValue::Integer(number)) => price(number.as_str()),
            (Self::Price, DeValue::Float(number)) => price(number.as_str()),
            (Self::Price, DeValue::String(text)) => price(text),
            (_, DeValue::String(text)) => self.problem_of_text(text).unwrap_or_else(expected),
            _ => expected(),
        }
    }

    /// Returns what is wrong with a text; `None` if values of this kind are not texts.
    fn problem_of_text(self, text: &str) -> Option<Option<Found>> {
        let wrong = |message: String| Some(Some(Found::new(message)));
        match self {
            Self::Text | Self::Secret | Self::Path | Self::AbsolutePath
                if text.trim().is_empty() =>
            {
                wrong("must not be empty".to_owned())
            }
            Self::Text | Self::Secret | Self::Path => Some(None),
            Self::AbsolutePath if Path::new(text).is_relative() => wrong(
                "must be an absolute path: a relative one would depend on the working directory"
                    .to_owned(),
            ),
            Self::AbsolutePath => Some(None),
            Self::Url => match text.split_once("://") {
                Some((scheme, rest))
                    if !rest.is_empty()
                        && ["http", "https"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) =>
                {
                    Some(None)
                }
                _ => wrong("must begin with http:// or https://".to_owned()),
            },
            Self::StoreUrl => match text.parse::<StoreAddress>() {
                Ok(address) if address.scheme() == "sqlite" && address.path().is_relative() => {
                    wrong(
                        "must have an absolute path: a relative one would depend on the working \
                     directory"
                            .to_owned(),
                    )
                }
                Ok(_) => Some(None),
                Err(_) => wrong(format!("must be {}", self.in_words())),
            },
            Self::TimeZone => Some(time_zone(text)),
            Self::Duration => Some(parse_duration(text).err().map(Found::new)),
            Self::LogFilter => Some(parse_log_filter(text).err().map(Found::new)),
            Self::Choice(words) if words.contains(&text) => Some(None),
            Self::Choice(words) => {
                let found = Found::new(format!("must be one of {}", words.join(", ")));
                Some(Some(found.like(near(text, words.iter().copied()))))
            }
            _ => None,
        }
    }
}

/// Returns the name and the value of a header; `None` for a text that is none.
pub(crate) fn header_of(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(':')?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let is_name = !name.is_empty() && name.chars().all(legal);
    let value = value.trim();
    (is_name && !value.is_empty() && !value.contains(['\n', '\r'])).then_some((name, value))
}

/// What is wrong with a value, before its place is known.
struct Found {
    message: String,
    suggestion: Option<String>,
}

impl Found {
    fn new(message: String) -> Self {
        Self { message, suggestion: None }
    }

    fn like(self, near: Vec<String>) -> Self {
        Self { suggestion: near.into_iter().next(), ..self }
    }

    fn at(self, key: &str, value: &Spanned<DeValue<'_>>) -> Problem {
        let problem = Problem::new(key, value.span(), self.message);
        Problem { suggestion: self.suggestion, ..problem }
    }
}

fn price(text: &str) -> Option<Found> {
    text.parse::<TokenPrice>().err().map(|error| Found::new(error.to_string()))
}

fn time_zone(name: &str) -> Option<Found> {
    if jiff::tz::TimeZone::get(name).is_ok() {
        return None;
    }
    let known: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let found = Found::new("unknown time zone; use a name such as Europe/Berlin".to_owned());
    Some(found.like(near(name, known.iter().map(String::as_str))))
}

/// Returns a whole number that is not negative and fits; `None` for another one.
fn whole(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Returns what a value is, without the value, which may be a secret.
pub(super) fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(text) if text.is_empty() => "empty text",
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(items) if is_tables(items) => "a list of tables",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn is_tables(items: &DeArray<'_>) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get_ref().is_table())
}
