//! The second list, `litellm`: capabilities of models, and prices that the first list lacks.

use serde_json::{Value, json};

use crate::facts::{Models, Object, Result, current, holds, is_called, is_text, keep_tier, pico};

/// Models whose prices are taken from the second list, because the first is known to be outdated.
const BEHIND: &[(&str, &str)] = &[
    // The first list has the prices from before September 2025, when they depended on the hour.
    ("deepseek", "deepseek-chat"),
    ("deepseek", "deepseek-reasoner"),
    // The first list has a model of 2024 under this name.
    ("mistral", "mistral-large-latest"),
];
/// Our names of prices, and those of the second list.
const COSTS: &[(&str, &str)] = &[
    ("in", "input_cost_per_token"),
    ("out", "output_cost_per_token"),
    ("read", "cache_read_input_token_cost"),
    ("write", "cache_creation_input_token_cost"),
    ("write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("audio_in", "input_cost_per_audio_token"),
    ("audio_out", "output_cost_per_audio_token"),
    ("reasoning", "output_cost_per_reasoning_token"),
];
/// Our names of capabilities, and those of the second list.
const FEATURES: &[(&str, &str)] = &[
    ("tools", "supports_function_calling"),
    ("vision", "supports_vision"),
    ("reasoning", "supports_reasoning"),
    ("formats", "supports_response_schema"),
];

/// Adds entries that only the second list has, and reports differences between the lists.
pub(crate) fn add(
    name: &str,
    models: &mut Models,
    list: &Object,
    (provider, prefix): (&str, &str),
    date: &str,
) -> Result<()> {
    let offered = list.iter().filter(|(_, entry)| entry["litellm_provider"] == provider);
    let twice =
        |key: &str| !key.starts_with(prefix) && list.contains_key(&format!("{prefix}{key}"));
    let offered: Vec<_> = offered.filter(|(key, _)| !twice(key)).collect();
    if offered.is_empty() {
        return Err(format!("the second list has no model of {provider}").into());
    }
    for (key, entry) in offered {
        let id = key.strip_prefix(prefix).unwrap_or(key).to_lowercase();
        let mode = entry["mode"].as_str().unwrap_or_default();
        if !matches!(mode, "chat" | "responses" | "embedding")
            || !is_text(&id)
            || id.contains("1024-x")
        {
            continue;
        }
        let card = costs(entry, "")?;
        let known = models.iter().find(|(name, facts)| **name == id || is_called(facts, &id));
        // A dated name is an alias of the model unless its price differs.
        let known = known.or_else(|| {
            let (name, facts) = models.get_key_value(undated(&id))?;
            let row = current(facts, date)?;
            let both = ["in", "out"].iter().all(|key| card.get(*key) == row.get(*key));
            both.then_some((name, facts))
        });
        let known = known.map(|(name, _)| name.clone());
        match known {
            Some(known) if BEHIND.contains(&(name, &id)) => {
                eprintln!("{name} {id}: the second list's prices are taken");
                let named = |names: &mut Vec<Value>| names.retain(|name| *name != id);
                let facts = models.get_mut(&known).and_then(|facts| facts.get_mut("names"));
                facts.and_then(Value::as_array_mut).into_iter().for_each(named);
                let mut facts = Object::from_iter([("prices".to_owned(), json!([card]))]);
                complete(&mut facts, entry, &card, date)?;
                models.insert(id, facts);
            }
            Some(known) => {
                let Some(facts) = models.get_mut(&known) else { continue };
                compare(name, &id, (current(facts, date), &card));
                complete(facts, entry, &card, date)?;
            }
            None if card.contains_key("in")
                && (card.contains_key("out") || mode == "embedding") =>
            {
                let mut facts = Object::from_iter([("prices".to_owned(), json!([card]))]);
                complete(&mut facts, entry, &card, date)?;
                models.insert(id, facts);
            }
            None => {}
        }
    }
    Ok(())
}

/// Returns a name without the date at its end.
fn undated(id: &str) -> &str {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let long =
        id.len().checked_sub(11).filter(|at| id.is_char_boundary(*at)).map(|at| id.split_at(at));
    match (long, id.rsplit_once('-')) {
        (Some((stem, date)), _) if date.starts_with('-') && digits(date) => stem,
        (_, Some((stem, last))) if last.len() == 8 && digits(last) => stem,
        (_, Some((stem, "latest"))) => stem,
        _ => id,
    }
}

/// Reads prices of the second list; `tier` is the suffix of its keys.
fn costs(entry: &Value, tier: &str) -> Result<Object> {
    let mut card = Object::new();
    let at = |bound: &str| -> Result<Object> {
        let mut row = Object::new();
        for (ours, theirs) in COSTS {
            let price = &entry[format!("{theirs}{bound}{tier}")];
            // A price of 0 means that the price is unknown.
            if price.as_f64().is_some_and(|price| price > 0.0) {
                row.insert((*ours).to_owned(), json!(pico(price, 1e12)?));
            }
        }
        Ok(row)
    };
    card.extend(at("")?);
    // A plain rate under another name.
    for (part, plain) in [("audio_in", "in"), ("audio_out", "out"), ("reasoning", "out")] {
        if card.get(part) == card.get(plain) {
            card.remove(part);
        }
    }
    let mut above = Vec::new();
    for thousands in [100, 128, 200, 256, 272] {
        let mut row = at(&format!("_above_{thousands}k_tokens"))?;
        if row.contains_key("in") {
            row.insert("tokens".to_owned(), json!(thousands * 1000));
            above.push(Value::Object(row));
        }
    }
    if !above.is_empty() {
        card.insert("above".to_owned(), Value::Array(above));
    }
    Ok(card)
}

/// Reports differences of more than a thousandth between the latest prices of the two lists.
fn compare(name: &str, id: &str, (ours, theirs): (Option<&Object>, &Object)) {
    let Some(ours) = ours else { return };
    for (key, _) in COSTS {
        let both =
            (ours.get(*key).and_then(Value::as_u64), theirs.get(*key).and_then(Value::as_u64));
        let (Some(ours), Some(theirs)) = both else { continue };
        if ours.abs_diff(theirs) * 1000 > ours {
            eprintln!("{name} {id} {key}: {ours} in the first list, {theirs} in the second");
        }
    }
    let bounds = |card: &Object| card.get("above")?.pointer("/0/tokens")?.as_u64();
    if bounds(ours) != bounds(theirs) {
        eprintln!("{name} {id}: rows above {:?} and {:?} tokens", bounds(ours), bounds(theirs));
    }
}

/// Adds capabilities to a model, and tiers and prices that the first list lacks.
fn complete(facts: &mut Object, entry: &Value, card: &Object, date: &str) -> Result<()> {
    let mut keep = |key: &str, value: &Value| {
        if value.is_u64() && !facts.contains_key(key) {
            facts.insert(key.to_owned(), value.clone());
        }
    };
    keep("context", &entry["max_input_tokens"]);
    keep("output", &entry["max_output_tokens"]);
    let can = FEATURES.iter().filter(|(_, key)| entry[key] == true).map(|(feature, _)| *feature);
    let can: Vec<&str> = can.collect();
    if !can.is_empty() && !facts.contains_key("can") {
        facts.insert("can".to_owned(), json!(can));
    }
    let Some(Value::Array(rows)) = facts.get_mut("prices") else { return Ok(()) };
    let rows = rows.iter_mut().filter_map(Value::as_object_mut);
    let Some(row) = rows.rev().find(|row| holds(row, date)) else { return Ok(()) };
    // Prices on which the two lists agree may be completed from each other.
    if row.get("in") != card.get("in") {
        return Ok(());
    }
    for (key, value) in card.iter().filter(|(_, value)| value.as_u64().is_some_and(|n| n > 0)) {
        row.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let mut tiers = row.get("tiers").and_then(Value::as_object).cloned().unwrap_or_default();
    let suffixes = ["_batches", "_flex", "_priority", "_ultrafast"];
    for (name, suffix) in ["batch", "flex", "priority", "ultrafast"].into_iter().zip(suffixes) {
        let tier = costs(entry, suffix)?;
        if let Some(known) = tiers.get_mut(name).and_then(Value::as_object_mut) {
            let missing = tier.iter().filter(|(key, _)| *key != "above");
            missing.for_each(|(key, price)| {
                known.entry(key.clone()).or_insert_with(|| price.clone());
            });
        } else if tier.contains_key("in") {
            keep_tier(&mut tiers, name, row, tier);
        }
    }
    if !tiers.is_empty() {
        row.insert("tiers".to_owned(), Value::Object(tiers));
    }
    Ok(())
}
