//! In what servers that speak chat completions differ.

/// How a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dialect {
    /// What the longest answer is called.
    pub max_tokens_field: MaxTokensField,
    /// Whether thoughts are sent back.
    pub reasoning: ReasoningReplay,
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

impl Dialect {
    /// OpenAI's own.
    pub const OPENAI: Self = Self {
        max_tokens_field: MaxTokensField::MaxCompletionTokens,
        reasoning: ReasoningReplay::Never,
    };
    /// `DeepSeek`'s.
    pub const DEEPSEEK: Self =
        Self { max_tokens_field: MaxTokensField::MaxTokens, reasoning: ReasoningReplay::WithCalls };
    /// What look-alikes have in common.
    pub const COMPATIBLE: Self =
        Self { max_tokens_field: MaxTokensField::MaxTokens, reasoning: ReasoningReplay::Never };
}
