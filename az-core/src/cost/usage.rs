//! The usage of a model call.

use serde::{Deserialize, Serialize};

/// The usage that a provider reports for a call. Counts are tokens unless stated otherwise.
///
/// The counts do not overlap: `input` excludes tokens read from or written to a cache; `output`
/// includes `reasoning`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input that is not cached.
    pub input: u64,
    /// Output, reasoning included.
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
    /// The part of the output that is reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Input that tools run by the provider added.
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
    /// The service tier that the provider billed, if it reports one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The region in which the model ran, if the provider reports it and prices by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The speed at which the model ran, if the provider reports it and prices by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// Whether the counts are estimates because the provider reported none.
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
    /// Creates the usage of plain text tokens.
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

    /// Returns the input tokens that were read from a cache or written to one.
    pub const fn cached_input(&self) -> u64 {
        self.cache_read.saturating_add(self.cache_write_5m).saturating_add(self.cache_write_1h)
    }

    /// Returns all output tokens, reasoning included.
    pub const fn total_output(&self) -> u64 {
        self.output.saturating_add(self.audio_output)
    }

    /// Returns all tokens, input and output.
    pub const fn total(&self) -> u64 {
        self.total_input().saturating_add(self.total_output())
    }
}
