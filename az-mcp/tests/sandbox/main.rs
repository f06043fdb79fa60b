//! Tests of the sandboxes with real commands: what they block, and what still works.
#![cfg(target_os = "linux")]
#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a failed test is the right outcome, and skipped tests say so"
)]

mod attacks;
mod document;
mod egress;
mod kit;
mod processes;
mod support;
mod useful;
