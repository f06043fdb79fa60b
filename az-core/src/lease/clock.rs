//! The clock of leases.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::anchor::LeaseAnchors;
use crate::clock::{BootTime, Clock, Timestamp, later};
use crate::error::Result;

/// A clock that shows lease time, the time in which the leases and holds of one store expire.
///
/// Lease time is the wall-clock time at which the store was first used since the machine was booted,
/// plus the time since then by [`Clock::boot_time`]. All processes in one boot of a machine have the
/// same lease time. It does not change when the wall clock is set, and it continues while the machine
/// is suspended.
///
/// Another machine, or another boot, has its own anchor. Its lease time differs by as much as the wall
/// clocks differed when each was anchored. Without a boot time, lease time is the wall-clock time.
///
/// A clone shares the anchor.
#[derive(Debug, Clone)]
pub struct LeaseClock {
    clock: Arc<dyn Clock>,
    store: Arc<dyn LeaseAnchors>,
    anchor: Arc<OnceCell<Timestamp>>,
}

impl LeaseClock {
    /// Creates the clock for a store. The store is not used before the first reading.
    pub fn new(store: Arc<dyn LeaseAnchors>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, store, anchor: Arc::default() }
    }

    /// Returns the current lease time.
    ///
    /// # Errors
    ///
    /// The store's, until the anchor was read once.
    pub async fn now(&self) -> Result<Timestamp> {
        let Some(boot) = self.clock.boot_time() else { return Ok(self.clock.now()) };
        let began = self.anchor.get_or_try_init(|| self.anchor(&boot)).await?;
        Ok(later(*began, boot.elapsed))
    }

    async fn anchor(&self, boot: &BootTime) -> Result<Timestamp> {
        self.store.lease_anchor(boot, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::LeaseClock;
    use crate::clock::ManualClock;
    use crate::memory::MemoryStore;
    use crate::testing::sample::at;

    const MINUTE: Duration = Duration::from_secs(60);

    fn clock(store: &MemoryStore, clock: &Arc<ManualClock>) -> LeaseClock {
        LeaseClock::new(Arc::new(store.clone()), Arc::clone(clock) as _)
    }

    #[tokio::test]
    async fn lease_time_follows_the_boot_time_and_not_the_wall_clock() {
        let store = MemoryStore::new();
        let time = Arc::new(ManualClock::at(at(10)).with_boot("boot"));
        let first = clock(&store, &time);
        assert_eq!(first.now().await.unwrap(), at(10));
        time.advance(MINUTE * 5);
        time.set(at(9_000));
        assert_eq!(first.now().await.unwrap(), at(15));
        time.set(at(0));
        time.advance(MINUTE);
        assert_eq!(first.now().await.unwrap(), at(16));
        // A process that starts after the jump agrees.
        assert_eq!(clock(&store, &time).now().await.unwrap(), at(16));
    }

    #[tokio::test]
    async fn lease_time_without_a_boot_time_is_the_wall_clock_time() {
        let time = Arc::new(ManualClock::at(at(10)));
        let clock = clock(&MemoryStore::new(), &time);
        time.set(at(3));
        assert_eq!(clock.now().await.unwrap(), at(3));
    }
}
