//! The reference implementation of the storage contracts, in memory.

mod admin;
mod config;
mod hint;
mod journal;
mod lease;
mod ledger;
mod log;
mod queue;
mod spending;
mod state;
mod store;
mod stores;
mod task;

pub use store::MemoryStore;
pub use stores::MemoryStores;
