//! What a request says about its use of the provider's cache.

use serde::{Deserialize, Serialize};

/// What a request says about its use of the provider's cache.
///
/// Providers cache requests by prefix, in different ways. Each wire sends what its provider understands,
/// and leaves out the rest; no reply depends on the hints.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CacheHints {
    /// A key that all requests of a conversation share, so that the provider sends them to the server
    /// that has the conversation in its cache.
    pub key: Option<String>,
    /// The ends of prefixes that later requests are likely to begin with, as numbers of messages, in
    /// ascending order.
    pub boundaries: Vec<usize>,
    /// Whether the next request is likely to follow after a pause of several minutes.
    pub expects_pause: bool,
}

impl CacheHints {
    /// Creates hints with the key of a conversation.
    pub fn of(key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }

    /// Sets the boundaries.
    #[must_use]
    pub fn with_boundaries(mut self, mut boundaries: Vec<usize>) -> Self {
        boundaries.sort_unstable();
        boundaries.dedup();
        self.boundaries = boundaries;
        self
    }

    /// Sets whether a pause is expected.
    #[must_use]
    pub const fn expecting_pause(mut self, expects_pause: bool) -> Self {
        self.expects_pause = expects_pause;
        self
    }

    /// Returns whether there are no hints.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
