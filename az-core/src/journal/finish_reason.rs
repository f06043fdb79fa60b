//! The reason that a reply ended, independent of the provider.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason that a reply ended.
///
/// A client maps its provider's words to reasons, and keeps the word beside the reason in
/// [`ModelReply::stop`](super::ModelReply::stop).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model finished its turn.
    Stop,
    /// The reply reached the limit of its length.
    Length,
    /// The reply filled the context window.
    ContextWindow,
    /// The model calls tools.
    ToolCalls,
    /// The provider's filter stopped the reply.
    ContentFilter,
    /// The model declined to answer.
    Refusal,
    /// The provider paused its own work and continues with the next request.
    Pause,
    /// The provider reported an error.
    Error,
    /// The provider gave no reason.
    #[default]
    Unknown,
    /// The provider gave a reason that is not known; its word is kept.
    #[serde(other)]
    Other,
}

impl FinishReason {
    /// All reasons.
    pub const ALL: &'static [Self] = &[
        Self::Stop,
        Self::Length,
        Self::ContextWindow,
        Self::ToolCalls,
        Self::ContentFilter,
        Self::Refusal,
        Self::Pause,
        Self::Error,
        Self::Unknown,
        Self::Other,
    ];

    /// Returns the reason as a word, as it is serialized.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContextWindow => "context_window",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::Other => "other",
        }
    }

    /// Whether the reply was cut: it may end in the middle of a sentence or of a call.
    pub const fn is_cut(self) -> bool {
        matches!(self, Self::Length | Self::ContextWindow)
    }

    /// Returns the reason of a reply that was recorded with the provider's word only, as earlier
    /// versions did, or of a script: the reason of a neutral word, or of one that a provider had when
    /// those records were made.
    pub fn from_word(word: &str) -> Self {
        match word {
            "" => Self::Unknown,
            "end_turn" | "stop_sequence" | "completed" | "eos" | "STOP" => Self::Stop,
            "model_length" | "max_tokens" | "max_output_tokens" | "MAX_TOKENS" => Self::Length,
            "model_context_window_exceeded" => Self::ContextWindow,
            "tool_use" | "function_call" => Self::ToolCalls,
            "pause_turn" => Self::Pause,
            word => {
                let neutral = Self::ALL.iter().find(|reason| reason.as_str() == word);
                neutral.copied().unwrap_or(Self::Other)
            }
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FinishReason::{
        self, ContentFilter, ContextWindow, Length, Other, Pause, Refusal, Stop, ToolCalls, Unknown,
    };
    use crate::journal::ModelReply;

    /// Returns a reply as earlier versions recorded it.
    fn recorded(stop: &str) -> ModelReply {
        ModelReply { stop: stop.to_owned(), ..ModelReply::text("hello") }
    }

    #[test]
    fn a_reply_that_was_recorded_with_a_word_only_has_a_reason() {
        let words = [
            ("end_turn", Stop),
            ("STOP", Stop),
            ("completed", Stop),
            ("max_tokens", Length),
            ("MAX_TOKENS", Length),
            ("max_output_tokens", Length),
            ("tool_use", ToolCalls),
            ("model_context_window_exceeded", ContextWindow),
            ("content_filter", ContentFilter),
            ("refusal", Refusal),
            ("pause_turn", Pause),
            ("", Unknown),
            ("something new", Other),
        ];
        for (word, expected) in words {
            assert_eq!(recorded(word).finish_reason(), expected, "{word}");
        }
    }

    #[test]
    fn a_neutral_word_is_its_own_reason_and_is_serialized_as_that_word() {
        for reason in FinishReason::ALL {
            assert_eq!(FinishReason::from_word(reason.as_str()), *reason);
            assert_eq!(json!(reason), json!(reason.as_str()));
        }
        let later: FinishReason = serde_json::from_str("\"of_a_later_version\"").unwrap();
        assert_eq!(later, Other);
    }

    #[test]
    fn a_clients_reason_counts_whatever_the_word() {
        let reply = ModelReply { finish: Pause, ..recorded("max_tokens") };
        assert_eq!(reply.finish_reason(), Pause);
    }

    #[test]
    fn a_reply_that_calls_tools_ends_with_tool_calls_unless_it_was_cut() {
        let calls = |stop: &str| recorded(stop).with_call("echo", json!({})).finish_reason();
        let found = ["STOP", "completed", "", "tool_use", "new", "MAX_TOKENS"].map(calls);
        assert_eq!(found, [ToolCalls, ToolCalls, ToolCalls, ToolCalls, ToolCalls, Length]);
    }
}
