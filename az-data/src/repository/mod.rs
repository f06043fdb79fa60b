//! Contracts of this crate: what an embedder may keep beside what `az` keeps.

mod sql;

pub use sql::{Record, SqlRepository};
