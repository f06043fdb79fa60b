//! The agent that reasons, acts and observes until it has an answer.

mod agent;
mod compaction;
mod decide;
mod engine;
mod loop_guard;
mod options;
mod prompt;
mod prompt_context;
mod step_prompt;
mod text_protocol;
mod tools;
mod transcript;

pub use agent::ReActAgent;
pub use engine::ReActEngine;
pub use options::ReActOptions;
