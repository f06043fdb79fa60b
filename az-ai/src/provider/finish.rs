//! Maps providers' terms for the end of a reply to finish reasons.
//!
//! Each wire has one table with the terms of its provider's documentation. Only this file compares
//! them; everything else uses the [`FinishReason`].

use az_core::journal::FinishReason::{
    self, ContentFilter, ContextWindow, Error, Length, Other, Pause, Refusal, Stop, ToolCalls,
    Unknown,
};

/// The terms of a wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishWords(&'static [(&'static str, FinishReason)]);

/// Source: Anthropic's reference, "Handling stop reasons".
pub(crate) const ANTHROPIC: FinishWords = FinishWords(&[
    ("end_turn", Stop),
    ("stop_sequence", Stop),
    ("max_tokens", Length),
    ("model_context_window_exceeded", ContextWindow),
    ("tool_use", ToolCalls),
    ("refusal", Refusal),
    ("pause_turn", Pause),
]);

/// Source: OpenAI's reference of chat completions, and those of DeepSeek, Mistral, OpenRouter and
/// Together, which have additional terms.
pub(crate) const CHAT_COMPLETIONS: FinishWords = FinishWords(&[
    ("stop", Stop),
    ("eos", Stop),
    ("length", Length),
    ("model_length", Length),
    ("tool_calls", ToolCalls),
    ("function_call", ToolCalls),
    ("content_filter", ContentFilter),
    ("error", Error),
    ("insufficient_system_resource", Error),
]);

/// The reason why a response is incomplete, else its status.
///
/// Source: OpenAI's reference of responses.
pub(crate) const RESPONSES: FinishWords = FinishWords(&[
    ("completed", Stop),
    ("incomplete", Length),
    ("max_output_tokens", Length),
    ("content_filter", ContentFilter),
]);

/// Source: Ollama's reference, `done_reason`. A request without messages only loads or unloads a model.
pub(crate) const OLLAMA: FinishWords =
    FinishWords(&[("stop", Stop), ("length", Length), ("load", Other), ("unload", Other)]);

/// Source: Gemini's reference, `FinishReason`.
pub(crate) const GEMINI: FinishWords = FinishWords(&[
    ("STOP", Stop),
    ("MAX_TOKENS", Length),
    ("SAFETY", ContentFilter),
    ("RECITATION", ContentFilter),
    ("LANGUAGE", ContentFilter),
    ("BLOCKLIST", ContentFilter),
    ("PROHIBITED_CONTENT", ContentFilter),
    ("SPII", ContentFilter),
    ("IMAGE_SAFETY", ContentFilter),
    ("IMAGE_PROHIBITED_CONTENT", ContentFilter),
    ("IMAGE_RECITATION", ContentFilter),
    ("MALFORMED_FUNCTION_CALL", Error),
    ("UNEXPECTED_TOOL_CALL", Error),
    ("MALFORMED_RESPONSE", Error),
    ("FINISH_REASON_UNSPECIFIED", Other),
    ("IMAGE_OTHER", Other),
    ("NO_IMAGE", Other),
    ("OTHER", Other),
    ("TOO_MANY_TOOL_CALLS", Other),
]);

const ALL: [FinishWords; 5] = [ANTHROPIC, CHAT_COMPLETIONS, RESPONSES, OLLAMA, GEMINI];

impl FinishWords {
    /// Returns the finish reason of a term.
    pub(crate) fn reason(self, word: &str) -> FinishReason {
        self.find(word).unwrap_or(if word.is_empty() { Unknown } else { Other })
    }

    /// Like [`reason`](Self::reason), for wires that many servers implement: a server may pass on
    /// another provider's word for a reply that was cut off.
    pub(crate) fn reason_or_cut(self, word: &str) -> FinishReason {
        self.find(word).or_else(|| cut(word)).unwrap_or_else(|| self.reason(word))
    }

    fn find(self, word: &str) -> Option<FinishReason> {
        self.0.iter().find(|(known, _)| *known == word).map(|(_, reason)| *reason)
    }
}

/// Returns the finish reason if any provider's term means that the reply was cut off: a router
/// passes on the terms of the provider behind it.
pub(crate) fn cut(word: &str) -> Option<FinishReason> {
    ALL.iter().find_map(|words| words.find(word).filter(|reason| reason.is_cut()))
}

#[cfg(test)]
mod tests {
    use az_core::journal::FinishReason::{self, Error, Length, Other, Unknown};

    use super::{ALL, ANTHROPIC, CHAT_COMPLETIONS, cut};

    #[test]
    fn a_word_that_no_table_has_is_other_and_none_at_all_is_unknown() {
        assert_eq!(ANTHROPIC.reason("brand_new"), Other);
        assert_eq!(ANTHROPIC.reason("MAX_TOKENS"), Other, "it is another provider's");
        assert_eq!(ANTHROPIC.reason(""), Unknown);
        assert_eq!(CHAT_COMPLETIONS.reason_or_cut("max_tokens"), Length, "a proxy passes it on");
        assert_eq!(CHAT_COMPLETIONS.reason_or_cut("MAX_TOKENS"), Length);
        assert_eq!(CHAT_COMPLETIONS.reason_or_cut("brand_new"), Other);
        let cuts = ["MAX_TOKENS", "model_context_window_exceeded", "stop", "new"].map(cut);
        assert_eq!(cuts, [Some(Length), Some(FinishReason::ContextWindow), None, None]);
    }

    /// Journals of earlier versions contain only terms, which az-core maps.
    #[test]
    fn recorded_words_have_the_same_reasons() {
        for (word, reason) in ALL.iter().flat_map(|words| words.0) {
            let recorded = FinishReason::from_word(word);
            // Replies with these terms were never recorded, because they were errors.
            let failed = matches!(reason, Error | FinishReason::ContentFilter);
            assert!(recorded == *reason || failed || *word == "incomplete", "{word}: {recorded}");
        }
    }
}
