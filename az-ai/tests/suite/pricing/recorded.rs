//! Compares computed costs with those that providers report.
//!
//! The recordings are not part of the project. If `AZ_RECORDED` names their directory, each one
//! with a cost is priced; otherwise the test prints that it was skipped.

use std::collections::BTreeMap;
use std::path::Path;

use az_ai::pricing::PriceBook;
use serde_json::Value;

use super::call;

const PROVIDERS: [&str; 8] =
    ["anthropic", "deepseek", "gemini", "groq", "llamacpp", "mistral", "openai", "openrouter"];

#[expect(clippy::disallowed_methods, reason = "the recordings lie outside of the project")]
fn recorded(provider: &str) -> Option<Vec<Value>> {
    let folder = std::env::var("AZ_RECORDED").ok()?;
    let file = Path::new(&folder).join(format!("{provider}.jsonl"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Returns the JSON objects of a response: the response itself, or the events of a stream. The
/// Responses API has the reply within its events.
fn objects(exchange: &Value) -> Vec<Value> {
    let text = exchange["response"].as_str().unwrap_or_default();
    let whole = serde_json::from_str::<Value>(text).into_iter();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let events = lines.filter_map(|data| serde_json::from_str(data.trim()).ok());
    let all = whole.chain(events).filter(Value::is_object);
    all.map(
        |object| if object["response"].is_object() { object["response"].clone() } else { object },
    )
    .collect()
}

#[test]
fn computed_costs_equal_reported_ones() {
    let (mut within, mut compared, mut apart) = (0_u32, 0_u32, BTreeMap::<String, u32>::new());
    for provider in PROVIDERS {
        let Some(exchanges) = recorded(provider) else {
            eprintln!("skipped: AZ_RECORDED names no folder with recordings");
            return;
        };
        for exchange in &exchanges {
            let objects = objects(exchange);
            let Some(account) = objects.iter().rfind(|object| object["usage"].is_object()) else {
                continue;
            };
            let sent = exchange["request"].as_str().unwrap_or_default();
            let sent: Value = serde_json::from_str(sent).unwrap_or_default();
            let models =
                [&account["model"], &sent["model"]].map(|m| m.as_str().unwrap_or_default());
            let book = PriceBook::bundled();
            let model = models.into_iter().find(|m| book.prices(&call(provider, m)).is_some());
            let model = model.unwrap_or_default();
            let Some(explained) = book.explain(&call(provider, model), account) else { continue };
            let Some(said) = explained.reported else { continue };
            // With a key of the user's own the router charges only its fee, and a free model has no
            // cost to compare.
            if account["usage"]["is_byok"] == true || said.nanos() == 0 {
                *apart.entry("own key or free".to_owned()).or_default() += 1;
                continue;
            }
            compared += 1;
            let ours = explained.computed.map(|computed| computed.total.nanos());
            let near = ours.is_some_and(|ours| {
                ours.abs_diff(said.nanos()) * 200 <= said.nanos().unsigned_abs()
            });
            within += u32::from(near);
            if !near {
                eprintln!(
                    "{} {model}: {said} and ours {ours:?}: {}",
                    exchange["name"], account["usage"]
                );
            }
        }
    }
    let share = f64::from(within) / f64::from(compared) * 100.0;
    eprintln!("{within} of {compared} costs ({share:.1} %) are within 0.5 %; left out: {apart:?}");
    assert!(compared > 50 && share >= 97.0, "{within} of {compared}");
}

#[test]
fn every_recorded_usage_of_a_priced_model_is_priced() {
    let (mut priced, mut unknown) = (0, BTreeMap::<String, u32>::new());
    for provider in PROVIDERS {
        let Some(exchanges) = recorded(provider) else {
            eprintln!("skipped: AZ_RECORDED names no folder with recordings");
            return;
        };
        for object in exchanges.iter().filter_map(|exchange| objects(exchange).pop()) {
            let model = ["model", "modelVersion"].iter().find_map(|key| object[key].as_str());
            let Some(model) = model else { continue };
            let Some(explained) = PriceBook::bundled().explain(&call(provider, model), &object)
            else {
                continue;
            };
            match explained.computed {
                Some(_) => priced += 1,
                None => *unknown.entry(format!("{provider} {model}")).or_default() += 1,
            }
        }
    }
    eprintln!("{priced} accounts have a price; these models have none: {unknown:?}");
    assert!(priced > 500, "only {priced} accounts were priced");
    assert!(unknown.values().sum::<u32>() * 20 < priced, "{unknown:?}");
}
