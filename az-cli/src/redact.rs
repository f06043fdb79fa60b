//! Masks secrets in log records.

use std::borrow::Cow;

use az_core::secret::{is_secret_name, mask_keys};
use az_mcp::secrets::KnownSecrets;

use crate::config::{Env, password_of};

/// Masks secrets: values of variables whose names say so, and words that look like keys of providers.
///
/// Errors do not contain keys in the first place; this is for the texts of others, such as what a server or a
/// command says. If the secrets cannot be searched for, texts are replaced by the reason.
#[derive(Debug, Clone)]
pub struct Redactor {
    known: Result<KnownSecrets, String>,
}

impl Redactor {
    /// Creates a redactor that knows the secrets in the environment.
    pub fn new(env: &Env) -> Self {
        Self::of(KnownSecrets::new(secrets_of(env)).map_err(|error| error.to_string()))
    }

    /// Creates a redactor that knows these secrets; `Err` is the reason that they cannot be searched for.
    pub const fn of(known: Result<KnownSecrets, String>) -> Self {
        Self { known }
    }

    /// Returns a text with all secrets masked.
    pub fn redact(&self, text: String) -> String {
        let known = match &self.known {
            Ok(known) => known,
            Err(reason) => return format!("[a text is not shown: {reason}]"),
        };
        let text = match known.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        };
        match mask_keys(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }
}

/// Returns the secrets in an environment: values of variables whose names say so, and passwords of proxies.
pub(crate) fn secrets_of(env: &Env) -> Vec<String> {
    let mut secrets: Vec<_> =
        env.all().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value).collect();
    let proxies = env.all().filter(|(name, _)| name.to_ascii_uppercase().ends_with("_PROXY"));
    secrets.extend(proxies.filter_map(|(_, value)| password_of(&value)));
    secrets
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

    #[test]
    fn no_text_is_shown_if_the_secrets_cannot_be_searched_for() {
        let redactor = Redactor::new(&Env::from([("MY_TOKEN", "%".repeat(1 << 20).as_str())]));
        let shown = redactor.redact("a text".to_owned());
        assert!(
            shown.starts_with(
                "[a text is not shown: invalid secrets: the keys and passwords of this machine have 1024 KiB"
            ),
            "{shown}"
        );
    }
}
