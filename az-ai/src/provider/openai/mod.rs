//! OpenAI's chat completions, as OpenAI and everybody who looks alike speak them.

mod client;
mod decode;
mod encode;
mod error;
mod models;
mod stream;

pub use client::{MaxTokensField, OpenAiClient, OpenAiConfig, ReasoningReplay};
