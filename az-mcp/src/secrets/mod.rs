//! Known secrets, which no tool's output contains and no tool is called with.

mod filter;
mod forms;
mod known;
mod toolbox;

pub use filter::SecretFilter;
pub use known::KnownSecrets;
pub use toolbox::RedactingToolbox;
