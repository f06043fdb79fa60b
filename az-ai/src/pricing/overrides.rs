//! Prices that a person knows better, from a file.

use az_core::clock::Timestamp;
use serde::Deserialize;
use toml::Spanned;

use super::book::overridden;
use super::model::{ModelPrices, PriceRow, Rates};
use super::table::day;
use crate::token_price::TokenPrice;

/// What is wrong with a file of prices, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {reason}; {remedy}")]
pub struct BadPrices {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    price: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: String,
    model: String,
    cost_per_token: Option<TokenPrice>,
    input_cost_per_token: Option<TokenPrice>,
    output_cost_per_token: Option<TokenPrice>,
    cache_read_cost_per_token: Option<TokenPrice>,
    cache_write_cost_per_token: Option<TokenPrice>,
    cache_write_1h_cost_per_token: Option<TokenPrice>,
    audio_input_cost_per_token: Option<TokenPrice>,
    audio_output_cost_per_token: Option<TokenPrice>,
    reasoning_cost_per_token: Option<TokenPrice>,
    web_search_cost_per_call: Option<TokenPrice>,
    valid_from: Option<Spanned<String>>,
    valid_until: Option<Spanned<String>>,
}

const WRITE_A_PRICE: &str =
    "write what one token costs in dollars, such as 0.0000025, or 0 when it is free";
const WRITE_A_DAY: &str = "write a day in UTC, such as \"2026-03-13\"";

/// Reads a file of prices.
pub(super) fn read(text: &str, file: &str) -> Result<Vec<ModelPrices>, BadPrices> {
    let at = |offset: usize, reason: String, remedy| {
        let (line, column) = place(text, offset);
        BadPrices { file: file.to_owned(), line, column, reason, remedy }
    };
    let parsed: File = toml::from_str(text).map_err(|error| {
        let reason = error.message().to_owned();
        let offset = error.span().map_or(0, |span| span.start);
        let remedy = remedy(&reason);
        at(offset, reason, remedy)
    })?;
    let entries = parsed.price.into_iter().map(|entry| {
        let start = entry.span().start;
        let entry = entry.into_inner();
        let bound = |date: &Option<Spanned<String>>| match date {
            None => Ok(None),
            Some(date) => match day(date.get_ref()) {
                Some(day) => Ok(Some(day)),
                None => {
                    let reason = format!("{:?} is no day", date.get_ref());
                    Err(at(date.span().start, reason, WRITE_A_DAY))
                }
            },
        };
        let (from, until) = (bound(&entry.valid_from)?, bound(&entry.valid_until)?);
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            let reason = "the price ends before it begins".to_owned();
            return Err(at(start, reason, "let valid_until be later than valid_from"));
        }
        entry.prices(from, until).map_err(|reason| at(start, reason, WRITE_A_PRICE))
    });
    entries.collect()
}

impl Entry {
    fn prices(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<ModelPrices, String> {
        let rates = Rates {
            input: self.input_cost_per_token.or(self.cost_per_token),
            output: self.output_cost_per_token.or(self.cost_per_token),
            cache_read: self.cache_read_cost_per_token,
            cache_write_5m: self.cache_write_cost_per_token,
            cache_write_1h: self.cache_write_1h_cost_per_token,
            audio_input: self.audio_input_cost_per_token,
            audio_output: self.audio_output_cost_per_token,
            reasoning: self.reasoning_cost_per_token,
        };
        if rates.input.is_none() && rates.output.is_none() {
            return Err(format!("the entry for {:?} names no price of a token", self.model));
        }
        let search = self.web_search_cost_per_call;
        let row = PriceRow { from, until, search, card: rates.into(), ..PriceRow::default() };
        Ok(overridden(&self.provider, &self.model, row))
    }
}

/// Returns what to do about what the parser says.
fn remedy(reason: &str) -> &'static str {
    if reason.contains("unknown field") {
        "correct the spelling or take it out"
    } else if reason.contains("missing field") {
        "every [[price]] needs a provider and a model"
    } else if reason.starts_with("invalid price") || reason.contains("invalid type") {
        WRITE_A_PRICE
    } else {
        "write [[price]], and its fields below it, one a line"
    }
}

/// Returns the line and the character in it that an offset is at, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::pricing::{PriceBook, TokenPrice};

    #[test]
    fn a_file_gives_prices_with_their_time() {
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
            let call = crate::pricing::Call { provider: "openai", model: "tuned-1-2026-01-01", at };
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
        assert_eq!(read(&text, "prices.toml").unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_a_remedy() {
        check(
            "ENTRY\ncost_per_token = -0.5",
            "prices.toml:4:18: invalid price \"-0.5\": must not be negative; write what one token \
             costs in dollars, such as 0.0000025, or 0 when it is free",
        );
        check(
            "ENTRY\n cost_per_token = true",
            "prices.toml:4:19: invalid type: boolean `true`, expected dollars a token, such as \
             0.0000025; write what one token costs in dollars, such as 0.0000025, or 0 when it \
             is free",
        );
        check(
            "ENTRY\ncost_per_token = 1e-6\nvalid_from = \"soon\"",
            "prices.toml:5:14: \"soon\" is no day; write a day in UTC, such as \"2026-03-13\"",
        );
        check(
            "ENTRY\ncost_per_token = 1\nvalid_from = \"2026-03-13\"\nvalid_until = \"2026-03-12\"",
            "prices.toml:1:1: the price ends before it begins; let valid_until be later than \
             valid_from",
        );
        check(
            "ENTRY",
            "prices.toml:1:1: the entry for \"m\" names no price of a token; write what one \
             token costs in dollars, such as 0.0000025, or 0 when it is free",
        );
        for (text, start, end) in [
            ("[[price]]\nmodel = \"m\"", "1:1: missing field `provider`", "and a model"),
            ("ENTRY\nprise = 1", "4:1: unknown field `prise`, expected one of", "take it out"),
            ("[[price]", "1:9: ", "one a line"),
            ("é = [", "1:", "one a line"),
        ] {
            let text = text.replace("ENTRY", "[[price]]\nprovider = \"p\"\nmodel = \"m\"");
            let error = read(&text, "f").unwrap_err().to_string();
            assert!(error.starts_with(&format!("f:{start}")) && error.ends_with(end), "{error}");
        }
    }
}
