//! The `az` binary as its users meet it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a failed test is the right outcome, and tests read their own environment"
)]

mod background;
mod bad_input;
mod budgets;
mod cached;
mod child_tasks;
mod completion;
mod config;
mod continued;
mod crash_sweep;
mod damaged;
mod demo;
mod doctor;
mod documents;
mod durability;
mod effort;
mod fencing;
mod fixtures;
mod fork;
mod goals;
mod greeting;
mod hint;
mod images;
mod input;
mod instructions;
mod interference;
mod keys;
mod killed_tasks;
mod lease_time;
mod log;
mod main_job;
mod man;
mod manners;
mod mcp;
mod mcp_peers;
mod mcp_serve;
mod misbehaving;
mod model_limits;
mod models;
mod output_schema;
mod parked;
mod payers;
mod peers;
mod replaced;
mod routing;
mod rules;
mod sandbox;
mod schemas;
mod secrets;
mod server;
mod setup;
mod storage_trouble;
mod stores;
mod support;
mod terminal;
mod todo;
mod tools;
mod tools_page;
mod trace;
mod two_processes;
mod typed_hints;
mod uncertain;
mod views;
mod watch;
mod widths;
mod wire_trouble;
