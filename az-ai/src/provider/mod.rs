//! Clients of providers' APIs.

pub mod anthropic;
mod ask;
pub mod client;
pub mod connect;
mod finish;
pub mod gemini;
#[cfg(test)]
mod hint_tests;
pub mod http;
#[cfg(test)]
mod image_tests;
pub(crate) mod json;
pub mod known;
mod limits;
pub mod listing;
pub mod loading;
pub mod network;
pub mod ollama;
pub mod openai;
mod pieces;
mod refused;
pub mod reported;
pub(crate) mod shown;
pub mod sse;
pub(crate) mod stated_window;
#[cfg(test)]
mod stream_tests;
mod thoughts;
mod time_limits;
pub mod tool_names;
#[cfg(test)]
mod trial;
pub mod wire;
#[cfg(test)]
mod wire_kit_tests;

pub use client::{Endpoint, WireClient};
