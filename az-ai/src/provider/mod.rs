//! Who answers: clients of providers' APIs, and one that needs none.

pub mod anthropic;
pub mod client;
pub mod connect;
pub mod gemini;
pub mod http;
mod json;
pub mod known;
mod limits;
pub mod offline;
pub mod ollama;
pub mod openai;
mod refused;
pub mod sse;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod trial;
pub mod wire;

pub use client::{Endpoint, WireClient};
