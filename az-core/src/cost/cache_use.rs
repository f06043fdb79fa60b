//! What calls read from the caches of providers.

use serde::{Deserialize, Serialize};

use super::charge::Charge;
use crate::money::Usd;

/// What the calls of a task read from the caches of providers, and what that saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheUse {
    /// All input tokens, cached or not.
    pub input_tokens: u64,
    /// The input tokens that were read from caches.
    pub cached_tokens: u64,
    /// What caches saved, as far as it is known: see [`Charge::saved`].
    pub saved: Usd,
    /// The number of calls with cached input of which it is unknown what the cache saved.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown_savings: u64,
    /// Whether calls before a snapshot of an older version are missing, so that the figures say nothing
    /// about the whole task.
    #[serde(skip_serializing_if = "is_false")]
    pub is_partial: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl CacheUse {
    /// Returns the use of caches by calls of which a part is missing, none so far.
    pub(crate) fn partial() -> Self {
        Self { is_partial: true, ..Self::default() }
    }

    /// Adds a call.
    pub fn add(&mut self, charge: &Charge) {
        let (usage, saving) = (&charge.usage, charge.saving());
        self.input_tokens = self.input_tokens.saturating_add(usage.total_input());
        self.cached_tokens = self.cached_tokens.saturating_add(usage.cache_read);
        self.saved = self.saved.plus(saving.unwrap_or_default());
        self.unknown_savings = self.unknown_savings.saturating_add(u64::from(saving.is_none()));
    }
}

#[cfg(test)]
mod tests {
    use super::CacheUse;
    use crate::cost::{Charge, Usage};
    use crate::money::Usd;

    #[test]
    fn cached_input_and_savings_add_up_and_unknown_ones_are_counted() {
        let mut sum = CacheUse::default();
        let cached = Usage { cache_read: 90, cache_write_5m: 4, ..Usage::tokens(6, 50) };
        let saved = |nanos| Some(Usd::from_nanos(nanos));
        for charge in [
            Charge::new(Usage::tokens(10, 5), saved(1)),
            Charge::new(cached.clone(), saved(1)).with_saved(saved(-3)),
            Charge::new(cached.clone(), saved(1)).with_saved(saved(8)),
            Charge::new(cached, None),
        ] {
            sum.add(&charge);
        }
        let expected = CacheUse {
            input_tokens: 310,
            cached_tokens: 270,
            saved: Usd::from_nanos(5),
            unknown_savings: 1,
            is_partial: false,
        };
        assert_eq!(sum, expected);
    }
}
