//! The reason that a reply ended, independent of the provider.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason that a reply ended.
///
/// It is derived from the provider's own word and never stored, so that replies recorded by any
/// version have one. A client whose provider has other words writes one of the words of
/// [`as_str`](Self::as_str) to [`ModelReply::stop`](super::ModelReply::stop).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model finished its turn.
    Stop,
    /// The reply reached the limit of its length, or filled the context window.
    Length,
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
    /// The provider gave no reason, or one that is not known.
    #[default]
    Unknown,
}

impl FinishReason {
    /// Returns the reason as a word, as it is serialized.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the reason that a provider's word stands for; [`Unknown`](Self::Unknown) for any
    /// other word.
    pub fn from_word(word: &str) -> Self {
        match word {
            "stop" | "end_turn" | "stop_sequence" | "completed" | "eos" | "STOP" => Self::Stop,
            "length"
            | "model_length"
            | "max_tokens"
            | "max_output_tokens"
            | "model_context_window_exceeded"
            | "MAX_TOKENS" => Self::Length,
            "tool_calls" | "tool_use" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            "refusal" => Self::Refusal,
            "pause" | "pause_turn" => Self::Pause,
            "error" => Self::Error,
            _ => Self::Unknown,
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
        self, ContentFilter, Error, Length, Pause, Refusal, Stop, ToolCalls, Unknown,
    };
    use crate::journal::ModelReply;

    fn reply(stop: &str) -> ModelReply {
        ModelReply { stop: stop.to_owned(), ..ModelReply::text("hello") }
    }

    #[test]
    fn each_providers_word_has_its_reason() {
        let words = [
            ("end_turn", Stop),
            ("STOP", Stop),
            ("completed", Stop),
            ("max_tokens", Length),
            ("MAX_TOKENS", Length),
            ("max_output_tokens", Length),
            ("tool_use", ToolCalls),
            ("model_context_window_exceeded", Length),
            ("content_filter", ContentFilter),
            ("refusal", Refusal),
            ("pause_turn", Pause),
            ("", Unknown),
            ("something new", Unknown),
        ];
        for (word, expected) in words {
            assert_eq!(reply(word).finish_reason(), expected, "{word}");
        }
    }

    #[test]
    fn a_neutral_word_is_its_own_reason_and_is_serialized_as_that_word() {
        for reason in [Stop, Length, ToolCalls, ContentFilter, Refusal, Pause, Error, Unknown] {
            assert_eq!(FinishReason::from_word(reason.as_str()), reason);
            assert_eq!(json!(reason), json!(reason.as_str()));
        }
    }

    #[test]
    fn a_reply_that_calls_tools_ends_with_tool_calls_unless_it_was_cut() {
        let calls = |stop: &str| reply(stop).with_call("echo", json!({})).finish_reason();
        let found = ["STOP", "completed", "", "tool_use", "MAX_TOKENS"].map(calls);
        assert_eq!(found, [ToolCalls, ToolCalls, ToolCalls, ToolCalls, Length]);
    }
}
