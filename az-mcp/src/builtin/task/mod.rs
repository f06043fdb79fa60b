//! Child tasks: `task.spawn` and `task.wait`.

mod spawn;
mod wait;

#[cfg(feature = "server")]
pub(crate) use spawn::amount;
pub use spawn::{SpawnArgs, SpawnTool};
pub use wait::{WaitArgs, WaitTool};
