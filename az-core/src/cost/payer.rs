//! Payers: what calls are charged to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::id::{KeyId, PayerId, TaskId};

/// The longest kind of payer, in bytes.
const LONGEST_KIND: usize = 32;

/// Kinds with a meaning of their own in names of payers and scopes.
const RESERVED: &[&str] = &["global", "key", "model", "payer", "task"];

/// A payer: what a hold is taken for, what an entry of the ledger is booked to, and what a budget
/// covers.
///
/// It is written as `KIND:ID`, such as `task:0197…` or `key:test`. Payers form trees: see
/// [`BudgetKeeper::set_parent`](super::BudgetKeeper::set_parent).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Payer {
    /// A task.
    Task(TaskId),
    /// A key with which clients authenticate, such as one of a gateway.
    Key(KeyId),
    /// Something that an embedder defines, such as a tenant.
    Other(OtherPayer),
}

/// A payer of a kind that an embedder defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherPayer(Box<KindAndId>);

/// Boxed, because payers are part of errors, which should be small.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct KindAndId {
    kind: Box<str>,
    id: PayerId,
}

impl Payer {
    /// Creates a payer of a kind of your own.
    ///
    /// # Errors
    ///
    /// `Invalid` unless the kind is 1 to 32 characters `a-z`, `0-9`, `_` or `-` that begin with a
    /// letter, and is none of `global`, `key`, `model`, `payer` and `task`.
    pub fn other(kind: &str, id: PayerId) -> Result<Self> {
        check_kind(kind)?;
        Ok(Self::Other(OtherPayer(Box::new(KindAndId { kind: kind.into(), id }))))
    }

    /// Returns the kind: `task`, `key`, or an embedder's own.
    pub fn kind(&self) -> &str {
        match self {
            Self::Task(_) => "task",
            Self::Key(_) => "key",
            Self::Other(OtherPayer(other)) => &other.kind,
        }
    }

    /// Returns the id, which is unique among the payers of its kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Task(id) => id.as_str(),
            Self::Key(id) => id.as_str(),
            Self::Other(OtherPayer(other)) => other.id.as_str(),
        }
    }

    /// Returns the task, if the payer is one.
    pub const fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Task(id) => Some(id),
            Self::Key(_) | Self::Other(_) => None,
        }
    }

    /// Creates a payer of a kind and an id, after checking both.
    pub(super) fn of(kind: &str, id: &str) -> Result<Self> {
        match kind {
            "task" => Ok(Self::Task(TaskId::new(id)?)),
            "key" => Ok(Self::Key(KeyId::new(id)?)),
            _ => Self::other(kind, PayerId::new(id)?),
        }
    }
}

fn check_kind(kind: &str) -> Result<()> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    let begins = kind.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if !begins || kind.len() > LONGEST_KIND || !kind.bytes().all(legal) {
        let reason = format!(
            "{kind:?} must be 1 to {LONGEST_KIND} characters a-z, 0-9, _ or -, and begin with a letter"
        );
        return Err(Error::invalid("kind of payer", reason));
    }
    if RESERVED.contains(&kind) {
        return Err(Error::invalid("kind of payer", format!("{kind:?} is reserved")));
    }
    Ok(())
}

impl From<TaskId> for Payer {
    fn from(task: TaskId) -> Self {
        Self::Task(task)
    }
}

impl From<&TaskId> for Payer {
    fn from(task: &TaskId) -> Self {
        Self::Task(task.clone())
    }
}

impl fmt::Display for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.kind(), self.id()))
    }
}

impl FromStr for Payer {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let (kind, id) = name.split_once(':').ok_or_else(|| {
            let reason = format!("{name:?} must be KIND:ID, such as task:ID or key:NAME");
            Error::invalid("payer", reason)
        })?;
        Self::of(kind, id)
    }
}

impl Serialize for Payer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Payer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// Serializes a payer as the field `payer`, and also reads the field `task` of older records, which
/// has the id of a task.
pub(super) mod field {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Payer;
    use crate::id::TaskId;

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Named {
        Payer(Payer),
        Task(TaskId),
    }

    #[derive(Serialize)]
    struct Field<'a> {
        payer: &'a Payer,
    }

    pub(crate) fn serialize<S: Serializer>(payer: &Payer, s: S) -> Result<S::Ok, S::Error> {
        Field { payer }.serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Payer, D::Error> {
        Ok(match Named::deserialize(d)? {
            Named::Payer(payer) => payer,
            Named::Task(task) => Payer::Task(task),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Payer;

    #[test]
    fn a_payer_is_written_as_its_kind_and_id_and_read_back() {
        for name in ["task:t", "key:test", "tenant:a:b", "x-1_y:0"] {
            let payer: Payer = name.parse().unwrap();
            assert_eq!(payer.to_string(), name);
            let json = serde_json::to_string(&payer).unwrap();
            assert_eq!(json, format!("{name:?}"));
            assert_eq!(serde_json::from_str::<Payer>(&json).unwrap(), payer);
        }
    }

    #[test]
    fn invalid_names_of_payers_are_refused() {
        let long = format!("{}:x", "k".repeat(33));
        for name in
            ["", "t", ":t", "task:", "key:a b", "global:x", "model:m", "payer:x", "Key:x", "1a:x"]
        {
            assert!(name.parse::<Payer>().is_err(), "{name:?}");
        }
        assert!(long.parse::<Payer>().is_err());
    }
}
