//! Which model answers, and why.

mod local;
mod choose;

pub use choose::{Choice, ModelChooser};
