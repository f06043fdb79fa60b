//! Clients with simulated servers and scripts, and the agent on an engine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a failed test is the right outcome, and a skipped one has to say so"
)]

mod anthropic_wire;
mod cache;
mod catalog;
mod conformance;
mod dispatch;
mod embed;
mod network;
mod offline;
mod openai_wire;
mod pricing;
mod react;
mod recorded;
mod recording;
mod routing;
mod support;
