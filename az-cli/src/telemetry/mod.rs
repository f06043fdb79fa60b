//! What the program says about itself: warnings on standard error, and records in the log of the store.
//!
//! A [`Telemetry`] collects the events of `tracing` in a queue. A command that opens the store for writing
//! writes them into its log; a command that only reads writes nothing.

mod layer;
mod panics;
mod queue;
mod sink;
mod subscriber;
mod writer;

pub use panics::hide_handled_panics;
pub use sink::LogSink;
pub use subscriber::Telemetry;
