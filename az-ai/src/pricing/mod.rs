//! Prices of models, and the cost of calls.

mod amount;
mod book;
mod client;
mod cost;
mod invalid_prices;
mod model;
mod names;
mod offered;
mod price_file;
mod table;
mod upstreams;
mod usage;

pub use crate::token_price::{InvalidPrice, TokenPrice};
pub use amount::Amount;
pub use book::{PriceBook, PricedCall};
pub use client::PricedClient;
pub use cost::{Breakdown, Part};
pub use invalid_prices::{InvalidPrices, PriceProblem};
pub use model::{Card, Days, Features, Hours, ModelPrices, PriceRow, Rates, Source};
pub use names::provider_id;
pub use price_file::PriceFile;
pub use usage::{Explained, raw_usage};
