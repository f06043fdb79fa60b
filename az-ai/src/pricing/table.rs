//! The bundled price table; `docs/prices.md` describes how it is made.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use az_core::clock::Timestamp;
use serde::{Deserialize, Deserializer};

use super::model::{Card, Days, Features, Hours, ModelPrices, PriceRow, Rates, Source};
use crate::token_price::TokenPrice;

const JSON: &str = include_str!("prices.json");

/// The table with an index of names.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) date: &'static str,
    pub(super) models: Vec<ModelPrices>,
    places: HashMap<&'static str, HashMap<&'static str, usize>>,
}

impl Table {
    /// Returns the table, which is parsed on first use.
    pub(super) fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        // A test parses it too, so that this cannot fail in a program.
        TABLE.get_or_init(|| Self::read().unwrap_or_default())
    }

    fn read() -> serde_json::Result<Self> {
        let file: File = serde_json::from_str(JSON)?;
        let mut table = Self { date: file.date, ..Self::default() };
        for line in file.models {
            let places = table.places.entry(line.provider).or_default();
            let place = table.models.len();
            places.insert(line.model, place);
            for name in &line.names {
                places.entry(name).or_insert(place);
            }
            table.models.push(line.into());
        }
        Ok(table)
    }

    /// Finds a model by one of its names.
    pub(super) fn find(&'static self, provider: &str, name: &str) -> Option<&'static ModelPrices> {
        let places = self.places.get(provider)?;
        let place = places.get(name).or_else(|| places.get("*"))?;
        self.models.get(*place)
    }
}

#[derive(Deserialize)]
struct File {
    date: &'static str,
    models: Vec<StoredPrices>,
}

#[derive(Deserialize)]
struct StoredPrices {
    provider: &'static str,
    model: &'static str,
    #[serde(default)]
    names: Vec<&'static str>,
    context: Option<u64>,
    output: Option<u64>,
    can: Option<Vec<&'static str>>,
    prices: Vec<Row>,
}

/// Prices in pico-dollars. Rows, tiers and long-request thresholds share this shape; each has some
/// of the fields.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    from: Option<&'static str>,
    hours: Option<[&'static str; 2]>,
    weekdays: bool,
    tokens: u64,
    above: Vec<Self>,
    tiers: BTreeMap<&'static str, Self>,
    #[serde(deserialize_with = "pico")]
    search: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    request: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    r#in: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    out: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    read: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    write: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    write_1h: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    audio_in: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    audio_out: Option<TokenPrice>,
    #[serde(deserialize_with = "pico")]
    reasoning: Option<TokenPrice>,
}

fn pico<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TokenPrice>, D::Error> {
    u64::deserialize(deserializer).map(|pico| Some(TokenPrice::from_pico(pico)))
}

impl From<StoredPrices> for ModelPrices {
    fn from(line: StoredPrices) -> Self {
        Self {
            provider: Cow::Borrowed(line.provider),
            model: Cow::Borrowed(line.model),
            names: line.names.into_iter().map(Cow::Borrowed).collect(),
            context_window: line.context,
            max_output: line.output,
            features: line.can.map(|can| Features {
                tools: can.contains(&"tools"),
                vision: can.contains(&"vision"),
                reasoning: can.contains(&"reasoning"),
                formats: can.contains(&"formats"),
            }),
            rows: line.prices.into_iter().map(PriceRow::from).collect(),
            source: Source::Bundled,
        }
    }
}

impl From<Row> for PriceRow {
    fn from(mut row: Row) -> Self {
        let tiers = std::mem::take(&mut row.tiers).into_iter();
        Self {
            from: row.from.and_then(day),
            until: None,
            hours: row.hours.and_then(|[from, until]| {
                let days = if row.weekdays { Days::Weekdays } else { Days::All };
                Some(Hours { from: minute(from)?, until: minute(until)?, days })
            }),
            search: row.search,
            request: row.request,
            tiers: tiers.map(|(name, tier)| (Cow::Borrowed(name), tier.into())).collect(),
            card: row.into(),
        }
    }
}

impl From<Row> for Card {
    fn from(row: Row) -> Self {
        let rates = row.rates();
        Self { rates, above: row.above.iter().map(|row| (row.tokens, row.rates())).collect() }
    }
}

impl Row {
    const fn rates(&self) -> Rates {
        Rates {
            input: self.r#in,
            output: self.out,
            cache_read: self.read,
            cache_write_5m: self.write,
            cache_write_1h: self.write_1h,
            audio_input: self.audio_in,
            audio_output: self.audio_out,
            reasoning: self.reasoning,
        }
    }
}

/// Returns the start of a day such as `2026-03-13`, in UTC.
pub(super) fn day(date: &str) -> Option<Timestamp> {
    format!("{date}T00:00:00Z").parse().ok()
}

/// Returns the minute of the day for a time such as `16:30`.
fn minute(time: &str) -> Option<u32> {
    let (hours, minutes) = time.split_once(':')?;
    Some(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Table, TokenPrice};

    #[test]
    fn the_bundled_table_is_valid() {
        let table = Table::read().unwrap();
        assert!(super::day(table.date).is_some(), "{}", table.date);
        assert!(table.models.len() > 300);
        for model in &table.models {
            assert!(!model.rows.is_empty(), "{model:?}");
            assert!(model.rows.iter().all(|row| row.card.rates.input.is_some()), "{model:?}");
            assert_eq!(model.model, model.model.to_lowercase(), "{model:?}");
            let free = |row: &super::PriceRow| row.card.rates.input == Some(TokenPrice::FREE);
            let local = model.model == "*";
            assert!(model.rows.iter().all(|row| free(row) == local), "{model:?}");
            let bounds = |card: &super::Card| card.above.is_sorted_by_key(|(tokens, _)| *tokens);
            assert!(model.rows.iter().all(|row| bounds(&row.card)), "{model:?}");
        }
    }
}
