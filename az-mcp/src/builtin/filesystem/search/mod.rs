//! `filesystem.search` and `filesystem.glob`, with the crates of ripgrep.
//!
//! Directories are walked by their paths, as ripgrep does. That is not the confinement: each file is
//! opened, and each name that is returned is looked up, from the held directory of the workspace. A
//! directory that is replaced by a link during the walk discloses neither files nor names outside.

mod file;
mod glob;
mod hits;
mod pattern;
mod tool;
mod walk;

pub use glob::{GlobArgs, GlobTool};
pub use tool::{SearchArgs, SearchMode, SearchTool};
