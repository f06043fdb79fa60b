//! The clients in front of servers and scripts, and the agent on an engine.

mod conformance;
mod offline;
mod openai_wire;
mod react;
mod recorded;
mod support;
