//! Makes the table of prices from the data of two price lists.
//!
//! `cargo run -p az-examples --example generate_prices -- GENAI_JSON LITELLM_JSON DATE` writes the
//! table to the standard output, and in what the two lists differ to the standard error.
//! `docs/prices.md` says where the two files come from.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use serde_json::{Map, Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Object = Map<String, Value>;

/// What a provider is called here, in the first list, and before its models in the second.
const PROVIDERS: &[(&str, &str, Option<(&str, &str)>)] = &[
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
/// Servers on one's own machine, all of whose models are free.
const LOCAL: &[&str] = &["llamacpp", "lmstudio", "ollama", "vllm"];
/// Parts of names of models that do not answer in text, or are not billed by tokens of it.
const NO_TEXT: &[&str] = &[
    "image", "tts", "whisper", "transcribe", "realtime", "live", "moderation", "ocr", "voice",
    "orpheus", "guard", "computer-use", "robotics", "banana", "video", "speech", "omni", "veo",
    "sora", "imagen", "lyria", "flux", "aqa", "ft:",
];
/// Whose models `OpenRouter` offers that are listed here, and what we call those that it passes
/// through at their own price.
const VENDORS: &[(&str, Option<&str>)] = &[
    ("amazon", None), ("anthropic", Some("anthropic")), ("cohere", None),
    ("deepseek", Some("deepseek")), ("google", Some("google")), ("meta-llama", None),
    ("microsoft", None), ("minimax", None), ("mistralai", Some("mistral")), ("moonshotai", None),
    ("nvidia", None), ("openai", Some("openai")), ("perplexity", None), ("qwen", None),
    ("x-ai", Some("xai")), ("z-ai", None),
];
/// Names whose prices are taken from the second list, because the first is known to be behind.
const BEHIND: &[(&str, &str)] = &[
    // The first list has the prices of before September 2025, when hours ceased to matter.
    ("deepseek", "deepseek-chat"),
    ("deepseek", "deepseek-reasoner"),
    // The first list has a model of 2024 under this name.
    ("mistral", "mistral-large-latest"),
];
/// Our names for prices, and the first list's.
const RATES: &[(&str, &str)] = &[
    ("in", "input_mtok"), ("out", "output_mtok"), ("read", "cache_read_mtok"),
    ("write", "cache_write_mtok"), ("write_1h", "cache_write_1h_mtok"),
    ("audio_in", "input_audio_mtok"), ("audio_out", "output_audio_mtok"),
    ("reasoning", "output_reasoning_mtok"),
];
/// Our names for prices, and the second list's.
const COSTS: &[(&str, &str)] = &[
    ("in", "input_cost_per_token"), ("out", "output_cost_per_token"),
    ("read", "cache_read_input_token_cost"), ("write", "cache_creation_input_token_cost"),
    ("write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("audio_in", "input_cost_per_audio_token"), ("audio_out", "output_cost_per_audio_token"),
    ("reasoning", "output_cost_per_reasoning_token"),
];
/// Our names for what a model can do, and the second list's.
const FEATURES: &[(&str, &str)] = &[
    ("tools", "supports_function_calling"), ("vision", "supports_vision"),
    ("reasoning", "supports_reasoning"), ("formats", "supports_response_schema"),
];

/// Models by what they are called.
type Models = BTreeMap<String, Object>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [genai, litellm, date] = arguments.as_slice() else {
        return Err("usage: generate_prices GENAI_JSON LITELLM_JSON DATE".into());
    };
    let (genai, litellm) = (read(genai)?, read(litellm)?);
    let genai = genai.as_array().ok_or("the first list is no array of providers")?;
    let litellm = litellm.as_object().ok_or("the second list is no object of models")?;
    let mut table: BTreeMap<&str, Models> = BTreeMap::new();
    for (name, first, second) in PROVIDERS {
        let provider = genai.iter().find(|provider| provider["id"] == *first);
        let provider = provider.ok_or(format!("the first list has no provider {first}"))?;
        let mut models = from_first(name, provider)?;
        if let Some((provider, prefix)) = second {
            add_second(name, &mut models, litellm, (provider, prefix), date)?;
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

/// Writes a model a line, so that a new table can be compared with an old one.
fn print(table: &BTreeMap<&str, Models>, date: &str) -> Result<()> {
    let mut lines = Vec::new();
    for (provider, models) in table {
        for (model, facts) in models {
            let (provider, model) = (serde_json::to_string(provider)?, serde_json::to_string(model)?);
            let facts = serde_json::to_string(facts)?;
            let facts = facts.strip_prefix('{').unwrap_or_default();
            lines.push(format!("{{\"provider\":{provider},\"model\":{model},{facts}"));
        }
    }
    eprintln!("{} models", lines.len());
    println!("{{\"date\":{},\"models\":[\n{}\n]}}", serde_json::to_string(date)?, lines.join(",\n"));
    Ok(())
}

fn is_text(model: &str) -> bool {
    !NO_TEXT.iter().any(|part| model.contains(part))
}

/// Reads a provider of the first list.
fn from_first(name: &str, provider: &Value) -> Result<Models> {
    let mut models = Models::new();
    for model in provider["models"].as_array().ok_or(format!("{name} has no models"))? {
        let id = model["id"].as_str().ok_or(format!("a model of {name} has no id"))?;
        // Other vendors' models on this provider's cloud are another product.
        if !is_text(id) || (name == "google" && id.starts_with("claude")) {
            continue;
        }
        let mut facts = Object::new();
        let mut names = BTreeSet::new();
        called(&model["match"], &mut names);
        names.remove(id);
        if !names.is_empty() {
            facts.insert("names".to_owned(), json!(names));
        }
        if let Some(tokens) = model["context_window"].as_u64() {
            facts.insert("context".to_owned(), json!(tokens));
        }
        let mut rows = rows(&model["prices"]).map_err(|error| format!("{name} {id}: {error}"))?;
        add_tiers(&mut rows, &model["price_variants"])?;
        // Nobody but one's own machine is free: a zero stands for a price that is not known.
        rows.retain(|row| row.get("in").is_some_and(|price| *price != 0));
        if !rows.is_empty() {
            facts.insert("prices".to_owned(), json!(rows));
            models.insert(id.to_lowercase(), facts);
        }
    }
    Ok(models)
}

/// Collects the names that a model goes by, from a rule of the first list.
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

/// Reads prices that change with the day or with the hour.
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
            // The hours go with the newest prices; the list cannot say so, nor which days.
            if let Some(date) = latest {
                row.insert("from".to_owned(), json!(date));
            }
            row.insert("hours".to_owned(), json!([from.replace('-', ":"), until.replace('-', ":")]));
            if from != "00-30" {
                row.insert("weekdays".to_owned(), json!(true));
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Reads prices of the first list, with the rows above so many tokens.
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
            let mut tiers = prices[theirs]["tiers"].as_array().into_iter().flatten();
            let tier = tiers.rfind(|tier| tier["start"].as_u64().is_some_and(|start| start <= bound));
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

/// Returns pico-dollars, as whole numbers are exact in the lists' dollars.
fn pico(price: &Value, scale: f64) -> Result<u64> {
    let dollars = price.as_str().and_then(|text| text.parse().ok()).or(price.as_f64());
    let dollars: f64 = dollars.ok_or(format!("{price} is no price"))?;
    let text = format!("{:.0}", dollars * scale);
    Ok(text.parse().map_err(|_| format!("{price} is no price"))?)
}

/// Adds the prices of other tiers of service to the rows in whose time they hold.
fn add_tiers(rows: &mut [Object], variants: &Value) -> Result<()> {
    let start = |row: &Object| row.get("from").and_then(Value::as_str).map(str::to_owned);
    let mut ends: Vec<_> = rows.iter().skip(1).map(start).collect();
    ends.push(None);
    for (row, end) in rows.iter_mut().zip(ends).filter(|(row, _)| !row.contains_key("hours")) {
        let mut latest: BTreeMap<&str, (&str, Object)> = BTreeMap::new();
        for variant in variants.as_array().into_iter().flatten() {
            let when = &variant["when"];
            let keys = ["service_tier", "processing", "speed"];
            let since = variant["constraint"]["start_date"].as_str().unwrap_or_default();
            let Some(name) = keys.iter().find_map(|key| when[key].as_str()) else { continue };
            let later = latest.get(name).is_none_or(|(known, _)| *known <= since);
            if later && end.as_deref().is_none_or(|end| since < end) {
                latest.insert(name, (since, card(&variant["prices"])?));
            }
        }
        let mut tiers = Object::new();
        for (name, (_, tier)) in latest.into_iter().filter(|(_, (_, tier))| tier.contains_key("in")) {
            keep_tier(&mut tiers, name, row, tier);
        }
        if !tiers.is_empty() {
            row.insert("tiers".to_owned(), Value::Object(tiers));
        }
    }
    Ok(())
}

/// Keeps a tier unless it goes without saying: the ordinary prices, or half of them.
fn keep_tier(tiers: &mut Object, name: &str, base: &Object, tier: Object) {
    let part = if matches!(name, "batch" | "flex") { 2 } else { 1 };
    let usual = |usual: &Object, tier: &Object| {
        tier.iter().filter(|(_, price)| price.is_u64()).all(|(key, price)| {
            let usual = usual.get(key).and_then(Value::as_u64);
            usual.map(|price| if key == "tokens" { price } else { price / part }) == price.as_u64()
        })
    };
    let above = |card: &Object| -> Vec<Object> {
        let rows = card.get("above").and_then(Value::as_array).into_iter().flatten();
        rows.filter_map(|row| row.as_object().cloned()).collect()
    };
    let (ours, theirs) = (above(base), above(&tier));
    // A tier that says nothing of long requests is to them what it is to short ones.
    let silent = theirs.is_empty();
    let same = silent || ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| usual(a, b));
    if !same || !usual(base, &tier) {
        tiers.insert(name.to_owned(), Value::Object(tier));
    }
}

/// Fills in what a tier leaves out, in the proportion of its input's price to the ordinary one.
fn fill_tiers(row: &mut Value) {
    let base = row.clone();
    let tiers = row.get_mut("tiers").and_then(Value::as_object_mut).into_iter().flatten();
    for tier in tiers.filter_map(|(_, tier)| tier.as_object_mut()) {
        let price = |prices: &Value| prices["in"].as_u64().filter(|price| *price > 0);
        let own = tier.get("in").and_then(Value::as_u64);
        let (Some(own), Some(usual)) = (own, price(&base)) else { continue };
        let scaled = |card: &Value| -> Object {
            let prices = RATES.iter().filter_map(|(key, _)| Some((*key, card[key].as_u64()?)));
            prices.map(|(key, price)| (key.to_owned(), json!((price * own).div_ceil(usual)))).collect()
        };
        for (key, price) in scaled(&base) {
            tier.entry(key).or_insert(price);
        }
        let above = base["above"].as_array().into_iter().flatten().map(|row| {
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

/// Adds what only the second list knows, and tells in what the two differ.
fn add_second(
    name: &str,
    models: &mut Models,
    list: &Object,
    (provider, prefix): (&str, &str),
    date: &str,
) -> Result<()> {
    for (key, entry) in list.iter().filter(|(_, entry)| entry["litellm_provider"] == provider) {
        let id = key.strip_prefix(prefix).unwrap_or(key).to_lowercase();
        let mode = entry["mode"].as_str().unwrap_or_default();
        if !matches!(mode, "chat" | "responses" | "embedding") || !is_text(&id) || id.contains("1024-x") {
            continue;
        }
        let card = costs(entry, "")?;
        let known = models.iter().find(|(name, facts)| **name == id || is_called(facts, &id));
        // A dated name is the model's own unless its price is another.
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
            None if card.contains_key("in") && (card.contains_key("out") || mode == "embedding") => {
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
    let long = id.len().checked_sub(11).filter(|at| id.is_char_boundary(*at)).map(|at| id.split_at(at));
    match (long, id.rsplit_once('-')) {
        (Some((stem, date)), _) if date.starts_with('-') && digits(date) => stem,
        (_, Some((stem, last))) if last.len() == 8 && digits(last) => stem,
        (_, Some((stem, "latest"))) => stem,
        _ => id,
    }
}

/// Reads prices of the second list; `tier` is what its keys end in.
fn costs(entry: &Value, tier: &str) -> Result<Object> {
    let mut card = Object::new();
    let at = |bound: &str| -> Result<Object> {
        let mut row = Object::new();
        for (ours, theirs) in COSTS {
            let price = &entry[format!("{theirs}{bound}{tier}")];
            // A price of nothing stands for none.
            if price.as_f64().is_some_and(|price| price > 0.0) {
                row.insert((*ours).to_owned(), json!(pico(price, 1e12)?));
            }
        }
        Ok(row)
    };
    card.extend(at("")?);
    // A plain rate by another name.
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

/// Tells in what the newest prices of the two lists differ by more than a thousandth.
fn compare(name: &str, id: &str, (ours, theirs): (Option<&Object>, &Object)) {
    let Some(ours) = ours else { return };
    for (key, _) in COSTS {
        let both = (ours.get(*key).and_then(Value::as_u64), theirs.get(*key).and_then(Value::as_u64));
        let (Some(ours), Some(theirs)) = both else { continue };
        if ours.abs_diff(theirs) * 1000 > ours {
            eprintln!("{name} {id} {key}: {ours} in the first list, {theirs} in the second");
        }
    }
    let bounds = |card: &Object| card.get("above").map(|rows| rows[0]["tokens"].clone());
    if bounds(ours) != bounds(theirs) {
        eprintln!("{name} {id}: rows above {:?} and {:?} tokens", bounds(ours), bounds(theirs));
    }
}

/// Whether a row of prices holds on a day, at most hours of it if not at all.
fn holds(row: &Object, date: &str) -> bool {
    let begun = row.get("from").and_then(Value::as_str).is_none_or(|from| from <= date);
    begun && !row.contains_key("hours")
}

/// Returns the prices that hold on a day.
fn current<'a>(facts: &'a Object, date: &str) -> Option<&'a Object> {
    let rows = facts.get("prices")?.as_array()?;
    rows.iter().filter_map(Value::as_object).rfind(|row| holds(row, date))
}

/// Adds to a model what it can do, and tiers and prices that the first list is silent about.
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
    // What the two lists agree on the one may complete from the other.
    if row.get("in") != card.get("in") {
        return Ok(());
    }
    for (key, value) in card.iter().filter(|(_, value)| value.as_u64().is_some_and(|n| n > 0)) {
        row.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let mut tiers = row.get("tiers").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, suffix) in [("batch", "_batches"), ("flex", "_flex"), ("priority", "_priority")] {
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

/// Drops `OpenRouter`'s models that cost what they cost at their own vendor, and small vendors'.
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

/// Finds a model by any of its names.
fn find<'a>(models: &'a Models, id: &str) -> Option<&'a Object> {
    models.get(id).or_else(|| models.values().find(|facts| is_called(facts, id)))
}

fn is_called(facts: &Object, id: &str) -> bool {
    let names = facts.get("names").and_then(Value::as_array);
    names.is_some_and(|names| names.iter().any(|name| name == id))
}
