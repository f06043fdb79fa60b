//! Responses, OpenAI's younger interface.
//!
//! It is used without a memory on the other side: nothing is stored there, and what a model thought
//! comes encrypted and goes back with the next request.

pub(super) mod decode;
pub(super) mod encode;
mod item;
pub(super) mod stream;
mod turn;
