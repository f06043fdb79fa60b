//! Looks up prices.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use az_core::Usd;
use az_core::clock::{Timestamp, later};
use az_core::cost::Usage;

use super::cost::{self, Breakdown, CacheLife};
use super::invalid_prices::InvalidPrices;
use super::model::{ModelPrices, PriceRow, Rates, Source};
use super::names::{candidates, provider_id};
use super::price_file::PriceFile;
use super::table::Table;
use super::upstreams::{bundled, upstreams};
use crate::config::ProviderConfig;
use crate::token_price::TokenPrice;

/// The maximum duration of a call that an estimate covers: the price is that of the call's end.
const LONGEST_CALL: Duration = Duration::from_secs(3600);

/// The prices of models: the bundled table and the user's own prices.
///
/// Cloning is cheap. The bundled table is parsed on first use.
#[derive(Clone, Default)]
pub struct PriceBook {
    overrides: Arc<Vec<ModelPrices>>,
}

impl fmt::Debug for PriceBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceBook").field("overrides", &self.overrides.len()).finish()
    }
}

/// The properties of a call that its price depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedCall<'a> {
    /// The provider.
    pub provider: &'a str,
    /// The model, by the provider's name, with or without a release date.
    pub model: &'a str,
    /// The time of the call.
    pub at: Timestamp,
}

impl PriceBook {
    /// Returns the prices that are bundled with this crate.
    pub fn bundled() -> Self {
        Self::default()
    }

    /// Returns the day on which the bundled prices were collected, such as `2026-11-23`.
    pub fn date() -> &'static str {
        Table::get().date
    }

    /// Returns the book with the prices of a TOML text, which take precedence over all others; `file`
    /// is the name that errors report.
    ///
    /// # Errors
    ///
    /// Those of [`PriceFile::parse`].
    pub fn with_overrides(self, text: &str, file: &str) -> Result<Self, InvalidPrices> {
        Ok(self.with_file(PriceFile::parse(file, text)?))
    }

    /// Returns the book with the prices of a file, which take precedence over all others.
    #[must_use]
    pub fn with_file(mut self, file: PriceFile) -> Self {
        Arc::make_mut(&mut self.overrides).extend(file.prices);
        self
    }

    /// Returns the book with the prices of an entry of the configuration, if it has any. `provider`
    /// is the provider that it is priced as. Without a model they apply to all of the provider's
    /// models.
    #[must_use]
    pub fn with_entry(mut self, provider: &str, entry: &ProviderConfig) -> Self {
        let rates = Rates {
            input: entry.input_cost_per_token.or(entry.cost_per_token),
            output: entry.output_cost_per_token.or(entry.cost_per_token),
            ..Rates::default()
        };
        if rates != Rates::default() {
            let model = entry.model.as_deref().unwrap_or("*");
            let request = entry.cost_per_request;
            let row = PriceRow { card: rates.into(), request, ..PriceRow::default() };
            Arc::make_mut(&mut self.overrides).push(overridden(provider, model, row));
        }
        self
    }

    /// Returns the book in which the provider's models without a price of the user's own are free.
    #[must_use]
    pub fn with_free(mut self, provider: &str) -> Self {
        let nothing = Some(TokenPrice::from_pico(0));
        let rates = Rates { input: nothing, output: nothing, ..Rates::default() };
        let row = PriceRow { card: rates.into(), ..PriceRow::default() };
        // The last one takes precedence.
        Arc::make_mut(&mut self.overrides).insert(0, overridden(provider, "*", row));
        self
    }

    /// Lists all models: first those with the user's own prices, then by provider and name.
    pub fn models(&self) -> impl Iterator<Item = &ModelPrices> {
        self.overrides.iter().chain(&Table::get().models)
    }

    /// Finds a model in the user's prices or in the table.
    pub fn model(&self, provider: &str, model: &str) -> Option<&ModelPrices> {
        bundled(&provider_id(provider), model)
    }

    /// Finds the prices of a call.
    pub fn prices(&self, call: &PricedCall<'_>) -> Option<(&ModelPrices, &PriceRow)> {
        self.overriding(call).or_else(|| {
            let model = bundled(&provider_id(call.provider), call.model)?;
            Some((model, model.row(call.at)?))
        })
    }

    /// Finds the user's own prices of a call.
    pub fn overriding(&self, call: &PricedCall<'_>) -> Option<(&ModelPrices, &PriceRow)> {
        if self.overrides.is_empty() {
            return None;
        }
        let provider = provider_id(call.provider);
        let names = candidates(&provider, call.model);
        names.iter().map(String::as_str).chain(["*"]).find_map(|name| {
            let of_model =
                |prices: &&ModelPrices| prices.provider == provider && prices.model == name;
            let mut known = self.overrides.iter().rev().filter(of_model);
            known.find_map(|prices| Some((prices, prices.row(call.at)?)))
        })
    }

    /// Returns the cost of usage; `None` when a price that it needs is unknown.
    pub fn cost(&self, call: &PricedCall<'_>, usage: &Usage) -> Option<Breakdown> {
        let (model, row) = self.prices(call)?;
        cost::cost(model, row, usage)
    }

    /// Returns the most that a call with these input and output tokens can cost; `None` when a
    /// price is unknown.
    ///
    /// Every input token is priced as the most expensive kind that our clients cause: fresh, or
    /// written to a cache for five minutes. Every row of prices that the request is long enough for
    /// is tried, as are every hour of the day and a price that takes effect within an hour.
    /// A router's call is priced at the dearest host that the table has for its model.
    /// Anthropic's prices get a tenth more, because a workspace can be set to run in the US only.
    /// Costs that only an explicit request causes are not included: priority tiers (our requests to
    /// OpenAI ask for the default tier), caches for an hour, audio, searches.
    pub fn most(&self, call: &PricedCall<'_>, input: u64, output: u64) -> Option<Usd> {
        self.most_of(call, (input, output), CacheLife::Usual)
    }

    /// Returns the same for a request that asks for this life in the cache.
    pub(super) fn most_of(
        &self,
        call: &PricedCall<'_>,
        tokens: (u64, u64),
        life: CacheLife,
    ) -> Option<Usd> {
        let at = |at| {
            let models = match self.overriding(&PricedCall { at, ..*call }) {
                Some((own, _)) => vec![own],
                None => upstreams(&provider_id(call.provider), call.model),
            };
            let most = |model: &ModelPrices| cost::most(model, model.rows_of_day(at), tokens, life);
            models.into_iter().filter_map(most).max()
        };
        let now = at(call.at)?;
        Some(now.max(at(later(call.at, LONGEST_CALL)).unwrap_or(now)))
    }
}

