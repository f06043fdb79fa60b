//! Masks secrets in log records.

use std::borrow::Cow;

use az_core::secret::{MASK, is_secret_name, mask_keys};

use crate::config::Env;

/// Values shorter than this are not searched for: they would match anything.
const SHORTEST: usize = 8;

/// Masks secrets: values of variables whose names say so, and words that look like keys of providers.
///
/// Errors do not contain keys in the first place; this is for the texts of others, such as what a server or a
/// command says.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
}

/// A value that is not shown.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Redactor {
    /// Creates a redactor that knows the secrets in the environment.
    pub fn new(env: &Env) -> Self {
        let is_secret =
            |(name, value): &(String, String)| value.len() >= SHORTEST && is_secret_name(name);
        let mut secrets: Vec<_> =
            env.all().filter(is_secret).map(|(_, value)| Secret(value)).collect();
        // One may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        Self { secrets }
    }

    /// Returns a text with all secrets masked.
    pub fn redact(&self, text: String) -> String {
        let mut text = text;
        for Secret(secret) in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        match mask_keys(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Redactor;
    use crate::config::Env;

    #[test]
    fn secrets_of_the_environment_and_keys_are_masked() {
        let env = Env::from([
            ("OPENAI_API_KEY", "a-secret-of-mine"),
            ("my_password", "longer: a-secret-of-mine"),
            ("SHORT_KEY", "x"),
            ("HOME", "/home/me"),
        ]);
        let redactor = Redactor::new(&env);
        for (text, expected) in [
            ("key a-secret-of-mine!", "key [redacted]!"),
            ("longer: a-secret-of-mine", "[redacted]"),
            ("/home/me/x", "/home/me/x"),
            ("Authorization: Bearer abc.def-0123, x", "Authorization: Bearer [redacted], x"),
            ("(sk-ant-0123456789abcdef)", "([redacted])"),
            ("\"gsk_0123456789abcdefgh\"", "\"[redacted]\""),
            ("sk-short größer", "sk-short größer"),
            ("a task-sk-0123456789abcdef", "a task-sk-0123456789abcdef"),
            ("", ""),
        ] {
            assert_eq!(redactor.redact(text.to_owned()), expected, "{text}");
        }
        assert!(!format!("{redactor:?}").contains("secret-of"));
    }
}
