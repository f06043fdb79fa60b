//! The conformance kits of [`LlmClient`](crate::client::LlmClient) and
//! [`RoutingEngine`](crate::routing::RoutingEngine), for implementations and for their decorators.
//!
//! A fixture creates clients whose provider behaves in a given way, with the expected results.
//! Behaviours that a client does not have, such as a rate limit in an offline client, are left out,
//! and the scenarios that need them are reported as skipped.

mod dropped_call;
pub mod llm_client;
pub mod routing_actor;
pub mod routing_engine;

pub use llm_client::llm_client;
pub use routing_engine::routing_engine;
