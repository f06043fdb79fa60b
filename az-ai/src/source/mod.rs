//! Texts that people write, and where in them a value is written.

mod document;
mod location;
mod origins;

pub use document::{InvalidDocument, TomlDocument};
pub use location::SourceLocation;
pub use origins::Origins;
