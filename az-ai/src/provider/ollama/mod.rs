//! Ollama's own API, which says and lets us say more than its imitation of OpenAI's.

mod decode;
mod encode;
mod error;
mod stream;
mod usage;
mod wire;

pub use usage::usage;
pub use wire::Ollama;
