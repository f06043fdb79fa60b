//! Masks secrets in log records.

use std::borrow::Cow;

use az_core::secret::is_secret_name;

use crate::config::Env;

/// What a secret is replaced by.
const MASK: &str = "[redacted]";
/// Values shorter than this are not searched for: they would match anything.
const SHORTEST: usize = 8;
/// How keys of providers begin.
const BEGINNINGS: [&str; 9] =
    ["sk-", "sk_", "gsk_", "xai-", "AIza", "ghp_", "github_pat_", "hf_", "r8_"];
/// The shortest key of a provider, in bytes.
const SHORTEST_KEY: usize = 16;

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
        match without_keys(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }
}

/// Returns a text with the words masked that look like keys, and those behind `Bearer`.
fn without_keys(text: &str) -> Cow<'_, str> {
    if !text.contains("Bearer ") && !BEGINNINGS.iter().any(|beginning| text.contains(beginning)) {
        return Cow::Borrowed(text);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (mut masked, mut rest, mut is_token) = (String::with_capacity(text.len()), text, false);
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_key = word.len() >= SHORTEST_KEY && BEGINNINGS.iter().any(|b| word.starts_with(b));
        let is_secret = is_key || (is_token && word.len() >= SHORTEST);
        masked.push_str(if is_secret { MASK } else { word });
        let between = after.find(is_part).unwrap_or(after.len());
        let (between, next) = after.split_at(between);
        masked.push_str(between);
        is_token = word == "Bearer";
        rest = next;
    }
    Cow::Owned(masked)
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
