//! Contracts of this crate, for data of embedders.

mod document;
mod memory;
mod sql;

pub use document::{Document, DocumentRepository};
pub use memory::MemoryDocuments;
pub use sql::{Record, SqlRepository};
