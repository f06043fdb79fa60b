//! The vocabularies of models.

use super::bound;
use super::count::{self, count};

/// The vocabulary of a model, as far as it is public. Without the feature `vocabularies`, texts in
/// all of them count a token a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Vocabulary {
    /// The vocabulary is not public: a text counts a token a byte.
    #[default]
    Unknown,
    /// `cl100k_base`, of GPT-4 and GPT-3.5.
    Cl100k,
    /// `o200k_base`, of GPT-4o, GPT-4.1, GPT-5, the o-series and gpt-oss.
    O200k,
}

/// The models of OpenAI's own table, by the beginning of their names. The first match applies.
///
/// Source: `tiktoken/model.py` of OpenAI's tiktoken, which takes every name that begins with `gpt-5`.
const MODELS: [(&str, Vocabulary); 12] = [
    ("gpt-5", Vocabulary::O200k),
    ("gpt-4.5", Vocabulary::O200k),
    ("gpt-4.1", Vocabulary::O200k),
    ("gpt-4o", Vocabulary::O200k),
    ("chatgpt-4o", Vocabulary::O200k),
    ("gpt-oss", Vocabulary::O200k),
    ("o1", Vocabulary::O200k),
    ("o3", Vocabulary::O200k),
    ("o4-mini", Vocabulary::O200k),
    ("gpt-4", Vocabulary::Cl100k),
    ("gpt-3.5-turbo", Vocabulary::Cl100k),
    ("text-embedding-3", Vocabulary::Cl100k),
];

impl Vocabulary {
    /// Returns the vocabulary of a provider's model: known for OpenAI's models at OpenAI, and under
    /// OpenAI's name (`openai/…`) elsewhere.
    pub fn of(provider: &str, model: &str) -> Self {
        let model = model.trim().to_lowercase();
        let name = match model.strip_prefix("openai/") {
            Some(name) => name,
            None if provider.eq_ignore_ascii_case("openai") => model.as_str(),
            None => return Self::Unknown,
        };
        let begins = |(prefix, _): &&(&str, Self)| {
            let rest = name.strip_prefix(prefix);
            // `gpt-5.6` and `o3-mini`, but not `o10`.
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        MODELS.iter().find(begins).map_or(Self::Unknown, |(_, vocabulary)| *vocabulary)
    }

    /// Loads the vocabulary on tokio's blocking pool, unless it is loaded; it takes about a fifth of a
    /// second. Otherwise the first estimate for one of its models does, on the thread of its caller.
    /// Dispatchers load the vocabulary of every model that they call.
    pub async fn load(self) {
        count::load(self).await;
    }

    /// Returns an upper bound of a text's tokens: their number, where the vocabulary is known.
    pub(super) fn text(self, text: &str) -> u64 {
        let bytes = bound::text(text);
        count(self, text).map_or(bytes, |tokens| tokens.min(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::Vocabulary::{self, Cl100k, O200k, Unknown};

    #[test]
    fn models_have_the_vocabulary_of_openais_table() {
        for (provider, model, expected) in [
            ("openai", "gpt-5.6", O200k),
            ("openai", "gpt-4o-mini-2024-07-18", O200k),
            ("openai", "o3-mini", O200k),
            ("openai", "gpt-4-0613", Cl100k),
            ("openai", "gpt-3.5-turbo", Cl100k),
            ("openrouter", "openai/gpt-5.6", O200k),
            ("groq", "openai/gpt-oss-120b", O200k),
            ("openai", "o10", Unknown),
            ("openai", "gpt-6", Unknown),
            ("my-gateway", "gpt-5.6", Unknown),
            ("anthropic", "claude-sonnet-5-5", Unknown),
        ] {
            assert_eq!(Vocabulary::of(provider, model), expected, "{provider} {model}");
        }
    }
}
