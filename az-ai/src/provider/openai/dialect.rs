//! In what servers that speak like OpenAI differ.

use super::model;
use crate::chat::Effort;

/// How a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dialect {
    /// What the longest answer is called.
    pub max_tokens_field: MaxTokensField,
    /// Whether thoughts are sent back.
    pub reasoning: ReasoningReplay,
    /// Which interface is used.
    pub interface: Interface,
    /// Whether the shape of an answer is asked for by its schema.
    pub formats: Formats,
    /// Whether the server's models are known by their names.
    pub family: Family,
    /// Which ids calls of tools may have.
    pub call_ids: CallIds,
}

/// What a server calls the longest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaxTokensField {
    /// `max_tokens`, which all look-alikes know.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// Whether thoughts are sent back as `reasoning_content`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasoningReplay {
    /// They are not.
    #[default]
    Never,
    /// With every turn that asked for tools, even when there are none: `DeepSeek` insists on it.
    WithCalls,
}

/// Which of OpenAI's interfaces is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// Chat completions, which all look-alikes know.
    #[default]
    Chat,
    /// Responses where a model answers nowhere else, chat completions otherwise.
    WhereNeeded,
    /// Responses.
    Responses,
}

/// Whether the shape of an answer is asked for by its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Formats {
    /// It is.
    #[default]
    Schema,
    /// The server knows only that it is to be JSON: the model is told the schema in words.
    Words,
}

/// Whose models a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Anybody's: they are asked as the request says.
    #[default]
    Any,
    /// OpenAI's own, some of which refuse what others take.
    OpenAi,
    /// `DeepSeek`'s, which think or do not, as they are told.
    DeepSeek,
}

/// Which ids calls of tools may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallIds {
    /// Any.
    #[default]
    Any,
    /// Nine letters and digits: Mistral refuses others, which come of other providers' turns.
    Nine,
}

impl Dialect {
    /// What look-alikes have in common.
    pub const COMPATIBLE: Self = Self {
        max_tokens_field: MaxTokensField::MaxTokens,
        reasoning: ReasoningReplay::Never,
        interface: Interface::Chat,
        formats: Formats::Schema,
        family: Family::Any,
        call_ids: CallIds::Any,
    };
    /// OpenAI's own.
    pub const OPENAI: Self = Self {
        max_tokens_field: MaxTokensField::MaxCompletionTokens,
        interface: Interface::WhereNeeded,
        family: Family::OpenAi,
        ..Self::COMPATIBLE
    };
    /// `DeepSeek`'s.
    pub const DEEPSEEK: Self = Self {
        reasoning: ReasoningReplay::WithCalls,
        formats: Formats::Words,
        family: Family::DeepSeek,
        ..Self::COMPATIBLE
    };
    /// Mistral's.
    pub const MISTRAL: Self = Self { call_ids: CallIds::Nine, ..Self::COMPATIBLE };

    /// Returns the dialect with another interface.
    #[must_use]
    pub const fn with_interface(mut self, interface: Interface) -> Self {
        self.interface = interface;
        self
    }

    /// Whether a model is asked over Responses.
    pub(super) fn has_responses(self, model: &str) -> bool {
        match self.interface {
            Interface::Chat => false,
            Interface::Responses => true,
            Interface::WhereNeeded => model::needs_responses(model),
        }
    }

    /// Whether a model takes a temperature, and texts that end its answer.
    pub(super) fn has_temperature(self, model: &str) -> bool {
        self.family != Family::OpenAi || !model::thinks(model)
    }

    /// Whether what a model thinks can be had encrypted, to be sent back.
    pub(super) fn has_encrypted_thoughts(self, model: &str) -> bool {
        self.family != Family::OpenAi || model::thinks(model)
    }

    /// Returns the word for how much a model is to think, if it takes one.
    pub(super) fn effort(self, model: &str, effort: Effort) -> Option<&'static str> {
        match self.family {
            Family::OpenAi => model::effort(model, effort),
            // It does not think because it is told so elsewhere.
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
    fn models_that_answer_nowhere_else_are_asked_over_responses() {
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
    fn models_that_think_take_no_temperature() {
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
    fn each_model_is_told_how_much_to_think_in_words_it_knows() {
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
