//! Known secrets, which no tool's output contains and no tool is called with.

mod forms;
mod known;
mod toolbox;

pub use known::KnownSecrets;
pub use toolbox::RedactingToolbox;
