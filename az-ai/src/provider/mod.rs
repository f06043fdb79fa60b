//! Clients of providers' APIs.

pub mod anthropic;
pub mod client;
pub mod connect;
mod finish;
pub mod gemini;
pub mod http;
#[cfg(test)]
mod image_tests;
mod json;
pub mod known;
mod limits;
pub mod ollama;
pub mod openai;
mod pieces;
mod refused;
pub mod reported;
pub mod sse;
#[cfg(test)]
mod stream_tests;
mod time_limits;
pub mod tool_names;
#[cfg(test)]
mod trial;
pub mod wire;
#[cfg(test)]
mod wire_kit_tests;

pub use client::{Endpoint, WireClient};
