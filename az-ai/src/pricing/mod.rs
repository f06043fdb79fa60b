//! What models cost.

mod amount;
mod book;
mod client;
mod cost;
mod model;
mod names;
mod overrides;
mod price;
mod table;
mod usage;

pub use amount::Amount;
pub use book::{Call, PriceBook};
pub use client::PricedClient;
pub use cost::{Breakdown, Part};
pub use model::{Card, Days, Features, Hours, ModelPrices, PriceRow, Rates, Source};
pub use names::provider_id;
pub use overrides::BadPrices;
pub use price::{BadPrice, TokenPrice};
pub use usage::{Explained, raw_usage};
