//! What calls read from the caches of providers.

use az_core::Usd;
use az_core::cost::CacheUse;
use schemars::JsonSchema;
use serde::Serialize;

use super::units::money;

/// What the calls of a task read from the caches of providers, and what that saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CacheUseView {
    /// All input tokens.
    pub input_tokens: u64,
    /// The input tokens that were read from caches.
    pub cached_tokens: u64,
    /// What caches saved, as far as it is known; negative if writing to them cost more than reading saved.
    pub saved_nanos: i64,
    /// What caches saved, in dollars.
    pub saved_usd: String,
    /// How many calls with cached input there are of which it is unknown what the cache saved.
    pub unknown_saving_calls: u64,
}

impl CacheUseView {
    /// Returns the view; `None` if some calls are missing.
    pub fn of_all(cache: CacheUse) -> Option<Self> {
        (!cache.is_partial).then(|| cache.into())
    }

    /// Returns what caches saved, as far as it is known.
    pub const fn saved(&self) -> Usd {
        Usd::from_nanos(self.saved_nanos)
    }
}

impl From<CacheUse> for CacheUseView {
    fn from(cache: CacheUse) -> Self {
        let (saved_nanos, saved_usd) = money(cache.saved);
        Self {
            input_tokens: cache.input_tokens,
            cached_tokens: cache.cached_tokens,
            saved_nanos,
            saved_usd,
            unknown_saving_calls: cache.unknown_savings,
        }
    }
}
