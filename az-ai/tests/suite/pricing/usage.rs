//! Costs of calls from providers' usage objects. Each figure is computed beside it: dollars for a
//! million tokens times tokens gives micro-dollars.

use az_ai::pricing::{Amount, PriceBook};
use az_core::Usd;
use az_core::cost::Usage;
use serde_json::{Value, json};

use super::call;

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "every case is an object written in place")]
fn check(provider: &str, model: &str, raw: Value, dollars: &str) {
    let explained = PriceBook::bundled().explain(&call(provider, model), &raw);
    let computed = explained.unwrap().computed.unwrap();
    assert_eq!(computed.total, dollars.parse::<Usd>().unwrap(), "{computed:#?}");
    let sum: Amount = computed.parts.iter().map(|part| part.amount).sum();
    assert_eq!(sum.to_usd(), computed.total, "the parts add up");
}

#[track_caller]
fn check_unknown(provider: &str, model: &str, raw: &Value) {
    let explained = PriceBook::bundled().explain(&call(provider, model), raw).unwrap();
    assert_eq!(explained.computed, None);
}

#[test]
fn anthropics_cache_writes_are_priced_by_their_lifetime() {
    // 100 × 3 + 2,000 × 0.30 + 50 × 15, and of 1,000 written 300 are known to last five minutes and
    // 500 an hour, so that 200 more last five minutes: 500 × 3.75 + 500 × 6.
    check(
        "anthropic",
        "claude-sonnet-4-5-20250929",
        json!({
            "input_tokens": 100, "output_tokens": 50,
            "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 2000,
            "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 500},
        }),
        "0.006525",
    );
    // Without a breakdown all last five minutes: 1,000 × 3.75.
    check(
        "anthropic",
        "claude-sonnet-4-5",
        json!({"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 1000}),
        "0.00375",
    );
    // An hour: 1,000 × 6.
    check(
        "anthropic",
        "claude-sonnet-4-5",
        json!({
            "input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 1000,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000},
        }),
        "0.006",
    );
}

#[test]
fn a_cache_saves_what_plain_input_would_have_cost_more() {
    let saved = |usage: &Usage| {
        let call = call("anthropic", "claude-sonnet-4-5");
        PriceBook::bundled().cost(&call, usage).unwrap().saved.map(Usd::nanos)
    };
    let read = Usage { cache_read: 2_000, ..Usage::tokens(100, 50) };
    // 2,000 × (3 − 0.30).
    assert_eq!(saved(&read), Some(5_400_000));
    // 1,000 × (3 − 3.75), and 1,000 × (3 − 6) for an hour: writing costs more than plain input.
    let write = Usage { cache_write_5m: 1_000, ..Usage::tokens(100, 50) };
    assert_eq!(saved(&write), Some(-750_000));
    let write = Usage { cache_write_1h: 1_000, ..Usage::tokens(100, 50) };
    assert_eq!(saved(&write), Some(-3_000_000));
    let both = Usage { cache_write_1h: 1_000, ..read };
    assert_eq!(saved(&both), Some(2_400_000));
    assert_eq!(saved(&Usage::tokens(100, 50)), None);
    // Half the prices in a batch.
    let batch = Usage { service_tier: Some("batch".to_owned()), ..both };
    assert_eq!(saved(&batch), Some(1_200_000));
}

#[test]
fn missing_cache_prices_of_anthropic_are_derived_from_the_input_price() {
    let prices = r#"
        [[price]]
        provider = "anthropic"
        model = "claude-of-tomorrow"
        input_cost_per_token = 4e-6
        output_cost_per_token = 2e-5
    "#;
    let book = PriceBook::bundled().with_overrides(prices, "prices.toml").unwrap();
    let raw = json!({
        "input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 10},
        "cache_creation_input_tokens": 110,
    });
    let explained = book.explain(&call("anthropic", "claude-of-tomorrow"), &raw).unwrap();
    // 1,000 × 0.40 + 100 × 5 + 10 × 8.
    assert_eq!(explained.computed.unwrap().total, "0.00098".parse().unwrap());
}

#[test]
fn us_only_inference_costs_a_tenth_more_except_for_searches() {
    // (1,000 × 5 + 100 × 25) × 1.1.
    check(
        "anthropic",
        "claude-opus-4-6",
        json!({"input_tokens": 1000, "output_tokens": 100, "inference_geo": "us"}),
        "0.00825",
    );
    // The same and 2 × $0.01.
    check(
        "anthropic",
        "claude-opus-4-6",
        json!({
            "input_tokens": 1000, "output_tokens": 100, "inference_geo": "us",
            "server_tool_use": {"web_search_requests": 2},
        }),
        "0.02825",
    );
    // 1,000 × 5 + 100 × 25.
    for place in ["global", "not_available"] {
        let raw = json!({"input_tokens": 1000, "output_tokens": 100, "inference_geo": place});
        check("anthropic", "claude-opus-4-6", raw, "0.0075");
    }
}

#[test]
fn the_fast_mode_and_batches_multiply() {
    let raw = |more: Value| {
        let mut raw = json!({"input_tokens": 1001, "output_tokens": 100});
        raw.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        raw
    };
    let model = "claude-opus-4-8";
    // 1,001 × 5 + 100 × 25.
    check("anthropic", model, raw(json!({"speed": "standard"})), "0.007505");
    // 1,001 × 10 + 100 × 50.
    check("anthropic", model, raw(json!({"speed": "fast"})), "0.01501");
    // (1,001 × 10 + 100 × 50) × 1.1.
    check("anthropic", model, raw(json!({"speed": "fast", "inference_geo": "us"})), "0.016511");
    // (1,001 × 5 + 100 × 25) × 0.5.
    check("anthropic", model, raw(json!({"service_tier": "batch"})), "0.0037525");
    // (1,001 × 5 + 100 × 25) × 0.5 × 1.1 = 4,127.75 micro-dollars.
    let both = json!({"service_tier": "batch", "inference_geo": "us"});
    check("anthropic", model, raw(both), "0.00412775");
    // Committed capacity has no price per token; the default tier's price is used.
    check("anthropic", model, raw(json!({"service_tier": "priority"})), "0.007505");
    check_unknown("anthropic", "claude-sonnet-4-5", &raw(json!({"speed": "fast"})));
}

#[test]
fn the_tier_of_the_response_is_priced() {
    let raw = |tier: &str| {
        json!({
            "model": "gpt-5", "service_tier": tier,
            "usage": {
                "prompt_tokens": 1000, "completion_tokens": 100,
                "prompt_tokens_details": {"cached_tokens": 400},
                "completion_tokens_details": {"reasoning_tokens": 64},
            },
        })
    };
    // 600 × 1.25 + 400 × 0.125 + 100 × 10: thoughts are part of the 100.
    check("openai", "gpt-5-2025-08-07", raw("default"), "0.0018");
    // Half of it.
    check("openai", "gpt-5-2025-08-07", raw("flex"), "0.0009");
    check("openai", "gpt-5-2025-08-07", raw("batch"), "0.0009");
    // 600 × 2.50 + 400 × 0.25 + 100 × 20.
    check("openai", "gpt-5-2025-08-07", raw("priority"), "0.0036");
    check_unknown("openai", "gpt-5-2025-08-07", &raw("some-day"));
    // Prepaid capacity.
    check("openai", "gpt-5-2025-08-07", raw("scale"), "0.0018");
    // The tiers of other servers are queues: 1,000 × 0.59 + 100 × 0.79.
    check("groq", "llama-3.3-70b-versatile", raw("on_demand"), "0.000669");
    check("groq", "llama-3.3-70b-versatile", raw("flex"), "0.000669");
    // Gemini's flex, on a model whose cache costs no less there: 900 × 0.15 + 100 × 0.03 + 10 × 1.25.
    check(
        "google",
        "gemini-2.5-flash",
        json!({
            "promptTokenCount": 1000, "cachedContentTokenCount": 100, "candidatesTokenCount": 10,
            "serviceTier": "flex",
        }),
        "0.0001505",
    );
}

#[test]
fn a_long_request_is_priced_higher_as_a_whole() {
    let openai = |prompt: u64, tier: &str| {
        json!({
            "prompt_tokens": prompt, "completion_tokens": 1000, "service_tier": tier,
            "prompt_tokens_details": {"cached_tokens": 100_000},
        })
    };
    // 172,000 × 2.50 + 100,000 × 0.25 + 1,000 × 15.
    check("openai", "gpt-5.4", openai(272_000, "default"), "0.47");
    // 172,001 × 5 + 100,000 × 0.50 + 1,000 × 22.50.
    check("openai", "gpt-5.4", openai(272_001, "default"), "0.932505");
    // 172,001 × 2.50 + 100,000 × 0.25 + 1,000 × 11.25.
    check("openai", "gpt-5.4", openai(272_001, "flex"), "0.4662525");
    let gemini = |prompt: u64| {
        json!({
            "promptTokenCount": prompt, "cachedContentTokenCount": 50_000,
            "candidatesTokenCount": 100, "thoughtsTokenCount": 900,
            "toolUsePromptTokenCount": 10_000,
        })
    };
    // (150,000 + 10,000) × 1.25 + 50,000 × 0.125 + 1,000 × 10: tokens of tools do not count towards
    // the 200,000.
    check("gemini", "models/gemini-2.5-pro", gemini(200_000), "0.21625");
    // (150,001 + 10,000) × 2.50 + 50,000 × 0.25 + 1,000 × 15.
    check("gemini", "models/gemini-2.5-pro", gemini(200_001), "0.4275025");
    // Caches count: 1 × 6 + 200,000 × 0.60 + 10 × 22.50.
    check(
        "anthropic",
        "claude-sonnet-4-5",
        json!({"input_tokens": 1, "output_tokens": 10, "cache_read_input_tokens": 200_000}),
        "0.120231",
    );
}

#[test]
fn geminis_reasoning_tools_and_audio_are_priced() {
    // 15 × 0.30 + 60 × 2.50: reasoning without text.
    check(
        "google",
        "gemini-2.5-flash",
        json!({"promptTokenCount": 15, "thoughtsTokenCount": 60, "totalTokenCount": 75}),
        "0.0001545",
    );
    // (91 + 574) × 0.30 + (93 + 211) × 2.50.
    check(
        "google",
        "gemini-2.5-flash",
        json!({
            "promptTokenCount": 91, "candidatesTokenCount": 93, "thoughtsTokenCount": 211,
            "toolUsePromptTokenCount": 574, "totalTokenCount": 969,
        }),
        "0.0009595",
    );
    // 14 × 0.30 + 176 × 1 + 30 × 2.50.
    check(
        "google",
        "gemini-2.5-flash",
        json!({
            "promptTokenCount": 190, "candidatesTokenCount": 30,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 14}, {"modality": "AUDIO", "tokenCount": 176},
            ],
        }),
        "0.0002552",
    );
}

