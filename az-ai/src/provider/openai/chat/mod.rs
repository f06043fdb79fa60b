//! Chat completions.

pub(super) mod decode;
pub(super) mod encode;
pub(super) mod stream;
mod usage;

pub use usage::{cost, usage};

pub(super) use usage::note;

pub(in crate::provider) use decode::id_or_place;
pub(in crate::provider::openai) use encode::{arguments, picture_url};
