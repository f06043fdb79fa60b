//! The scope of a budget.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::payer::Payer;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// The calls that a budget covers.
///
/// In JSON, a scope is an object such as `{"scope":"task","of":"ID"}`, whose `scope` is the kind of
/// payer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Recorded", into = "Recorded")]
pub enum Scope {
    /// Everything.
    Global,
    /// A payer and its descendants.
    Payer(Payer),
    /// A model, by the name that is booked.
    Model(String),
}

impl Scope {
    /// Creates the scope of a task and its parts.
    pub const fn task(id: TaskId) -> Self {
        Self::Payer(Payer::Task(id))
    }

    /// Returns the name used in stores and on the command line: `global`, `model:NAME`, or the
    /// payer's `KIND:ID`. [`FromStr`] parses it.
    pub fn key(&self) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Payer(payer) => payer.to_string(),
            Self::Model(name) => format!("model:{name}"),
        }
    }
}

impl From<Payer> for Scope {
    fn from(payer: Payer) -> Self {
        Self::Payer(payer)
    }
}

/// Formats the scope for display, such as `task 42`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Payer(payer) => write!(f, "{} {}", payer.kind(), payer.id()),
            Self::Model(name) => write!(f, "model {name}"),
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self> {
        match key.split_once(':') {
            None if key == "global" => Ok(Self::Global),
            Some(("model", name)) => Ok(Self::Model(name.to_owned())),
            _ => Ok(Self::Payer(key.parse()?)),
        }
    }
}

/// A scope as it is stored.
#[derive(Serialize, Deserialize)]
struct Recorded {
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

impl From<Scope> for Recorded {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Global => Self { scope: "global".to_owned(), of: None },
            Scope::Model(name) => Self { scope: "model".to_owned(), of: Some(name) },
            Scope::Payer(payer) => {
                Self { scope: payer.kind().to_owned(), of: Some(payer.id().to_owned()) }
            }
        }
    }
}

impl TryFrom<Recorded> for Scope {
    type Error = Error;

    fn try_from(recorded: Recorded) -> Result<Self> {
        let Recorded { scope, of } = recorded;
        match (scope.as_str(), of) {
            ("global", None) => Ok(Self::Global),
            ("model", Some(name)) => Ok(Self::Model(name)),
            (kind, Some(id)) => Ok(Self::Payer(Payer::of(kind, &id)?)),
            (kind, None) => Err(Error::invalid(
                "scope",
                format!("{kind:?} needs the field `of` with the name that it covers"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for (key, json) in [
            ("global", r#"{"scope":"global"}"#),
            ("task:t", r#"{"scope":"task","of":"t"}"#),
            ("model:m:free", r#"{"scope":"model","of":"m:free"}"#),
            ("key:test", r#"{"scope":"key","of":"test"}"#),
            ("tenant:a", r#"{"scope":"tenant","of":"a"}"#),
        ] {
            let scope: Scope = key.parse().unwrap();
            assert_eq!(scope.key(), key);
            assert_eq!(serde_json::to_string(&scope).unwrap(), json);
            assert_eq!(serde_json::from_str::<Scope>(json).unwrap(), scope);
        }
        for bad in [r#"{"scope":"task"}"#, r#"{"scope":"global","of":"x"}"#] {
            assert!(serde_json::from_str::<Scope>(bad).is_err(), "{bad}");
        }
    }
}