#[test]
fn openais_audio_has_its_own_price() {
    // (100 − 80) × 2.50 + 80 × 40 + (50 − 30) × 10 + 30 × 80.
    check(
        "openai",
        "gpt-4o-audio-preview",
        json!({
            "prompt_tokens": 100, "completion_tokens": 50,
            "prompt_tokens_details": {"audio_tokens": 80},
            "completion_tokens_details": {"audio_tokens": 30},
        }),
        "0.00585",
    );
}

#[test]
fn deepseeks_cache_hits_and_misses_suffice() {
    // 700 × 0.15 + 300 × 0.003 + 100 × 0.60, off-peak.
    let expected = "0.0001659";
    check(
        "deepseek",
        "deepseek-v4-flash",
        json!({
            "prompt_cache_hit_tokens": 300, "prompt_cache_miss_tokens": 700,
            "completion_tokens": 100,
        }),
        expected,
    );
    check(
        "deepseek",
        "deepseek-v4-flash",
        json!({
            "prompt_tokens": 1000, "prompt_cache_hit_tokens": 300, "prompt_cache_miss_tokens": 700,
            "completion_tokens": 100, "completion_tokens_details": {"reasoning_tokens": 90},
        }),
        expected,
    );
}

#[test]
fn prices_depend_on_the_hour_and_the_day() {
    let raw = json!({"prompt_tokens": 1000, "completion_tokens": 1000});
    let at = |model, at: &str| {
        let call =
            az_ai::pricing::PricedCall { at: at.parse().unwrap(), ..call("deepseek", model) };
        let explained = PriceBook::bundled().explain(&call, &raw).unwrap();
        explained.computed.unwrap().total.to_string()
    };
    let model = "deepseek-v4-flash";
    // 0.14 + 0.28; 0.22 + 0.66; 0.15 + 0.60; 0.30 + 1.20, each a thousand times.
    assert_eq!(at(model, "2026-08-16T23:59:59Z"), "$0.00042");
    assert_eq!(at(model, "2026-08-17T00:00:00Z"), "$0.00088");
    assert_eq!(at(model, "2026-11-23T00:59:59Z"), "$0.00075");
    assert_eq!(at(model, "2026-11-23T01:00:00Z"), "$0.0015", "a Monday's peak");
    assert_eq!(at(model, "2026-11-22T01:00:00Z"), "$0.00075", "a Sunday");
}

