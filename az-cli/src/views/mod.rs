//! What listings, JSON, CSV and later the HTTP API show: public structs with serde, made from the
//! core's types by pure functions. How they are laid out for a terminal is in [`output`](crate::output).
//!
//! Money always names its unit: a field `…_nanos` holds whole nano-dollars, and `…_usd` beside it
//! the same amount as a decimal string.

mod store;

pub use store::StoreStatusView;
