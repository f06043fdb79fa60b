//! Tests of the built-in tools through the public API.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed test is the right outcome")]

mod append;
mod background;
mod conformance;
mod filesystem;
mod hostile;
mod mutated;
mod paths;
mod process;
mod schemas;
mod shell;
mod support;
