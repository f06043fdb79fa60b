//! What is accepted from a server.

use std::time::Duration;

/// What is accepted from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest message, in bytes.
    pub message_bytes: usize,
    /// How many bytes that are no message a program may write to its standard output.
    pub noise_bytes: usize,
    /// The most pages of a list.
    pub pages: usize,
    /// The most tools, prompts or resources of a list; the others are left out.
    pub items: usize,
    /// The longest description of a tool that a model is shown, in bytes; a longer one is cut.
    pub description_bytes: usize,
    /// The largest schema, in bytes of JSON; a tool with a larger one is left out.
    pub schema_bytes: usize,
    /// The deepest schema, in levels of JSON; a tool with a deeper one is left out.
    pub schema_depth: usize,
    /// The most rounds of questions in one call.
    pub rounds: usize,
    /// How long a start may take.
    pub start: Duration,
    /// How long a server may be silent during a request that has no limit of its own.
    pub silence: Duration,
    /// How long a request may take, whatever progress is reported.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 16 << 20,
            noise_bytes: 1 << 20,
            pages: 64,
            items: 100,
            description_bytes: 2 << 10,
            schema_bytes: 64 << 10,
            schema_depth: 32,
            rounds: 8,
            start: Duration::from_secs(30),
            silence: Duration::from_secs(60),
            total: Duration::from_secs(60 * 60),
        }
    }
}
