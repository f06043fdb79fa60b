//! Who answers: clients of providers' APIs, and one that needs none.

pub mod anthropic;
pub mod client;
pub mod http;
mod json;
mod limits;
pub mod offline;
pub mod ollama;
pub mod openai;
pub mod sse;
pub mod wire;

pub use client::{Endpoint, WireClient};

#[cfg(test)]
mod stream_tests;
