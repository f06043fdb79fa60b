//! Models and their prices.

use az_ai::pricing::{Features, Rates};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::token_price;

/// A model in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelSummaryView {
    /// The name by which a task can ask for it.
    pub name: String,
    /// The provider.
    pub provider: String,
    /// The provider's name for the model; empty for a provider whose models have to be named.
    pub model: String,
    /// The price of an input token; absent if it is unknown.
    pub input_pico_per_token: Option<u64>,
    /// The price of a million input tokens.
    pub input_usd_per_million: Option<String>,
    /// The price of an output token.
    pub output_pico_per_token: Option<u64>,
    /// The price of a million output tokens.
    pub output_usd_per_million: Option<String>,
    /// The tokens that a request and its reply may have together.
    pub context_window_tokens: Option<u64>,
    /// Where the key is, or what to do about a missing one.
    pub key: Option<String>,
}

impl ModelSummaryView {
    /// Returns the view of a model with these prices of input and output.
    pub fn new(name: impl Into<String>, (provider, model): (&str, &str), rates: &Rates) -> Self {
        let (input_pico_per_token, input_usd_per_million) = rates.input.map(token_price).unzip();
        let (output_pico_per_token, output_usd_per_million) = rates.output.map(token_price).unzip();
        Self {
            name: name.into(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            input_pico_per_token,
            input_usd_per_million,
            output_pico_per_token,
            output_usd_per_million,
            context_window_tokens: None,
            key: None,
        }
    }
}

/// A model with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelView {
    /// The name that was asked for.
    pub name: String,
    /// The provider.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// Where the key is, or what to do about a missing one; absent if none is needed.
    pub key: Option<String>,
    /// The address of the provider, without secrets.
    pub address: Option<String>,
    /// The tokens that a request and its reply may have together.
    pub context_window_tokens: Option<u64>,
    /// The most tokens that a reply may have.
    pub max_output_tokens: Option<u64>,
    /// What the model supports; absent if it is unknown.
    pub features: Option<Vec<&'static str>>,
    /// Where the prices come from; absent if they are unknown.
    pub prices_from: Option<String>,
    /// The prices of now.
    #[serde(flatten)]
    pub prices: PricesView,
    /// The prices of long requests.
    pub long_requests: Vec<LongRequestView>,
    /// The service tiers that have other prices.
    pub tiers: Vec<String>,
}

/// Returns the names of what a model supports.
pub fn feature_names(features: Features) -> Vec<&'static str> {
    let all = [
        ("tools", features.tools),
        ("vision", features.vision),
        ("reasoning", features.reasoning),
        ("structured output", features.formats),
    ];
    all.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect()
}

/// The prices of requests with more input tokens than a bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LongRequestView {
    /// The bound.
    pub above_input_tokens: u64,
    /// The prices, of all tokens of the request.
    #[serde(flatten)]
    pub prices: PricesView,
}

impl LongRequestView {
    /// Creates the view of the prices above a bound.
    pub fn new(above_input_tokens: u64, rates: &Rates) -> Self {
        Self { above_input_tokens, prices: rates.into() }
    }
}

/// Defines [`PricesView`], with two fields for each kind of token.
macro_rules! prices_view {
    ($($kind:ident, $shown:literal: $pico:ident, $usd:ident;)+) => {
        /// The prices of the kinds of tokens; those that are unknown are left out.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
        #[non_exhaustive]
        pub struct PricesView {
            $(
                #[doc = concat!("The price of a token: ", $shown, ".")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $pico: Option<u64>,
                #[doc = concat!("The price of a million tokens: ", $shown, ".")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $usd: Option<String>,
            )+
        }

        impl From<&Rates> for PricesView {
            fn from(rates: &Rates) -> Self {
                let mut view = Self::default();
                $((view.$pico, view.$usd) = rates.$kind.map(token_price).unzip();)+
                view
            }
        }

        impl PricesView {
            /// Returns the known prices of a million tokens, with the names that tables show.
            pub fn known(&self) -> impl Iterator<Item = (&'static str, &str)> {
                let all = [$(($shown, self.$usd.as_deref())),+];
                all.into_iter().filter_map(|(shown, usd)| Some((shown, usd?)))
            }
        }
    };
}

prices_view! {
    input, "input": input_pico_per_token, input_usd_per_million;
    output, "output": output_pico_per_token, output_usd_per_million;
    cache_read, "cache read": cache_read_pico_per_token, cache_read_usd_per_million;
    cache_write_5m, "cache write":
        cache_write_5m_pico_per_token, cache_write_5m_usd_per_million;
    cache_write_1h, "cache write 1 h":
        cache_write_1h_pico_per_token, cache_write_1h_usd_per_million;
    audio_input, "audio input": audio_input_pico_per_token, audio_input_usd_per_million;
    audio_output, "audio output": audio_output_pico_per_token, audio_output_usd_per_million;
    reasoning, "reasoning": reasoning_pico_per_token, reasoning_usd_per_million;
}
