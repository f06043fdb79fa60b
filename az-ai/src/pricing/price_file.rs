//! Parses a file with the user's own prices.

use std::collections::BTreeMap;

use az_core::clock::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::overridden;
use super::invalid_prices::{InvalidPrices, PriceProblem};
use super::model::{ModelPrices, PriceRow, Rates};
use super::table::day;
use crate::resolver::near;
use crate::source::{SourceLocation, TomlDocument};
use crate::token_price::TokenPrice;

/// The prices of a file, with tables `[[price]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceFile {
    pub(super) prices: Vec<ModelPrices>,
    providers: Vec<(String, SourceLocation)>,
}

impl PriceFile {
    /// Parses the text of a file; `file` is the name that errors report.
    ///
    /// # Errors
    ///
    /// [`InvalidPrices`] with what is wrong, where, and what to do about it.
    pub fn parse(file: &str, text: &str) -> Result<Self, InvalidPrices> {
        let document = TomlDocument::parse(file, text).map_err(|error| InvalidPrices {
            location: error.location,
            problem: PriceProblem::Malformed(error.reason),
        })?;
        let mut read = Self::default();
        for (name, value) in document.root() {
            let problem = |problem| at(&document, name.span().start, problem);
            if name.get_ref() != "price" {
                return Err(problem(unknown_field(name.get_ref(), &["price"])));
            }
            let entries = value.get_ref().as_array();
            for entry in entries.ok_or_else(|| problem(not_tables()))?.iter() {
                read.add(&document, entry)?;
            }
        }
        Ok(read)
    }

    /// Returns the providers in the file, each with its location.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &SourceLocation)> {
        self.providers.iter().map(|(name, location)| (name.as_str(), location))
    }

    fn add(
        &mut self,
        document: &TomlDocument<'_>,
        entry: &Spanned<DeValue<'_>>,
    ) -> Result<(), InvalidPrices> {
        let start = entry.span().start;
        let here = |problem| at(document, start, problem);
        let table = entry.get_ref().as_table().ok_or_else(|| here(not_tables()))?;
        check_names(document, table)?;
        let text = |name: &'static str| match table.get(name) {
            Some(value) => text_of(document, name, value).map(Some),
            None => Ok(None),
        };
        let required = |name| text(name)?.ok_or_else(|| here(PriceProblem::MissingField(name)));
        let (provider, model) = (required("provider")?, required("model")?);
        let bound = |name: &'static str| -> Result<Option<Timestamp>, InvalidPrices> {
            let (Some(written), Some(value)) = (text(name)?, table.get(name)) else {
                return Ok(None);
            };
            let invalid = || PriceProblem::InvalidDay(written.to_owned());
            day(written).map(Some).ok_or_else(|| at(document, value.span().start, invalid()))
        };
        let (from, until) = (bound("valid_from")?, bound("valid_until")?);
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return Err(here(PriceProblem::EmptyPeriod));
        }
        let prices = prices_of(document, table)?;
        let rates = rates(&prices);
        if rates.input.is_none() && rates.output.is_none() {
            return Err(here(PriceProblem::NoTokenPrice { model: model.to_owned() }));
        }
        let search = prices.get(SEARCH).copied();
        let request = prices.get(REQUEST).copied();
        let row =
            PriceRow { from, until, search, request, card: rates.into(), ..PriceRow::default() };
        self.prices.push(overridden(provider, model, row));
        let location = table.get("provider").map_or(start, |value| value.span().start);
        self.providers.push((provider.to_owned(), document.location(location)));
        Ok(())
    }
}

const SEARCH: &str = "web_search_cost_per_call";
const REQUEST: &str = "cost_per_request";

/// The fields that hold prices.
const PRICES: [&str; 11] = [
    "cost_per_token",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_cost_per_token",
    "cache_write_cost_per_token",
    "cache_write_1h_cost_per_token",
    "audio_input_cost_per_token",
    "audio_output_cost_per_token",
    "reasoning_cost_per_token",
    SEARCH,
    REQUEST,
];

/// The fields that hold strings.
const TEXTS: [&str; 4] = ["provider", "model", "valid_from", "valid_until"];

fn rates(prices: &BTreeMap<&'static str, TokenPrice>) -> Rates {
    let price = |name: &str| prices.get(name).copied();
    Rates {
        input: price("input_cost_per_token").or(price("cost_per_token")),
        output: price("output_cost_per_token").or(price("cost_per_token")),
        cache_read: price("cache_read_cost_per_token"),
        cache_write_5m: price("cache_write_cost_per_token"),
        cache_write_1h: price("cache_write_1h_cost_per_token"),
        audio_input: price("audio_input_cost_per_token"),
        audio_output: price("audio_output_cost_per_token"),
        reasoning: price("reasoning_cost_per_token"),
    }
}

fn check_names(document: &TomlDocument<'_>, table: &DeTable<'_>) -> Result<(), InvalidPrices> {
    let known: Vec<_> = TEXTS.into_iter().chain(PRICES).collect();
    let unknown = table.keys().find(|name| !known.contains(&name.get_ref().as_ref()));
    unknown.map_or(Ok(()), |name| {
        Err(at(document, name.span().start, unknown_field(name.get_ref(), &known)))
    })
}

