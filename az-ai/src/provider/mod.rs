//! Who answers: a provider's wire, or a stand-in for one.

pub mod http;
pub mod offline;
pub mod openai;
pub mod sse;
