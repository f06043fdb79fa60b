//! Helpers for both price lists.

use std::collections::BTreeMap;
use std::error::Error;

use serde_json::{Map, Value};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;
pub(crate) type Object = Map<String, Value>;
/// Models by their names.
pub(crate) type Models = BTreeMap<String, Object>;

/// Parts of the names of models that do not reply in text, or are not billed by text tokens.
const NO_TEXT: &str = "image tts whisper transcribe realtime live moderation ocr voice orpheus guard computer-use \
    robotics banana video speech omni veo sora imagen lyria flux aqa ft:";

/// Whether a model replies in text, judged by its name.
pub(crate) fn is_text(model: &str) -> bool {
    !NO_TEXT.split_whitespace().any(|part| model.contains(part))
}

/// Converts dollars to pico-dollars, exactly for the numbers in the lists.
pub(crate) fn pico(price: &Value, scale: f64) -> Result<u64> {
    let dollars = price.as_str().and_then(|text| text.parse().ok()).or(price.as_f64());
    let dollars: f64 = dollars.ok_or(format!("{price} is not a price"))?;
    let text = format!("{:.0}", dollars * scale);
    Ok(text.parse().map_err(|_| format!("{price} is not a price"))?)
}

/// Adds a tier unless its prices follow from the default tier: the same, or half of them.
pub(crate) fn keep_tier(tiers: &mut Object, name: &str, base: &Object, tier: Object) {
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
    // A tier without prices for long requests applies the same ratio to them.
    let silent = theirs.is_empty();
    let same =
        silent || ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| usual(a, b));
    if !same || !usual(base, &tier) {
        tiers.insert(name.to_owned(), Value::Object(tier));
    }
}

/// Whether a row of prices applies on a day, at most hours of it if it depends on the hour.
pub(crate) fn holds(row: &Object, date: &str) -> bool {
    let begun = row.get("from").and_then(Value::as_str).is_none_or(|from| from <= date);
    begun && !row.contains_key("hours")
}

/// Returns the prices that apply on a day.
pub(crate) fn current<'a>(facts: &'a Object, date: &str) -> Option<&'a Object> {
    let rows = facts.get("prices")?.as_array()?;
    rows.iter().filter_map(Value::as_object).rfind(|row| holds(row, date))
}

/// Finds a model by any of its names.
pub(crate) fn find<'a>(models: &'a Models, id: &str) -> Option<&'a Object> {
    models.get(id).or_else(|| models.values().find(|facts| is_called(facts, id)))
}

pub(crate) fn is_called(facts: &Object, id: &str) -> bool {
    let names = facts.get("names").and_then(Value::as_array);
    names.is_some_and(|names| names.iter().any(|name| name == id))
}
