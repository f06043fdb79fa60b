//! Decodes usage.

use std::slice;

use az_core::cost::Usage;
use serde_json::Value;

use crate::provider::json::without;
use crate::provider::reported::ReportedUsage;

/// Decodes a `usageMetadata` object; `None` when it contains no counts.
///
/// Gemini counts cached tokens within the prompt, reasoning and the input of its own tools
/// separately, and audio within the rest, by modality. Here each token is counted once. See
/// `UsageMetadata` in <https://ai.google.dev/api/generate-content>.
pub fn usage(json: &Value) -> Option<Usage> {
    let count = |name: &str| json.get(name).and_then(Value::as_u64);
    let prompt = count("promptTokenCount");
    let candidates = count("candidatesTokenCount");
    let thoughts = count("thoughtsTokenCount");
    if prompt.is_none() && candidates.is_none() && thoughts.is_none() {
        return None;
    }
    let (prompt, candidates) = (prompt.unwrap_or(0), candidates.unwrap_or(0));
    let reasoning = thoughts.unwrap_or(0);
    let cache_read = count("cachedContentTokenCount").unwrap_or(0);
    // Cached audio is priced as cached input.
    let cached_audio = audio(json, "cacheTokensDetails");
    let audio_input = audio(json, "promptTokensDetails").saturating_sub(cached_audio);
    let audio_output = audio(json, "candidatesTokensDetails");
    let tier = json.get("serviceTier").and_then(Value::as_str).filter(|tier| !tier.is_empty());
    Some(Usage {
        input: without(prompt, cache_read.saturating_add(audio_input)),
        output: without(candidates, audio_output).saturating_add(reasoning),
        cache_read,
        reasoning,
        tool_input: count("toolUsePromptTokenCount").unwrap_or(0),
        audio_input,
        audio_output,
        service_tier: tier.map(str::to_owned),
        ..Usage::default()
    })
}

/// Adds the usage of a reply, of a chunk, or of a list of chunks.
pub(super) fn note(json: &Value, reported: &mut ReportedUsage) {
    for chunk in json.as_array().map_or(slice::from_ref(json), Vec::as_slice) {
        reported.note(chunk.get("usageMetadata").and_then(usage), None);
        let ends = ["/candidates/0/finishReason", "/promptFeedback/blockReason"];
        if ends.iter().any(|end| chunk.pointer(end).is_some_and(Value::is_string)) {
            reported.end();
        }
    }
}

/// Sums the audio tokens in a list of counts by modality.
fn audio(json: &Value, list: &str) -> u64 {
    let counts = json.get(list).and_then(Value::as_array);
    let audio = counts.into_iter().flatten().filter(|count| {
        count.get("modality").and_then(Value::as_str).is_some_and(|modality| modality == "AUDIO")
    });
    let tokens = audio.filter_map(|count| count.get("tokenCount").and_then(Value::as_u64));
    tokens.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use az_core::cost::Usage;
    use serde_json::{Value, json};

    use super::usage;

    #[track_caller]
    fn check(json: &Value, expected: Usage) {
        assert_eq!(usage(json), Some(expected), "{json}");
    }

    #[test]
    fn every_token_is_counted_once() {
        check(
            &json!({"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15}),
            Usage::tokens(12, 3),
        );
        check(
            &json!({
                "promptTokenCount": 5787, "cachedContentTokenCount": 5770,
                "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "serviceTier": "standard",
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 5770}],
            }),
            Usage {
                cache_read: 5770,
                reasoning: 4,
                service_tier: Some("standard".to_owned()),
                ..Usage::tokens(17, 7)
            },
        );
        check(
            &json!({"promptTokenCount": 91, "candidatesTokenCount": 93, "thoughtsTokenCount": 211,
                "toolUsePromptTokenCount": 574, "totalTokenCount": 969}),
            Usage { reasoning: 211, tool_input: 574, ..Usage::tokens(91, 304) },
        );
    }

    #[test]
    fn reasoning_is_output_even_without_text() {
        check(
            &json!({"promptTokenCount": 15, "thoughtsTokenCount": 60, "totalTokenCount": 75}),
            Usage { reasoning: 60, ..Usage::tokens(15, 60) },
        );
    }

    #[test]
    fn audio_is_counted_separately_unless_cached() {
        let by = |text: u64, audio: u64| json!([{"modality": "TEXT", "tokenCount": text}, {"modality": "AUDIO", "tokenCount": audio}]);
        check(
            &json!({
                "promptTokenCount": 190, "promptTokensDetails": by(14, 176),
                "candidatesTokenCount": 30, "candidatesTokensDetails": by(10, 20),
                "thoughtsTokenCount": 5,
            }),
            Usage { audio_input: 176, audio_output: 20, reasoning: 5, ..Usage::tokens(14, 15) },
        );
        check(
            &json!({
                "promptTokenCount": 190, "promptTokensDetails": by(14, 176),
                "cachedContentTokenCount": 100, "cacheTokensDetails": by(0, 100),
            }),
            Usage { audio_input: 76, cache_read: 100, ..Usage::tokens(14, 0) },
        );
    }

    #[test]
    fn no_counts_are_no_usage_and_huge_counts_saturate() {
        for json in [json!({}), json!({"totalTokenCount": 5}), json!(null), json!([1]), json!("x")]
        {
            assert_eq!(usage(&json), None, "{json}");
        }
        let most = u64::MAX;
        let counts = json!([{"modality": "AUDIO", "tokenCount": most}, {"modality": "AUDIO", "tokenCount": 1}, 7, {"modality": 3}]);
        let read = usage(&json!({
            "promptTokenCount": most, "candidatesTokenCount": most, "thoughtsTokenCount": most,
            "cachedContentTokenCount": most, "toolUsePromptTokenCount": most,
            "promptTokensDetails": counts, "candidatesTokensDetails": counts,
        }));
        assert_eq!(read.map(|usage| usage.total()), Some(most));
    }
}