#[test]
fn usage_of_the_responses_api_is_read() {
    // 600 × 1.25 + 400 × 0.125 + 100 × 10.
    check(
        "openai",
        "gpt-5",
        json!({
            "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100,
            "input_tokens_details": {"cached_tokens": 400},
            "output_tokens_details": {"reasoning_tokens": 64},
        }),
        "0.0018",
    );
}

#[test]
fn an_unknown_price_is_not_zero_and_a_local_model_is_free() {
    let raw = json!({"prompt_tokens": 10, "completion_tokens": 5});
    check_unknown("openai", "gpt-of-tomorrow", &raw);
    check_unknown("unknown", "gpt-5", &raw);
    for provider in ["ollama", "vllm", "llamacpp", "lmstudio"] {
        check(provider, "whatever:7b", raw.clone(), "0");
    }
    check("ollama", "whatever:7b", json!({"prompt_eval_count": 10, "eval_count": 5}), "0");
    // Only one direction has a price.
    let prices = "[[price]]\nprovider = \"p\"\nmodel = \"m\"\ninput_cost_per_token = 1e-6\n";
    let book = PriceBook::bundled().with_overrides(prices, "prices.toml").unwrap();
    let cost = |raw: &Value| {
        let explained = book.explain(&call("p", "m"), raw).unwrap();
        explained.computed.map(|computed| computed.total)
    };
    assert_eq!(cost(&raw), None);
    let silent = json!({"prompt_tokens": 10, "completion_tokens": 0});
    assert_eq!(cost(&silent), Some("0.00001".parse().unwrap()));
    assert_eq!(book.most(&call("p", "m"), 10, 5), None);
}

