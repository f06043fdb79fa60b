//! Options of the dispatcher.

use std::time::Duration;

use az_core::call::RetryPolicy;

/// One more attempt recovers from a connection that broke by chance. Waiting longer than a few
/// seconds takes longer than a call to the next candidate.
const FALLBACK_RETRY: RetryPolicy = RetryPolicy {
    attempts: 2,
    base: Duration::from_millis(500),
    longest: Duration::from_secs(1),
    patience: Duration::from_secs(5),
};

/// How candidates are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchOptions {
    /// The retry policy of candidates that others follow; the last one has the account's policy.
    pub fallback_retry: RetryPolicy,
    /// The longest wait for budget that other calls hold, before the reply is shortened or the call
    /// refused.
    pub budget_wait: Duration,
    /// The longest wait for a server that is loading the model. Candidates that others follow are not
    /// waited for.
    pub loading_wait: Duration,
}

impl Default for DispatchOptions {
    fn default() -> Self {
        Self {
            fallback_retry: FALLBACK_RETRY,
            budget_wait: Duration::from_secs(60),
            loading_wait: Duration::from_secs(120),
        }
    }
}

impl DispatchOptions {
    /// Returns the options with a retry policy for candidates that others follow.
    #[must_use]
    pub const fn with_fallback_retry(mut self, retry: RetryPolicy) -> Self {
        self.fallback_retry = retry;
        self
    }

    /// Returns the options with a longest wait for budget that other calls hold.
    #[must_use]
    pub const fn with_budget_wait(mut self, wait: Duration) -> Self {
        self.budget_wait = wait;
        self
    }

    /// Returns the options with a longest wait for a server that is loading the model.
    #[must_use]
    pub const fn with_loading_wait(mut self, wait: Duration) -> Self {
        self.loading_wait = wait;
        self
    }
}
