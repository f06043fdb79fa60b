//! Google's Gemini API.

mod decode;
mod encode;
mod error;
mod model;
mod stream;
mod turn;
mod usage;
mod wire;

pub use usage::usage;
pub use wire::Gemini;