fn prices_of(
    document: &TomlDocument<'_>,
    table: &DeTable<'_>,
) -> Result<BTreeMap<&'static str, TokenPrice>, InvalidPrices> {
    let written = PRICES.into_iter().filter_map(|name| Some((name, table.get(name)?)));
    written.map(|(name, value)| Ok((name, price_of(document, name, value)?))).collect()
}

fn price_of(
    document: &TomlDocument<'_>,
    field: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<TokenPrice, InvalidPrices> {
    let written = match value.get_ref() {
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        DeValue::String(text) => text.as_ref(),
        other => return Err(at(document, value.span().start, wrong_type(field, other))),
    };
    let invalid = |error| at(document, value.span().start, PriceProblem::InvalidPrice(error));
    written.parse().map_err(invalid)
}

fn text_of<'t>(
    document: &TomlDocument<'_>,
    field: &str,
    value: &'t Spanned<DeValue<'_>>,
) -> Result<&'t str, InvalidPrices> {
    let wrong = || at(document, value.span().start, wrong_type(field, value.get_ref()));
    value.get_ref().as_str().ok_or_else(wrong)
}

fn at(document: &TomlDocument<'_>, offset: usize, problem: PriceProblem) -> InvalidPrices {
    InvalidPrices { location: document.location(offset), problem }
}

fn not_tables() -> PriceProblem {
    PriceProblem::Malformed("prices are tables [[price]]".to_owned())
}

fn unknown_field(name: &str, known: &[&str]) -> PriceProblem {
    PriceProblem::UnknownField { name: name.to_owned(), near: near(name, known.iter().copied()) }
}

fn wrong_type(field: &str, value: &DeValue<'_>) -> PriceProblem {
    PriceProblem::WrongType { field: field.to_owned(), found: value.type_str() }
}

#[cfg(test)]
mod tests {
    use super::PriceFile;
    use crate::pricing::{PriceBook, TokenPrice};

    #[test]
    fn a_file_sets_prices_for_a_time() {
        let text = r#"
            [[price]]
            provider = "OpenAI"
            model = "Tuned-1"
            input_cost_per_token = 2.5e-6
            output_cost_per_token = "0.00001"
            cache_read_cost_per_token = 0
            web_search_cost_per_call = 0.01
            valid_until = "2026-07-01"

            [[price]]
            provider = "openai"
            model = "tuned-1"
            cost_per_token = 1e-6
            valid_from = "2026-07-01"
        "#;
        let book = PriceBook::bundled().with_overrides(text, "prices.toml").unwrap();
        let rates = |at: &str| {
            let at = at.parse().unwrap();
            let call =
                crate::pricing::PricedCall { provider: "openai", model: "tuned-1-2026-01-01", at };
            book.prices(&call).unwrap().1.card.rates
        };
        let price = |pico| Some(TokenPrice::from_pico(pico));
        let before = rates("2026-06-30T23:59:59Z");
        assert_eq!(
            (before.input, before.output, before.cache_read),
            (price(2_500_000), price(10_000_000), price(0))
        );
        let after = rates("2026-07-01T00:00:00Z");
        assert_eq!(
            (after.input, after.output, after.cache_read),
            (price(1_000_000), price(1_000_000), None)
        );
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let text = text.replace("ENTRY", "[[price]]\nprovider = \"p\"\nmodel = \"m\"");
        assert_eq!(PriceFile::parse("prices.toml", &text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn every_problem_has_a_location_and_a_remedy() {
        check(
            "ENTRY\ncost_per_token = -0.5",
            "prices.toml:4:18: invalid price \"-0.5\": must not be negative; write what one token \
             costs in dollars, such as 0.0000025, or 0 when it is free",
        );
        check(
            "ENTRY\n cost_per_token = true",
            "prices.toml:4:19: invalid value of \"cost_per_token\": its type is boolean; write names and \
             days in quotes, and prices as numbers",
        );
        check(
            "ENTRY\ncost_per_token = 1e-6\nvalid_from = \"soon\"",
            "prices.toml:5:14: invalid day \"soon\"; write a day in UTC, such as \"2026-03-13\"",
        );
        check(
            "ENTRY\ncost_per_token = 1\nvalid_from = \"2026-03-13\"\nvalid_until = \"2026-03-12\"",
            "prices.toml:1:1: the price ends before it begins; set valid_until to a day after \
             valid_from",
        );
        check(
            "ENTRY",
            "prices.toml:1:1: the entry for \"m\" has no price of a token; write what one \
             token costs in dollars, such as 0.0000025, or 0 when it is free",
        );
        for (text, start, end) in [
            ("[[price]]\nmodel = \"m\"", "1:1: missing field \"provider\"", "and a model"),
            ("ENTRY\nprise = 1", "4:1: unknown field \"prise\"", "remove the field"),
            ("[[price]", "1:9: ", "one a line"),
            ("é = [", "1:", "one a line"),
        ] {
            let text = text.replace("ENTRY", "[[price]]\nprovider = \"p\"\nmodel = \"m\"");
            let error = PriceFile::parse("f", &text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("f:{start}")) && error.ends_with(end), "{error}");
        }
    }
}
