//! What is said to a model and what it says, in no provider's shape.

mod message;
mod place;
mod reply;
mod request;
mod stream;

pub use message::{Image, Message, ToolMessage};
pub use reply::{ChatReply, RateLimits};
pub use request::{
    ChatRequest, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, Effort, ReplyFormat, ToolChoice,
    ToolDefinition,
};
pub use stream::{Assembler, ChatEvent, ChatStream, Ending, collect, replay};
