//! What models cost.

mod price;

pub use price::TokenPrice;
