//! Ids of tasks, workers, payers and calls. Callers create them; this crate generates none.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The longest id, in bytes.
const LONGEST: usize = 128;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps an id.
            ///
            /// # Errors
            ///
            /// [`Error::Invalid`] unless it is 1 to 128 ASCII letters, digits or `._:@/+-`.
            pub fn new(id: impl Into<String>) -> Result<Self, Error> {
                let id = id.into();
                check($field, &id)?;
                Ok(Self(id.into()))
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(id: &str) -> Result<Self, Error> {
                Self::new(id)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(id: String) -> Result<Self, Error> {
                Self::new(id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

id! {
    /// A task's id, unique in its store. `az` uses UUIDv7 text; any valid text will do.
    TaskId, "task id"
}
id! {
    /// The id of a worker: a process, or a part of one. Unique among live workers.
    WorkerId, "worker id"
}
id! {
    /// The id of a key with which clients authenticate; it is not the secret itself.
    KeyId, "key id"
}
id! {
    /// The id of a payer of a kind that an embedder defines.
    PayerId, "payer id"
}
id! {
    /// The id of a call within a payer. In a task: `m3` for the model call whose intent is event 3,
    /// `t2.0` for the first tool call of turn 2, `e:NAME` for a call that an agent names.
    CallId, "call id"
}

impl CallId {
    /// Returns the id of the model call whose intent is event `seq`.
    pub fn model(seq: u64) -> Self {
        Self(format!("m{seq}").into())
    }

    /// Returns the id of tool call `index` of turn `turn`, both from 0.
    pub fn tool(turn: usize, index: usize) -> Self {
        Self(format!("t{turn}.{index}").into())
    }

    /// Returns whether this is the id of a tool call of a turn, from [`CallId::tool`].
    pub fn is_of_turn(&self) -> bool {
        self.place().is_some()
    }

    /// Returns the turn and the place in it, both from 0, if this is the id of a tool call of a turn.
    pub fn place(&self) -> Option<(usize, usize)> {
        let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse().ok(),
            false => None,
        };
        let (turn, index) = self.0.strip_prefix('t')?.split_once('.')?;
        Some((number(turn)?, number(index)?))
    }

    /// Returns the id of the call with this number, from 0, among those that the agent chooses.
    pub(crate) fn act(number: usize) -> Self {
        Self(format!("a{number}").into())
    }
}

fn check(field: &'static str, id: &str) -> Result<(), Error> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._:@/+-".contains(&b);
    if id.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if id.len() > LONGEST {
        return Err(Error::invalid(field, format!("must be at most {LONGEST} bytes")));
    }
    if !id.bytes().all(legal) {
        return Err(Error::invalid(field, "must consist of ASCII letters, digits and ._:@/+-"));
    }
    Ok(())
}
