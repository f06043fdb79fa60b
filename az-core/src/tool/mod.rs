//! Tools that agents and models call.

mod access;
mod background;
mod children;
mod definition;
mod invocation;
mod name;
mod output;
mod progress;
mod question;
mod results;
mod search;
mod seen;
mod spec;
mod todo;
mod toolbox;

pub use access::{Access, AccessCheck};
pub use background::BackgroundProcess;
pub(crate) use children::told_ends;
pub use children::{
    ChildReport, ChildTasks, SpawnRequest, SpawnTasks, TASK_SPAWN, TASK_WAIT, is_model_of_a_file,
};
pub use definition::ToolDefinition;
pub use invocation::{Invocation, PreparedCall};
pub use name::meant_name;
pub use output::{Probed, ToolOutput};
pub use progress::{Progress, ProgressReceiver, ProgressSender, progress_channel};
pub use question::Question;
pub use results::{OUTPUT_READ, ReadResults, RecordedResults};
pub use search::{
    SENT_AT_ONCE, TOOL_CALL, TOOL_SEARCH, are_many, finds_tools, search_tools, sent_tools,
};
pub use seen::{SeenFile, SeenFiles};
pub use spec::{EffectClass, ToolScope, ToolSpec};
pub use todo::{TODO_SET, TodoItem, TodoList, TodoStatus};
pub use toolbox::{NoTools, Toolbox};
