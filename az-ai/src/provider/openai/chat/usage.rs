//! Decodes usage.

use az_core::Usd;
use az_core::cost::Usage;
use serde_json::Value;

use crate::provider::json::without;
use crate::provider::reported::ReportedUsage;

/// Decodes a `usage` object of chat completions or of Responses; `None` when it contains no counts.
///
/// Both count cached and audio tokens within the others; here each token is counted once.
/// `DeepSeek` has its own fields for cache hits and misses, which are read if the usual ones are
/// missing. See `CompletionUsage` in <https://platform.openai.com/docs/api-reference/chat/object>
/// and `ResponseUsage` in <https://platform.openai.com/docs/api-reference/responses/object>.
pub fn usage(json: &Value) -> Option<Usage> {
    // Only the names of these fields differ.
    let count = |chat: &str, responses: &str| {
        let count = |path: &str| json.pointer(path).and_then(Value::as_u64);
        count(chat).or_else(|| count(responses))
    };
    let input = |detail: &str| {
        let [chat, responses] = ["prompt", "input"].map(|side| format!("/{side}_tokens{detail}"));
        count(&chat, &responses)
    };
    let output = |detail: &str| {
        let [chat, responses] =
            ["completion", "output"].map(|side| format!("/{side}_tokens{detail}"));
        count(&chat, &responses)
    };
    let own = |name: &str| json.get(name).and_then(Value::as_u64);
    let (hit, miss) = (own("prompt_cache_hit_tokens"), own("prompt_cache_miss_tokens"));
    let prompt = input("").or_else(|| match (hit, miss) {
        (None, None) => None,
        (hit, miss) => Some(hit.unwrap_or(0).saturating_add(miss.unwrap_or(0))),
    });
    let completion = output("");
    if prompt.is_none() && completion.is_none() {
        // How the tokens divide is not known. As output, they cost the most.
        let total = own("total_tokens")?;
        return Some(Usage { estimated: true, ..Usage::tokens(0, total) });
    }
    let (prompt, completion) = (prompt.unwrap_or(0), completion.unwrap_or(0));
    let cache_read = input("_details/cached_tokens").or(hit).unwrap_or(0);
    let cache_write_5m = input("_details/cache_write_tokens").unwrap_or(0);
    let audio_input = input("_details/audio_tokens").unwrap_or(0);
    let audio_output = output("_details/audio_tokens").unwrap_or(0);
    let reasoning = output("_details/reasoning_tokens").unwrap_or(0);
    // Some servers count reasoning or audio separately, which the total shows.
    let total = own("total_tokens").unwrap_or(0);
    let beside = total.saturating_sub(prompt.saturating_add(completion));
    let both = audio_input.saturating_add(reasoning);
    let apart = |tokens: u64| tokens > 0 && (beside == tokens || beside == both);
    let prompt = if apart(audio_input) { prompt.saturating_add(audio_input) } else { prompt };
    // More thoughts than output means the same, whatever the total is.
    let apart = apart(reasoning) || reasoning > completion;
    let said = if apart { completion.saturating_add(reasoning) } else { completion };
    let elsewhere = cache_read.saturating_add(cache_write_5m).saturating_add(audio_input);
    Some(Usage {
        input: without(prompt, elsewhere),
        output: without(said, audio_output),
        cache_read,
        cache_write_5m,
        reasoning,
        audio_input,
        audio_output,
        service_tier: json.get("service_tier").and_then(Value::as_str).map(str::to_owned),
        ..Usage::default()
    })
}

/// Adds the usage of a reply, or of a piece of a streamed one, of chat completions or of Responses.
pub(crate) fn note(json: &Value, reported: &mut ReportedUsage) {
    let response = json.get("response").filter(|response| response.is_object()).unwrap_or(json);
    let places = [json.pointer("/x_groq/usage"), response.get("usage")];
    let mut is_reported = false;
    for place in places.into_iter().flatten() {
        let (used, cost) = (usage(place), cost(place));
        is_reported |= used.is_some();
        let tier = response.get("service_tier").and_then(Value::as_str);
        let service_tier = |used: &Usage| used.service_tier.clone().or(tier.map(str::to_owned));
        reported.note(used.map(|used| Usage { service_tier: service_tier(&used), ..used }), cost);
    }
    let choices = json.get("choices").and_then(Value::as_array);
    let stops = |choice: &Value| choice.get("finish_reason").is_some_and(Value::is_string);
    // Responses report usage once; chat completions may also report it while the model writes.
    let is_last = is_reported && choices.is_none_or(Vec::is_empty);
    if is_last || choices.is_some_and(|choices| choices.iter().any(stops)) {
        reported.end();
    }
}

