//! The differences between OpenAI-compatible servers.

use super::model;
use crate::chat::Effort;

/// The options of an OpenAI-compatible server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dialect {
    /// The field for the maximum of output tokens.
    pub max_tokens_field: MaxTokensField,
    /// Whether reasoning is sent back.
    pub reasoning: ReasoningReplay,
    /// The API that is used.
    pub interface: Interface,
    /// Whether structured output uses a schema.
    pub formats: Formats,
    /// The family of the server's models.
    pub family: Family,
    /// The ids of tool calls that the server accepts.
    pub call_ids: CallIds,
    /// How the key of a conversation in the cache is sent.
    pub cache_key: CacheKey,
}

/// How the key of a conversation in the cache is sent, so that its requests reach the server that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheKey {
    /// Not at all.
    #[default]
    None,
    /// As `prompt_cache_key`: OpenAI and Mistral.
    PromptCacheKey,
    /// As the header `x-grok-conv-id`, and as `prompt_cache_key` of Responses: xAI. See
    /// <https://docs.x.ai/developers/advanced-api-usage/prompt-caching/maximizing-cache-hits>.
    GrokConversation,
    /// As `session_id`: OpenRouter, which keeps a session at one provider. See
    /// <https://openrouter.ai/docs/guides/features/prompt-caching>.
    SessionId,
}

/// The field for the maximum of output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaxTokensField {
    /// `max_tokens`, which all compatible servers accept.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's reasoning models require.
    MaxCompletionTokens,
}

/// Whether reasoning is sent back as `reasoning_content`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasoningReplay {
    /// Never.
    #[default]
    Never,
    /// With every turn that has tool calls, even if there is none: `DeepSeek` requires it.
    WithCalls,
}

/// The API that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// Chat completions, which all compatible servers support.
    #[default]
    Chat,
    /// Responses for models that support nothing else, otherwise chat completions.
    WhereNeeded,
    /// Responses.
    Responses,
}

/// Whether structured output uses a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Formats {
    /// A schema.
    #[default]
    Schema,
    /// JSON without a schema: the schema is part of the instructions.
    Words,
}

/// The family of a server's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Any models: parameters are sent as requested.
    #[default]
    Any,
    /// OpenAI's own, some of which refuse parameters that others accept.
    OpenAi,
    /// `DeepSeek`'s, whose thinking can be switched on and off.
    DeepSeek,
}

/// The ids of tool calls that a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallIds {
    /// Any id.
    #[default]
    Any,
    /// Nine letters and digits: Mistral refuses others, such as those of other providers' turns.
    Nine,
}

impl Dialect {
    /// The options that compatible servers have in common.
    pub const COMPATIBLE: Self = Self {
        max_tokens_field: MaxTokensField::MaxTokens,
        reasoning: ReasoningReplay::Never,
        interface: Interface::Chat,
        formats: Formats::Schema,
        family: Family::Any,
        call_ids: CallIds::Any,
        cache_key: CacheKey::None,
    };
    /// OpenAI's options.
    pub const OPENAI: Self = Self {
        max_tokens_field: MaxTokensField::MaxCompletionTokens,
        interface: Interface::WhereNeeded,
        family: Family::OpenAi,
        cache_key: CacheKey::PromptCacheKey,
        ..Self::COMPATIBLE
    };
    /// `DeepSeek`'s options.
    pub const DEEPSEEK: Self = Self {
        reasoning: ReasoningReplay::WithCalls,
        formats: Formats::Words,
        family: Family::DeepSeek,
        ..Self::COMPATIBLE
    };
    /// Mistral's options.
    pub const MISTRAL: Self =
        Self { call_ids: CallIds::Nine, cache_key: CacheKey::PromptCacheKey, ..Self::COMPATIBLE };
    /// xAI's options.
    pub const XAI: Self = Self { cache_key: CacheKey::GrokConversation, ..Self::COMPATIBLE };
    /// OpenRouter's options.
    pub const OPENROUTER: Self = Self { cache_key: CacheKey::SessionId, ..Self::COMPATIBLE };

    /// Returns the dialect with another API.
    #[must_use]
    pub const fn with_interface(mut self, interface: Interface) -> Self {
        self.interface = interface;
        self
    }

