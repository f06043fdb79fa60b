//! Chat completions.

pub(super) mod decode;
pub(super) mod encode;
pub(super) mod stream;
mod usage;

pub use usage::{cost, usage};