/// Returns the user's own prices.
pub(super) fn overridden(provider: &str, model: &str, row: PriceRow) -> ModelPrices {
    ModelPrices {
        provider: Cow::Owned(provider_id(provider)),
        model: Cow::Owned(model.trim().to_lowercase()),
        names: Vec::new(),
        context_window: None,
        max_output: None,
        features: None,
        rows: vec![row],
        source: Source::Override,
    }
}

#[cfg(test)]
mod tests {
    use super::{PriceBook, PricedCall};
    use crate::config::ProviderConfig;
    use crate::pricing::TokenPrice;

    fn input(book: &PriceBook, provider: &str, model: &str) -> Option<u64> {
        let at = "2026-11-23T12:00:00Z".parse().unwrap();
        let (_, row) = book.prices(&PricedCall { provider, model, at })?;
        row.card.rates.input.map(TokenPrice::pico)
    }

    #[test]
    fn a_model_is_found_under_all_its_names() {
        let book = PriceBook::bundled();
        for (provider, model, pico) in [
            ("anthropic", "claude-sonnet-4-5-20250929", Some(3_000_000)),
            ("claude", "Claude-Sonnet-4.5", Some(3_000_000)),
            ("openai", "gpt-5-2025-08-07", Some(1_250_000)),
            ("openai", "gpt-5-mini", Some(250_000)),
            ("openai", "gpt-5-unheard-of", None),
            ("gemini", "models/gemini-2.5-flash", Some(300_000)),
            ("openrouter", "anthropic/claude-haiku-4.5", Some(1_000_000)),
            ("openrouter", "openai/gpt-4o-mini", Some(150_000)),
            ("openrouter", "vendor/model:free", Some(0)),
            ("openrouter", "vendor/model", None),
            ("ollama", "anything:7b", Some(0)),
            ("unknown", "gpt-5", None),
        ] {
            assert_eq!(input(&book, provider, model), pico, "{provider} {model}");
        }
    }

    #[test]
    fn an_estimate_covers_a_price_that_is_about_to_rise() {
        let text = r#"
            [[price]]
            provider = "p"
            model = "m"
            cost_per_token = 1e-6
            valid_until = "2026-12-01"
            [[price]]
            provider = "p"
            model = "m"
            cost_per_token = 2e-6
            valid_from = "2026-12-01"
        "#;
        let book = PriceBook::bundled().with_overrides(text, "prices.toml").unwrap();
        let most = |at: &str| {
            let call = PricedCall { provider: "p", model: "m", at: at.parse().unwrap() };
            book.most(&call, 1000, 500).unwrap().to_string()
        };
        assert_eq!(most("2026-11-30T22:59:59Z"), "$0.0015");
        assert_eq!(most("2026-11-30T23:00:00Z"), "$0.003");
    }

    #[test]
    fn prices_of_the_configuration_take_precedence_over_the_table() {
        let mut entry = ProviderConfig::new("mine", "openai");
        entry.model = Some("gpt-5".to_owned());
        entry.cost_per_token = Some(TokenPrice::from_pico(7));
        let book = PriceBook::bundled().with_entry("openai", &entry);
        assert_eq!(input(&book, "openai", "gpt-5-2025-08-07"), Some(7));
        assert_eq!(input(&book, "openai", "gpt-5-mini"), Some(250_000));
        entry.model = None;
        let book = PriceBook::bundled().with_entry("my-server", &entry);
        assert_eq!(input(&book, "my-server", "whatever"), Some(7));
    }
}
