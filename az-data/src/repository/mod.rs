//! Contracts of this crate, for data of embedders.

mod sql;

pub use sql::{Record, SqlRepository};
