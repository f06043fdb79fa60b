//! Child tasks: `task.spawn` and `task.wait`.

pub(crate) mod spawn;
mod wait;

pub use spawn::{SpawnArgs, SpawnTool};
pub use wait::{WaitArgs, WaitTool};
