//! The traits for writing tools, and the object-safe trait that the registry calls.

mod erased;
mod recoverable;
mod typed;

pub use crate::check::invalid_argument;
pub use erased::Tool;
pub use recoverable::{Recoverable, RecoverableTool};
pub use typed::{Typed, TypedTool};
