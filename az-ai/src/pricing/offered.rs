//! Finds models and their makers in the price table by name alone.

use az_core::Timestamp;

use super::book::{PriceBook, PricedCall};
use super::model::ModelPrices;

/// The providers that make models, which take precedence over those that resell them.
const MAKERS: [&str; 6] = ["anthropic", "openai", "google", "deepseek", "mistral", "xai"];

impl PriceBook {
    /// Whether any provider has a model of this name.
    pub fn has_model(&self, model: &str) -> bool {
        self.models().any(|known| is_called(known, model))
    }

    /// Returns the maker of a model, if its price is known.
    pub fn maker_of(&self, model: &str, at: Timestamp) -> Option<&'static str> {
        let makes = |provider: &&str| {
            let prices = self.prices(&PricedCall { provider, model, at });
            prices.is_some_and(|(known, _)| is_called(known, model))
        };
        MAKERS.into_iter().find(makes)
    }
}

fn is_called(known: &ModelPrices, model: &str) -> bool {
    let model = model.to_lowercase();
    known.model == model || known.names.iter().any(|name| *name == model)
}
