//! How a tool is written, and how a registry sees it.

mod erased;
mod recoverable;
mod typed;

pub use erased::Tool;
pub use recoverable::{Recoverable, RecoverableTool};
pub use typed::{Typed, TypedTool};
