//! Properties of all costs.

use az_ai::pricing::{Amount, PriceBook};
use az_core::Usd;
use az_core::cost::Usage;
use proptest::prelude::*;

use super::call;

const MODELS: [(&str, &str); 8] = [
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-8"),
    ("openai", "gpt-5.4"),
    ("openai", "o3"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-v4-flash"),
    ("openrouter", "openai/gpt-4o-mini"),
    ("ollama", "qwen3"),
];

fn tokens() -> impl Strategy<Value = u64> {
    prop_oneof![0..1000_u64, 190_000..290_000_u64, Just(u64::MAX), any::<u64>()]
}

prop_compose! {
    fn usages()(
        counts in prop::array::uniform10(tokens()),
        service_tier in prop::option::of(prop::sample::select(vec!["default", "batch", "flex", "priority", "?"])),
        region in prop::option::of(prop::sample::select(vec!["us", "global"])),
        speed in prop::option::of(prop::sample::select(vec!["fast", "standard"])),
    ) -> Usage {
        let [input, output, cache_read, cache_write_5m, cache_write_1h, reasoning, tool_input,
            audio_input, audio_output, server_tool_calls] = counts;
        Usage {
            input, output, cache_read, cache_write_5m, cache_write_1h, reasoning, tool_input,
            audio_input, audio_output, server_tool_calls,
            service_tier: service_tier.map(str::to_owned),
            region: region.map(str::to_owned),
            speed: speed.map(str::to_owned),
            estimated: false,
        }
    }
}

proptest! {
    #[test]
    fn parts_add_up_to_the_total(usage in usages(), model in prop::sample::select(&MODELS[..])) {
        let (provider, model) = model;
        let Some(cost) = PriceBook::bundled().cost(&call(provider, model), &usage) else {
            return Ok(());
        };
        let sum: Amount = cost.parts.iter().map(|part| part.amount).sum();
        prop_assert_eq!(sum.to_usd(), cost.total);
        prop_assert!(cost.total >= Usd::ZERO);
    }

    #[test]
    fn a_saving_is_the_difference_to_the_same_call_without_a_cache(
        usage in usages(),
        input in prop::array::uniform4(0..150_000_u64),
        model in prop::sample::select(&MODELS[..]),
    ) {
        let [input, cache_read, cache_write_5m, cache_write_1h] = input;
        // Amounts that are too large saturate.
        let (output, tool_input) = (usage.output % 1_000_000, usage.tool_input % 1_000_000);
        let usage = Usage {
            input, cache_read, cache_write_5m, cache_write_1h, output, tool_input,
            audio_input: 0, audio_output: 0, server_tool_calls: 0, ..usage
        };
        let plain = Usage {
            input: input + usage.cached_input(),
            cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, ..usage.clone()
        };
        let (provider, model) = model;
        let cost = |usage: &Usage| PriceBook::bundled().cost(&call(provider, model), usage);
        let (Some(cached), Some(plain)) = (cost(&usage), cost(&plain)) else { return Ok(()) };
        prop_assert_eq!(plain.saved, None);
        let saved = (usage.cached_input() > 0).then(|| plain.total.minus(cached.total));
        prop_assert_eq!(cached.saved, saved);
    }

    #[test]
    fn more_tokens_never_cost_less(
        usage in usages(),
        more in tokens(),
        model in prop::sample::select(&MODELS[..]),
    ) {
        let (provider, model) = model;
        let book = PriceBook::bundled();
        let cost = |usage: &Usage| book.cost(&call(provider, model), usage).map(|cost| cost.total);
        // A kind of tokens that has a price keeps it when there are more; no other kind is added.
        let usage = Usage { server_tool_calls: 0, ..usage };
        let added = |n: u64| n.saturating_add(more);
        for larger in [
            Usage { input: added(usage.input), ..usage.clone() },
            Usage { output: added(usage.output), ..usage.clone() },
            Usage { cache_read: added(usage.cache_read), ..usage.clone() },
            Usage { cache_write_5m: added(usage.cache_write_5m), ..usage.clone() },
            Usage { cache_write_1h: added(usage.cache_write_1h), ..usage.clone() },
            Usage { audio_input: added(usage.audio_input), ..usage.clone() },
        ] {
            prop_assert!(cost(&larger) >= cost(&usage), "{:?}", larger);
        }
    }

    #[test]
    fn no_call_costs_more_than_the_most(
        parts in prop::array::uniform4(0..120_000_u64),
        output in 0..200_000_u64,
        reasoning in 0..200_000_u64,
        tier in prop::option::of(prop::sample::select(vec!["default", "batch", "flex"])),
        us in any::<bool>(),
        hour in 0..168_i64,
        model in prop::sample::select(&MODELS[..]),
    ) {
        let [input, cache_read, cache_write_5m, tool_input] = parts;
        let usage = Usage {
            input, cache_read, cache_write_5m, tool_input, output,
            reasoning: reasoning.min(output),
            service_tier: tier.map(str::to_owned),
            region: us.then(|| "us".to_owned()),
            ..Usage::default()
        };
        let (provider, model) = model;
        let asked = call(provider, model);
        let at = az_core::clock::from_micros(asked.at.as_microsecond() + hour * 3_600_000_000);
        let answered = az_ai::pricing::PricedCall { at, ..asked };
        let book = PriceBook::bundled();
        let most = book.most(&answered, usage.total_input(), output).unwrap();
        let cost = book.cost(&answered, &usage).unwrap().total;
        prop_assert!(cost <= most, "{cost} of {most}");
        // Every hour of the day is tried, because a call may end in another one.
        let early = book.most(&asked, usage.total_input(), output).unwrap();
        prop_assert!(cost <= early, "{cost} of {early}");
    }
}
