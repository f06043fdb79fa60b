//! Repetition of writes while the store is busy.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, ErrorKind};

/// The longest time for which a write is repeated.
const LIMIT: Duration = Duration::from_secs(600);
/// The wait before the second attempt; doubled before each further one.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Decides whether a write is attempted again after the store was busy.
#[derive(Debug)]
pub(crate) struct BusyRetry {
    begun: Instant,
    wait: Duration,
}

impl BusyRetry {
    /// Starts to measure the time.
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), wait: FIRST_WAIT }
    }

    /// Waits and returns `true` if the write that failed is to be attempted again: the store is
    /// busy, and not for more than ten minutes.
    #[expect(clippy::disallowed_methods, reason = "the store is locked for real time")]
    pub(crate) async fn wait_after(&mut self, error: &Error) -> bool {
        if error.kind() != ErrorKind::Busy || self.begun.elapsed() >= LIMIT {
            return false;
        }
        if !self.has_waited() {
            let error = error.chain();
            tracing::warn!(error, "the store is busy; the write is attempted again");
        }
        sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        true
    }

    /// Returns for how long the write was repeated; `None` if the first attempt was the last.
    pub(crate) fn waited(&self) -> Option<Duration> {
        self.has_waited().then(|| self.begun.elapsed())
    }

    fn has_waited(&self) -> bool {
        self.wait > FIRST_WAIT
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::BusyRetry;
    use crate::error::Error;

    #[tokio::test(start_paused = true)]
    async fn a_busy_store_is_waited_for_ten_minutes_and_no_other_error_at_all() {
        let busy = Error::Busy { backend: "test", source: "locked".into() };
        let mut retry = BusyRetry::new();
        let begun = Instant::now();
        assert!(!retry.wait_after(&Error::Cancelled).await);
        assert_eq!(retry.waited(), None);
        while retry.wait_after(&busy).await {}
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(600) && waited < Duration::from_secs(602));
        assert_eq!(retry.waited(), Some(waited));
    }
}
