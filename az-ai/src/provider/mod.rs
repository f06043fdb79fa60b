//! Who answers: clients of providers' APIs, and one that needs none.

pub mod client;
pub mod gemini;
pub mod http;
mod json;
mod limits;
pub mod offline;
pub mod openai;
pub mod sse;
#[cfg(test)]
mod stream_checks;
#[cfg(test)]
mod trial;
pub mod wire;

pub use client::{Endpoint, WireClient};