#[test]
fn reported_and_computed_costs_are_both_returned() {
    let raw = json!({"prompt_tokens": 20, "completion_tokens": 16, "cost": 3.4e-5});
    let explained = PriceBook::bundled().explain(&call("openrouter", "openai/gpt-4.1-mini"), &raw);
    let explained = explained.unwrap();
    // 20 × 0.40 + 16 × 1.60.
    let ours = explained.computed.map(|computed| computed.total);
    assert_eq!(
        (explained.reported, ours),
        (Some("0.000034".parse().unwrap()), Some("0.0000336".parse().unwrap()))
    );
    assert_eq!(PriceBook::bundled().explain(&call("openai", "gpt-5"), &json!({})), None);
}

#[test]
fn a_cost_is_explained_by_its_parts_and_notes() {
    let raw = json!({
        "input_tokens": 3, "output_tokens": 1, "service_tier": "batch",
        "server_tool_use": {"web_search_requests": 1},
    });
    let book = PriceBook::bundled();
    let explained = book.explain(&call("anthropic", "claude-sonnet-4-5"), &raw).unwrap();
    let computed = explained.computed.unwrap();
    let parts = computed
        .parts
        .iter()
        .map(|part| format!("{} {} at {}: {}", part.quantity, part.what, part.price, part.amount));
    assert_eq!(
        parts.collect::<Vec<_>>(),
        [
            "3 input at $3.00/M: $0.0000045",
            "1 output at $15.00/M: $0.0000075",
            "1 web search at $10000.00/M: $0.01",
        ]
    );
    assert_eq!(computed.notes, ["half the prices, in the batch tier"]);
    assert_eq!(computed.total.to_string(), "$0.010012");
}
