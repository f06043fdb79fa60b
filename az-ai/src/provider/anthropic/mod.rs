//! Anthropic's Messages API.

mod cache;
mod conversation;
mod decode;
mod dialect;
mod encode;
mod error;
mod stream;
mod turn;
mod usage;
mod wire;

pub use usage::usage;
pub use wire::Anthropic;
