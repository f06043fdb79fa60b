//! The SQLite store: the contracts of az-core, and the properties of a file on a disk.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test is the right outcome"
)]

mod child;
mod support;

mod conformance;
mod damaged;
mod files;
mod full;
mod journal;
mod log_pages;
mod money;
mod namespaces;
mod parked;
mod race;
mod sql;
mod sql_saboteurs;
mod upgrade;
mod waiting;
mod writing;
