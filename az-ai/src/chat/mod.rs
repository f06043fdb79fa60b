//! Requests to a model and its replies, independent of the provider.

mod cache_hints;
mod message;
mod position;
mod reply;
mod request;
mod stream;

pub use cache_hints::CacheHints;
pub use message::{Image, Message, ToolMessage};
pub use reply::{ChatReply, RateLimits};
pub use request::{
    ChatRequest, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, Effort, ReplyFormat, ToolChoice,
    ToolDefinition,
};
pub use stream::{Assembler, ChatEvent, ChatStream, Ending, collect, replay};
