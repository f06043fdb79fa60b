//! The retry policy of model calls.

use std::time::Duration;

use crate::error::ErrorKind;

/// The number of attempts of a model call, and the waits between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most attempts, the first included.
    pub attempts: u32,
    /// The wait after the first failure; doubled after each further one.
    pub base: Duration,
    /// The longest wait that the policy chooses.
    pub longest: Duration,
    /// The longest wait that a provider may ask for; a longer one ends the retries.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            patience: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Returns a policy without retries.
    pub const fn never() -> Self {
        Self {
            attempts: 1,
            base: Duration::ZERO,
            longest: Duration::ZERO,
            patience: Duration::ZERO,
        }
    }

    /// Returns the wait after failed attempt number `attempt` (from 1), or `None` if there is no
    /// further attempt.
    ///
    /// Waits that the policy chooses are spread over their upper half by `seed`, so that tasks that
    /// fail together do not retry together.
    pub fn wait(
        &self,
        attempt: u32,
        kind: ErrorKind,
        retry_after: Option<Duration>,
        seed: u64,
    ) -> Option<Duration> {
        if attempt >= self.attempts || !kind.is_retryable() {
            return None;
        }
        let doubled = self.base.saturating_mul(1_u32 << (attempt - 1).min(16)).min(self.longest);
        let own = doubled.mul_f64(0.5 + spread(seed, attempt) / 2.0);
        match retry_after {
            // A provider that asks for no wait gets the policy's own.
            Some(asked) if asked <= self.patience => Some(asked.max(own.min(self.patience))),
            Some(_) => None,
            None => Some(own),
        }
    }
}

/// Returns a pseudo-random number from 0 to 1 that depends only on the arguments.
///
/// The mixing steps are those of `SplitMix64` (Steele, Lea, Flood 2014).
fn spread(seed: u64, attempt: u32) -> f64 {
    let mut z = seed.wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
    f64::from(top) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryPolicy;
    use crate::error::ErrorKind;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        base: Duration::from_millis(500),
        longest: Duration::from_secs(1),
        patience: Duration::from_secs(60),
    };

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_attempts() {
        let waits: Vec<_> =
            (1..=4).map(|attempt| POLICY.wait(attempt, ErrorKind::Unavailable, None, 7)).collect();
        let within = |i: usize, low: u64, high: u64| {
            let wait = waits[i].unwrap();
            assert!(wait >= Duration::from_millis(low) && wait <= Duration::from_millis(high));
        };
        within(0, 250, 500);
        within(1, 500, 1000);
        within(2, 500, 1000);
        assert_eq!(waits[3], None);
    }

    #[test]
    fn a_wait_that_the_provider_asks_for_is_kept_up_to_the_limit() {
        let asked =
            |secs| POLICY.wait(1, ErrorKind::RateLimited, Some(Duration::from_secs(secs)), 7);
        assert_eq!(asked(30), Some(Duration::from_secs(30)));
        assert_eq!(asked(61), None);
        let own = POLICY.wait(1, ErrorKind::RateLimited, None, 7);
        assert_eq!(asked(0), own, "a wait of 0 is not repeated at once");
    }

    #[test]
    fn permanent_failures_are_not_retried() {
        for kind in [ErrorKind::BadRequest, ErrorKind::Unauthorized, ErrorKind::Budget] {
            assert_eq!(POLICY.wait(1, kind, None, 7), None);
        }
    }
}
