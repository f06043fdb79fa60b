//! An agent that runs the ReAct loop: reason, act, observe, until there is an answer.

mod agent;
mod arguments;
mod compaction;
mod context_cut;
mod cut;
mod decide;
mod engine;
mod full_context;
mod loop_guard;
mod measure;
mod options;
mod prompt;
mod prompt_context;
mod prompt_record;
mod request_digests;
mod result_limits;
mod step_prompt;
mod text_arguments;
mod text_protocol;
mod todo_list;
mod tools;
mod transcript;
mod written_calls;

pub use agent::ReActAgent;
pub use engine::ReActEngine;
pub use options::{ReActOptions, Sticky};
pub use prompt::changed_goals;
pub use result_limits::ResultLimits;
