//! Anthropic's Messages API.

#[cfg_attr(
    not(test),
    expect(clippy::allow_attributes, reason = "it cannot be expected of a module"),
    allow(dead_code, reason = "snapshots of usage are the decoder's")
)]
mod usage;

pub use usage::usage;
