//! Configuration texts, and the locations of their values.

mod document;
mod location;
mod origins;

pub use document::{InvalidDocument, TomlDocument};
pub use location::SourceLocation;
pub use origins::Origins;
