//! Where settings come from: the environment and a file.

mod env;
mod file;

pub use env::Env;
pub use file::{CostSection, FileConfig, FoundConfig, LlmSection, ShellSection, StoreSection};