    /// Whether a model is called over Responses.
    pub(super) fn has_responses(self, model: &str) -> bool {
        match self.interface {
            Interface::Chat => false,
            Interface::Responses => true,
            Interface::WhereNeeded => model::needs_responses(model),
        }
    }

    /// Whether a model accepts a temperature and stop sequences.
    pub(super) fn has_temperature(self, model: &str) -> bool {
        self.family != Family::OpenAi || !model::thinks(model)
    }

    /// Whether a model takes marks at the ends of prefixes that are to be cached.
    pub(super) fn has_breakpoints(self, model: &str) -> bool {
        self.family == Family::OpenAi && model::has_breakpoints(model)
    }

    /// Whether the reasoning of a model is available encrypted, to be sent back.
    pub(super) fn has_encrypted_thoughts(self, model: &str) -> bool {
        self.family != Family::OpenAi || model::thinks(model)
    }

    /// Returns the reasoning effort parameter, if the model accepts one.
    pub(super) fn effort(self, model: &str, effort: Effort) -> Option<&'static str> {
        match self.family {
            Family::OpenAi => model::effort(model, effort),
            // Thinking is disabled by another parameter.
            Family::DeepSeek if effort == Effort::None => None,
            Family::Any | Family::DeepSeek => Some(model::word(effort)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Interface};
    use crate::chat::Effort;

    #[test]
    fn models_with_responses_only_use_it() {
        let needs = |model: &str| Dialect::OPENAI.has_responses(model);
        for model in [
            "o1-pro",
            "o3-pro-2025-06-10",
            "gpt-5-pro",
            "gpt-5.2-pro",
            "gpt-5-codex",
            "gpt-5.1-codex-max",
            "codex-mini-latest",
            "o3-deep-research",
            "computer-use-preview",
        ] {
            assert!(needs(model), "{model}");
            assert!(!Dialect::COMPATIBLE.has_responses(model), "{model}");
        }
        for model in
            ["gpt-4o", "gpt-4.1-nano", "o3", "o4-mini", "gpt-5", "gpt-5.2", "gpt-5-mini", ""]
        {
            assert!(!needs(model), "{model}");
            assert!(Dialect::OPENAI.with_interface(Interface::Responses).has_responses(model));
        }
    }

    #[test]
    fn reasoning_models_take_no_temperature() {
        for model in [
            "o1",
            "o3-mini",
            "o4-mini",
            "gpt-5",
            "gpt-5.2",
            "gpt-5-nano",
            "gpt-6",
            "codex-mini-latest",
        ] {
            assert!(!Dialect::OPENAI.has_temperature(model), "{model}");
            assert!(Dialect::COMPATIBLE.has_temperature(model), "{model}");
        }
        for model in ["gpt-4o", "gpt-4.1", "gpt-5-chat-latest", "gpt-3.5-turbo", "omni", "m", ""] {
            assert!(Dialect::OPENAI.has_temperature(model), "{model}");
        }
    }

    #[test]
    fn each_model_gets_an_effort_that_it_supports() {
        let all = |dialect: Dialect, model: &str| {
            let efforts = [Effort::None, Effort::Low, Effort::Medium, Effort::High];
            efforts.map(|effort| dialect.effort(model, effort).unwrap_or("-"))
        };
        let openai = |model: &str| all(Dialect::OPENAI, model);
        assert_eq!(openai("gpt-5.2"), ["none", "low", "medium", "high"]);
        assert_eq!(openai("gpt-5-mini"), ["minimal", "low", "medium", "high"]);
        assert_eq!(openai("o3"), ["low", "low", "medium", "high"]);
        assert_eq!(openai("gpt-5.1-codex"), ["low", "low", "medium", "high"]);
        for model in ["gpt-4o", "gpt-5-pro", "gpt-5-chat-latest", "o1-mini"] {
            assert_eq!(openai(model), ["-"; 4], "{model}");
        }
        assert_eq!(all(Dialect::COMPATIBLE, "m"), ["none", "low", "medium", "high"]);
        assert_eq!(all(Dialect::DEEPSEEK, "m"), ["-", "low", "medium", "high"]);
    }
}
