//! OpenAI's API, and compatible servers.

mod cache;
mod chat;
mod dialect;
pub(in crate::provider) mod error;
mod format;
mod model;
mod replay;
mod responses;
mod wire;

pub use chat::{cost, usage};
pub use dialect::{
    CacheKey, CallIds, Dialect, Family, Formats, Interface, MaxTokensField, ReasoningReplay,
};
pub use wire::OpenAi;

pub(in crate::provider) use chat::id_or_place;
pub(in crate::provider) use format::in_words;
pub(in crate::provider) use replay::renamed;
