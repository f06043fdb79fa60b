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
mod endings;
mod homes;
mod kit;
mod processes;
mod races;
mod support;
mod useful;