/// Returns the cost in a `usage` object, rounded up to the nano-dollar: `OpenRouter`'s `cost` in
/// dollars, Perplexity's `cost.total_cost`, or xAI's `cost_in_usd_ticks`, of which 10,000,000,000 are a dollar.
pub fn cost(usage: &Value) -> Option<Usd> {
    // An xAI tick is a tenth of a nano-dollar.
    if let Some(ticks) = usage.get("cost_in_usd_ticks").and_then(Value::as_u64) {
        return i64::try_from(ticks.div_ceil(10)).ok().map(Usd::from_nanos);
    }
    let pico = |value: &Value| {
        let dollars = value.as_f64().filter(|dollars| *dollars >= 0.0)?;
        // Twelve decimals reproduce the number that the server wrote, without float arithmetic.
        format!("{dollars:.12}").replace('.', "").parse::<u64>().ok()
    };
    // Perplexity's `cost` is an object, with the fee of the request in its total.
    let cost = usage.get("cost")?;
    let own = pico(cost.get("total_cost").unwrap_or(cost))?;
    // With a key of the user's own `cost` is the router's fee; the model's cost is charged
    // separately.
    let is_byok = usage.get("is_byok").and_then(Value::as_bool) == Some(true);
    let upstream = usage.pointer("/cost_details/upstream_inference_cost").filter(|_| is_byok);
    let sum = own.saturating_add(upstream.and_then(pico).unwrap_or(0));
    i64::try_from(sum.div_ceil(1000)).ok().map(Usd::from_nanos)
}

#[cfg(test)]
mod tests {
    use az_core::Usd;
    use az_core::cost::Usage;
    use serde_json::{Value, json};

    use super::usage;

    #[test]
    fn every_token_is_counted_once() {
        let read = |json| usage(&json);
        assert_eq!(read(json!({})), None);
        let total = Usage { estimated: true, ..Usage::tokens(0, 5) };
        assert_eq!(read(json!({"total_tokens": 5})), Some(total), "as the dearer kind");
        assert_eq!(
            read(json!({
                "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 4},
            })),
            Some(Usage {
                cache_read: 60,
                cache_write_5m: 10,
                audio_input: 5,
                audio_output: 4,
                reasoning: 20,
                ..Usage::tokens(25, 46)
            })
        );
        assert_eq!(
            read(json!({
                "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            })),
            Some(Usage { reasoning: 20, ..Usage::tokens(10, 25) }),
            "thoughts beside the completion"
        );
        assert_eq!(
            read(json!({
                "prompt_tokens": 11, "completion_tokens": 15, "total_tokens": 401,
                "prompt_tokens_details": {"audio_tokens": 375, "cached_tokens": 9},
            })),
            Some(Usage { audio_input: 375, cache_read: 9, ..Usage::tokens(2, 15) }),
            "audio beside the prompt"
        );
        assert_eq!(
            read(json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8})),
            Some(Usage { cache_read: 8, ..Usage::tokens(1, 1) })
        );
    }

    #[test]
    fn usage_of_responses_is_read() {
        assert_eq!(
            usage(&json!({
                "input_tokens": 100, "output_tokens": 50, "total_tokens": 150,
                "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
                "output_tokens_details": {"reasoning_tokens": 20},
            })),
            Some(Usage {
                cache_read: 60,
                cache_write_5m: 10,
                reasoning: 20,
                ..Usage::tokens(30, 50)
            })
        );
    }

    #[test]
    fn cache_hits_and_misses_give_the_input_tokens() {
        let said = json!({
            "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 6, "completion_tokens": 3,
        });
        assert_eq!(usage(&said), Some(Usage { cache_read: 64, ..Usage::tokens(6, 3) }));
    }

    #[test]
    fn huge_counts_saturate() {
        let most = u64::MAX;
        let usage = usage(&json!({
            "prompt_tokens": most, "completion_tokens": most, "total_tokens": most,
            "prompt_tokens_details": {
                "cached_tokens": most, "cache_write_tokens": most, "audio_tokens": most,
            },
            "completion_tokens_details": {"reasoning_tokens": most, "audio_tokens": 1},
            "cost_in_usd_ticks": most,
        }))
        .unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (0, most - 1, most));
        assert_eq!(usage.total(), most);
    }

    #[test]
    fn a_reported_cost_is_read_to_the_nano_dollar() {
        let cost = |json: Value| super::cost(&json).map(Usd::nanos);
        assert_eq!(cost(json!({})), None);
        assert_eq!(cost(json!({"cost": 0.000_123_4})), Some(123_400));
        assert_eq!(cost(json!({"cost": 0.000_000_000_1})), Some(1));
        assert_eq!(cost(json!({"cost": 0})), Some(0));
        assert_eq!(cost(json!({"cost": -1.0})), None);
        assert_eq!(cost(json!({"cost_in_usd_ticks": 15})), Some(2));
        let parts =
            json!({"input_tokens_cost": 0.000_1, "request_cost": 0.005, "total_cost": 0.005_1});
        assert_eq!(cost(json!({"cost": parts})), Some(5_100_000));
    }
}
