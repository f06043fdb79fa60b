//! Who answers: clients of providers' APIs, and one that needs none.

pub mod client;
pub mod http;
mod limits;
pub mod offline;
pub mod openai;
mod refused;
pub mod sse;
pub mod wire;

pub use client::{Endpoint, WireClient};
