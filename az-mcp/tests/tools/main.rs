//! Tests of the built-in tools through the public API.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed test is the right outcome")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod append;
mod background;
mod conformance;
mod edits;
mod filesystem;
mod hostile;
mod mutated;
mod paths;
mod process;
mod reads;
mod schemas;
mod search;
mod session;
mod shell;
mod support;
mod todo;
