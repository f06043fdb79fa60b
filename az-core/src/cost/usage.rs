//! What a model call used.

use serde::{Deserialize, Serialize};

/// What the provider said a call used. Counts are tokens unless they say otherwise.
///
/// The parts do not overlap: `input` excludes what was read from or written to a cache, and
/// `output` includes `reasoning`, which says how much of it was thought.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Fresh input.
    pub input: u64,
    /// Output, thoughts included.
    pub output: u64,
    /// Input read from a cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input written to a cache for five minutes.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_5m: u64,
    /// Input written to a cache for an hour.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// The part of the output that was thought.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Input that tools which the provider ran put before the model.
    #[serde(skip_serializing_if = "is_zero")]
    pub tool_input: u64,
    /// Audio input.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_input: u64,
    /// Audio output.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_output: u64,
    /// Calls of tools that the provider ran, such as web searches.
    #[serde(skip_serializing_if = "is_zero")]
    pub server_tool_calls: u64,
    /// The service tier that the provider billed, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Where the model ran, where the provider says so and charges by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How fast the model ran, where the provider says so and charges by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// Whether the counts are our estimate because the provider gave none.
    #[serde(skip_serializing_if = "is_false")]
    pub estimated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(b: &bool) -> bool {
    !*b
}

impl Usage {
    /// Returns usage of plain text tokens.
    pub fn tokens(input: u64, output: u64) -> Self {
        Self { input, output, ..Self::default() }
    }

    /// Returns all input tokens, cached or not.
    pub const fn total_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.tool_input)
            .saturating_add(self.audio_input)
    }

    /// Returns all output tokens, spoken or not.
    pub const fn total_output(&self) -> u64 {
        self.output.saturating_add(self.audio_output)
    }

    /// Returns all tokens, in and out.
    pub const fn total(&self) -> u64 {
        self.total_input().saturating_add(self.total_output())
    }
}
