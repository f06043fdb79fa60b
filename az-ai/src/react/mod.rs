//! The agent that reasons, acts and observes until it has an answer.

mod afford;
mod agent;
mod ask;
mod compaction;
mod decide;
mod engine;
mod loop_guard;
mod options;
mod patience;
mod prompt;
mod round;
mod scene;
mod text_protocol;
mod tools;
mod transcript;

pub use agent::ReActAgent;
pub use engine::ReActEngine;
pub use options::ReActOptions;
