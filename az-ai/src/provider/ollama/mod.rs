//! Ollama's own API, which has more options than its OpenAI-compatible one.

mod decode;
mod encode;
mod error;
mod stream;
mod usage;
mod wire;

pub use usage::usage;
pub use wire::Ollama;
