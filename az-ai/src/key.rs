//! A secret that cannot be printed.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Keys shorter than this are not looked for in texts: they would match anything.
const SHORTEST: usize = 6;

/// A provider's key. It can be sent, and nothing else: it has no `Display`, its `Debug` says
/// nothing, and it cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

impl ApiKey {
    /// Wraps a key; blanks and line ends around it, as files have them, are cut off.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().trim().into())
    }

    /// Returns the key, to be put into a request.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns `text` without the key in it.
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
