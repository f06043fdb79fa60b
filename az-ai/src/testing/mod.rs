//! The conformance kits of [`LlmClient`](crate::client::LlmClient) and
//! [`RoutingEngine`](crate::routing::RoutingEngine), for implementations and for their decorators.
//!
//! A fixture sets scenes: it brings about what the other side does, and says what should come of
//! it. A scene that a client cannot be in, such as a rate limit where there is nobody to limit, is
//! not set, and what needs it is skipped by name.

pub mod llm_client;
pub mod routing_actor;
pub mod routing_engine;

pub use llm_client::llm_client;
pub use routing_engine::routing_engine;
