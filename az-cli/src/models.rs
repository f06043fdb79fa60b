//! Which model answers, and why.

mod choose;
mod local;

pub use choose::{Choice, ModelChooser};
