//! OpenAI's API, as OpenAI and everybody who looks alike speak it.

mod chat;
mod dialect;
mod error;
mod wire;

pub use chat::{cost, usage};
pub use dialect::{Dialect, MaxTokensField, ReasoningReplay};
pub use wire::OpenAi;
