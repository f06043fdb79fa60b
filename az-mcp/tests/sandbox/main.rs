//! Tests of the sandboxes with real commands: what they block, and what still works.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed test is the right outcome")]

mod attacks;
mod kit;
mod processes;
mod support;
mod useful;
