//! The reason for the end of a reply, independent of the provider.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason for the end of a reply.
///
/// A client maps its provider's values to reasons, and keeps the value beside the reason in
/// [`ModelReply::stop`](super::ModelReply::stop).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model finished its turn.
    Stop,
    /// The reply reached its length limit.
    Length,
    /// The reply filled the context window.
    ContextWindow,
    /// The model calls tools.
    ToolCalls,
    /// The provider's filter stopped the reply.
    ContentFilter,
    /// The model declined to answer.
    Refusal,
    /// The provider paused its own work, and continues it with the next request.
    Pause,
    /// The provider reported an error.
    Error,
    /// The provider gave no reason.
    #[default]
    Unknown,
    /// The provider gave an unknown reason; its value is kept.
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

    /// Returns the serialized form of the reason.
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

    /// Returns `true` if the reply was cut off: it may end in the middle of a sentence or of a
    /// call.
    pub const fn is_cut(self) -> bool {
        matches!(self, Self::Length | Self::ContextWindow)
    }

    /// Returns the reason for a value in a script, or in a record of an earlier version, which
    /// stored only the provider's value.
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
    fn a_reply_that_was_recorded_without_a_reason_has_one() {
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
    fn a_neutral_reason_is_read_as_it_is_serialized() {
        for reason in FinishReason::ALL {
            assert_eq!(FinishReason::from_word(reason.as_str()), *reason);
            assert_eq!(json!(reason), json!(reason.as_str()));
        }
        let later: FinishReason = serde_json::from_str("\"of_a_later_version\"").unwrap();
        assert_eq!(later, Other);
    }

    #[test]
    fn the_reason_of_the_client_takes_precedence_over_the_value() {
        let reply = ModelReply { finish: Pause, ..recorded("max_tokens") };
        assert_eq!(reply.finish_reason(), Pause);
    }

    #[test]
    fn a_complete_reply_with_calls_has_the_reason_tool_calls() {
        let calls = |stop: &str| recorded(stop).with_call("echo", json!({})).finish_reason();
        let found = ["STOP", "completed", "", "tool_use", "new", "MAX_TOKENS"].map(calls);
        assert_eq!(found, [ToolCalls, ToolCalls, ToolCalls, ToolCalls, ToolCalls, Length]);
    }
}
