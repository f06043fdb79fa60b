//! The first list, `genai-prices`: prices with their history, tiers and hours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::facts::{Models, Object, Result, is_text, keep_tier, pico};

/// Our names of prices, and those of the first list.
pub(crate) const RATES: &[(&str, &str)] = &[
    ("in", "input_mtok"),
    ("out", "output_mtok"),
    ("read", "cache_read_mtok"),
    ("write", "cache_write_mtok"),
    ("write_1h", "cache_write_1h_mtok"),
    ("audio_in", "input_audio_mtok"),
    ("audio_out", "output_audio_mtok"),
    ("reasoning", "output_reasoning_mtok"),
];

/// Reads a provider of the first list.
pub(crate) fn models(name: &str, provider: &Value) -> Result<Models> {
    let mut models = Models::new();
    for model in provider["models"].as_array().ok_or(format!("{name} has no models"))? {
        let id = model["id"].as_str().ok_or(format!("a model of {name} has no id"))?;
        // Other vendors' models on this provider's cloud are other products.
        if !is_text(id) || (name == "google" && id.starts_with("claude")) {
            continue;
        }
        let mut facts = Object::new();
        let mut names = BTreeSet::new();
        called(&model["match"], &mut names);
        names.remove(&id.to_lowercase());
        if !names.is_empty() {
            facts.insert("names".to_owned(), json!(names));
        }
        if let Some(tokens) = model["context_window"].as_u64() {
            facts.insert("context".to_owned(), json!(tokens));
        }
        let mut rows = rows(&model["prices"]).map_err(|error| format!("{name} {id}: {error}"))?;
        add_tiers(&mut rows, &model["price_variants"])?;
        // Only local servers are free: elsewhere a zero means that the price is unknown.
        rows.retain(|row| row.get("in").is_some_and(|price| *price != 0));
        if !rows.is_empty() {
            facts.insert("prices".to_owned(), json!(rows));
            models.insert(id.to_lowercase(), facts);
        }
    }
    Ok(models)
}

/// Collects the names of a model from a rule of the first list.
fn called(rule: &Value, names: &mut BTreeSet<String>) {
    for (kind, value) in rule.as_object().into_iter().flatten() {
        match (kind.as_str(), value) {
            ("or_", Value::Array(rules)) => rules.iter().for_each(|rule| called(rule, names)),
            ("equals" | "starts_with", Value::String(text)) => {
                names.insert(text.trim_end_matches('-').to_lowercase());
            }
            _ => {}
        }
    }
}

/// Reads prices that depend on the day or the hour.
fn rows(prices: &Value) -> Result<Vec<Object>> {
    let Some(list) = prices.as_array() else { return Ok(vec![card(prices)?]) };
    let mut rows = Vec::new();
    let mut latest = None;
    for conditional in list {
        let mut row = card(&conditional["prices"])?;
        let condition = &conditional["constraint"];
        if let Some(date) = condition["start_date"].as_str() {
            latest = Some(date);
            row.insert("from".to_owned(), json!(date));
        } else if let (Some(from), Some(until)) =
            (condition["start_time"].as_str(), condition["end_time"].as_str())
        {
            // The hours belong to the latest prices; the list has no field for that, nor for the
            // days.
            if let Some(date) = latest {
                row.insert("from".to_owned(), json!(date));
            }
            row.insert(
                "hours".to_owned(),
                json!([from.replace('-', ":"), until.replace('-', ":")]),
            );
            if from != "00-30" {
                row.insert("weekdays".to_owned(), json!(true));
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Reads prices of the first list, with the thresholds for long requests.
fn card(prices: &Value) -> Result<Object> {
    let mut card = Object::new();
    let mut bounds = BTreeSet::new();
    for (ours, theirs) in RATES {
        let price = match &prices[theirs] {
            Value::Null => continue,
            Value::Object(tiered) => {
                let starts = tiered["tiers"].as_array().into_iter().flatten();
                bounds.extend(starts.filter_map(|tier| tier["start"].as_u64()));
                &tiered["base"]
            }
            price => price,
        };
        card.insert((*ours).to_owned(), json!(pico(price, 1e6)?));
    }
    if let price @ Value::String(_) = &prices["web_searches_kcount"] {
        card.insert("search".to_owned(), json!(pico(price, 1e9)?));
    }
    let mut above = Vec::new();
    for bound in bounds {
        let mut row = Object::from_iter([("tokens".to_owned(), json!(bound))]);
        for (ours, theirs) in RATES {
            let tiers = prices.get(theirs).and_then(|price| price.get("tiers")?.as_array());
            let mut tiers = tiers.into_iter().flatten();
            let tier =
                tiers.rfind(|tier| tier["start"].as_u64().is_some_and(|start| start <= bound));
            if let Some(tier) = tier {
                row.insert((*ours).to_owned(), json!(pico(&tier["price"], 1e6)?));
            }
        }
        above.push(Value::Object(row));
    }
    if !above.is_empty() {
        card.insert("above".to_owned(), Value::Array(above));
    }
    Ok(card)
}

/// Adds the prices of other service tiers to the rows of the same time.
fn add_tiers(rows: &mut [Object], variants: &Value) -> Result<()> {
    let start = |row: &Object| row.get("from").and_then(Value::as_str).map(str::to_owned);
    let mut ends: Vec<_> = rows.iter().skip(1).map(start).collect();
    ends.push(None);
    for (row, end) in rows.iter_mut().zip(ends).filter(|(row, _)| !row.contains_key("hours")) {
        let mut latest: BTreeMap<&str, (&str, Object)> = BTreeMap::new();
        for variant in variants.as_array().into_iter().flatten() {
            let when = &variant["when"];
            let keys = ["service_tier", "processing", "speed"];
            let since = variant
                .pointer("/constraint/start_date")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let Some(name) = keys.iter().find_map(|key| when[key].as_str()) else { continue };
            let later = latest.get(name).is_none_or(|(known, _)| *known <= since);
            if later && end.as_deref().is_none_or(|end| since < end) {
                latest.insert(name, (since, card(&variant["prices"])?));
            }
        }
        let mut tiers = Object::new();
        for (name, (_, tier)) in latest.into_iter().filter(|(_, (_, tier))| tier.contains_key("in"))
        {
            keep_tier(&mut tiers, name, row, tier);
        }
        if !tiers.is_empty() {
            row.insert("tiers".to_owned(), Value::Object(tiers));
        }
    }
    Ok(())
}
