//! Google's Gemini API.

mod usage;

pub use usage::usage;
