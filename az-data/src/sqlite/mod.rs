//! A store in one SQLite file.

mod backup;
mod blob;
mod bucket;
mod budget;
mod command_log;
mod config;
mod connect;
mod cost;
mod damage;
mod guest;
mod hold;
mod holder;
mod identity;
mod inspect;
mod journal;
mod json;
mod lease;
mod ledger;
mod leftover;
mod log;
mod log_page;
mod log_prune;
mod migrate;
mod namespace;
mod noted;
mod options;
mod payer;
#[cfg(test)]
mod plans;
mod projection;
mod queue;
mod reader;
mod row;
mod set_aside;
mod sql;
mod state;
mod store;
mod stores;
mod sums;
mod task;
mod task_row;
mod writer;

pub use migrate::Migration;
pub use options::SqliteOptions;
pub use store::SqliteStore;
pub use stores::SqliteStores;
