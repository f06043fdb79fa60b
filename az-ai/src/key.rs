//! API keys that cannot be printed.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Keys shorter than this are not searched for in texts: they would match anything.
const SHORTEST: usize = 6;

/// A provider's API key. It can only be sent: it has no `Display`, its `Debug` output does not
/// contain it, and it cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

impl ApiKey {
    /// Creates a key; whitespace around it, as files have it, is removed.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().trim().into())
    }

    /// Returns the key, for a search that masks it in texts.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Returns the key, for use in a request.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns `text` with the key masked.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.len() < SHORTEST {
            return text.to_owned();
        }
        text.replace(&*self.0, "[key]")
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::ApiKey;

    #[test]
    fn a_key_is_not_shown() {
        let key = ApiKey::new("sk-secret-1\n");
        assert_eq!(key.reveal(), "sk-secret-1");
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        assert_eq!(key.redact("bad key sk-secret-1!"), "bad key [key]!");
    }
}
