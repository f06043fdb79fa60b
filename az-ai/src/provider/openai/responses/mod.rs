//! OpenAI's Responses API.
//!
//! It is used without state on the server: nothing is stored there, and reasoning arrives encrypted
//! and is sent back with the next request.

pub(super) mod decode;
pub(super) mod encode;
mod item;
pub(super) mod stream;
mod turn;
