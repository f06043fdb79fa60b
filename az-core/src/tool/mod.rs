//! Tools that agents and models call.

mod invocation;
mod output;
mod progress;
mod spec;
mod toolbox;

pub use invocation::{Invocation, PreparedCall};
pub use output::{Probed, ToolOutput};
pub use progress::{Progress, ProgressReceiver, ProgressSender, progress_channel};
pub use spec::{EffectClass, ToolScope, ToolSpec};
pub use toolbox::{NoTools, Toolbox};
