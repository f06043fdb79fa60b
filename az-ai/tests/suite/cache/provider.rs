//! What the simulated providers have in common.

use az_ai::provider::wire::WireRequest;
use az_core::cost::Usage;

/// The cache of a provider.
pub(super) trait Cache: Send {
    /// Reads a request at a time in seconds; returns how its input is billed.
    ///
    /// # Panics
    ///
    /// If the provider would refuse the request.
    fn read(&mut self, request: &WireRequest, now: u64) -> Usage;
}

/// The prices of input, in thousandths of the price of input that is not cached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    pub(super) read: u64,
    pub(super) write: u64,
    pub(super) write_for_an_hour: u64,
}

impl Prices {
    /// Anthropic's, and OpenAI's since GPT-5.6.
    pub(super) const WRITES: Self = Self { read: 100, write: 1_250, write_for_an_hour: 2_000 };
    /// Providers that write for nothing: what is written costs what input does.
    pub(super) const FREE_WRITES: Self = Self { read: 100, write: 1_000, write_for_an_hour: 1_000 };

    pub(super) fn cost(self, usage: &Usage) -> u64 {
        usage.input * 1_000
            + usage.cache_read * self.read
            + usage.cache_write_5m * self.write
            + usage.cache_write_1h * self.write_for_an_hour
    }
}
