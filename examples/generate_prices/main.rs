//! Generates the price table from the data of two price lists.
//!
//! `cargo run -p az-examples --example generate_prices -- GENAI_JSON LITELLM_JSON DATE` writes the
//! table to standard output, and differences between the lists to standard error. `docs/prices.md`
//! describes where to get the two files.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a program that writes a file"
)]

mod facts;
mod genai;
mod litellm;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use facts::{Models, Object, Result, current, find};

/// The provider's name in the second list, and the prefix of its models there; `None` when nothing
/// is taken from that list.
type Second = Option<(&'static str, &'static str)>;

/// A provider's names: ours, that of the first list, and the prefix of its models in the second.
const PROVIDERS: &[(&str, &str, Second)] = &[
    ("anthropic", "anthropic", Some(("anthropic", ""))),
    ("deepseek", "deepseek", Some(("deepseek", "deepseek/"))),
    ("google", "google", Some(("gemini", "gemini/"))),
    ("groq", "groq", Some(("groq", "groq/"))),
    ("mistral", "mistral", Some(("mistral", "mistral/"))),
    ("openai", "openai", Some(("openai", ""))),
    ("openrouter", "openrouter", None),
    ("together", "together", Some(("together_ai", "together_ai/"))),
    ("xai", "x-ai", Some(("xai", "xai/"))),
];
/// Local servers, all of whose models are free.
const LOCAL: &[&str] = &["llamacpp", "lmstudio", "ollama", "vllm"];
/// The vendors whose models on `OpenRouter` are listed, with our name for those that it offers at
/// the vendor's price.
const VENDORS: &[(&str, Option<&str>)] = &[
    ("amazon", None),
    ("anthropic", Some("anthropic")),
    ("cohere", None),
    ("deepseek", Some("deepseek")),
    ("google", Some("google")),
    ("meta-llama", None),
    ("microsoft", None),
    ("minimax", None),
    ("mistralai", Some("mistral")),
    ("moonshotai", None),
    ("nvidia", None),
    ("openai", Some("openai")),
    ("perplexity", None),
    ("qwen", None),
    ("x-ai", Some("xai")),
    ("z-ai", None),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [genai, litellm, date] = arguments.as_slice() else {
        return Err("usage: generate_prices GENAI_JSON LITELLM_JSON DATE".into());
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 10 || date.split('-').count() != 3 || !date.split('-').all(digits) {
        return Err(format!("{date} is no day such as 2026-11-23").into());
    }
    let (genai, litellm) = (read(genai)?, read(litellm)?);
    let genai = genai.as_array().ok_or("the first list is no array of providers")?;
    let litellm = litellm.as_object().ok_or("the second list is no object of models")?;
    let mut table: BTreeMap<&str, Models> = BTreeMap::new();
    for (name, first, second) in PROVIDERS {
        let provider = genai.iter().find(|provider| provider["id"] == *first);
        let provider = provider.ok_or(format!("the first list has no provider {first}"))?;
        let mut models = genai::models(name, provider)?;
        if let Some((provider, prefix)) = second {
            litellm::add(name, &mut models, litellm, (provider, prefix), date)?;
        }
        table.insert(name, models);
    }
    drop_passed(&mut table, date);
    let facts = table.values_mut().flat_map(BTreeMap::values_mut);
    for row in facts.filter_map(|facts| facts.get_mut("prices")?.as_array_mut()).flatten() {
        fill_tiers(row);
    }
    for name in LOCAL {
        let free = json!({"prices": [{"in": 0, "out": 0}]});
        let free = free.as_object().cloned().unwrap_or_default();
        table.insert(name, Models::from([("*".to_owned(), free)]));
    }
    print(&table, date)
}

fn read(path: &str) -> Result<Value> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}

/// Writes one model a line, so that tables can be compared by lines.
fn print(table: &BTreeMap<&str, Models>, date: &str) -> Result<()> {
    let mut lines = Vec::new();
    for (provider, models) in table {
        for (model, facts) in models {
            let (provider, model) =
                (serde_json::to_string(provider)?, serde_json::to_string(model)?);
            let facts = serde_json::to_string(facts)?;
            let facts = facts.strip_prefix('{').unwrap_or_default();
            lines.push(format!("{{\"provider\":{provider},\"model\":{model},{facts}"));
        }
    }
    eprintln!("{} models", lines.len());
    println!(
        "{{\"date\":{},\"models\":[\n{}\n]}}",
        serde_json::to_string(date)?,
        lines.join(",\n")
    );
    Ok(())
}

/// Drops `OpenRouter`'s models that have the price of their vendor, and those of small vendors.
fn drop_passed(table: &mut BTreeMap<&str, Models>, date: &str) {
    let Some(mut router) = table.remove("openrouter") else { return };
    router.retain(|id, facts| {
        let Some((vendor, model)) = id.split_once('/').filter(|_| !id.contains(':')) else {
            return false;
        };
        let Some((_, vendor)) = VENDORS.iter().find(|(name, _)| *name == vendor) else {
            return false;
        };
        let own = vendor.and_then(|vendor| find(table.get(vendor)?, model));
        let plain = |facts: &Object| {
            let row = current(facts, date)?;
            Some(["in", "out", "read", "above"].map(|key| row.get(key).cloned()))
        };
        own.and_then(plain) != plain(facts)
    });
    table.insert("openrouter", router);
}

/// Fills in missing prices of a tier, in proportion to its input price.
fn fill_tiers(row: &mut Value) {
    let base = row.clone();
    let tiers = row.get_mut("tiers").and_then(Value::as_object_mut).into_iter().flatten();
    for tier in tiers.filter_map(|(_, tier)| tier.as_object_mut()) {
        let price = |prices: &Value| prices["in"].as_u64().filter(|price| *price > 0);
        let own = tier.get("in").and_then(Value::as_u64);
        let (Some(own), Some(usual)) = (own, price(&base)) else { continue };
        let scaled = |card: &Value| -> Object {
            let prices =
                genai::RATES.iter().filter_map(|(key, _)| Some((*key, card[key].as_u64()?)));
            prices
                .map(|(key, price)| (key.to_owned(), json!((price * own).div_ceil(usual))))
                .collect()
        };
        for (key, price) in scaled(&base) {
            tier.entry(key).or_insert(price);
        }
        let above = base.get("above").and_then(Value::as_array).into_iter().flatten().map(|row| {
            let mut prices = scaled(row);
            prices.insert("tokens".to_owned(), row["tokens"].clone());
            Value::Object(prices)
        });
        let above: Vec<Value> = above.collect();
        if !above.is_empty() {
            tier.entry("above").or_insert(Value::Array(above));
        }
    }
}
