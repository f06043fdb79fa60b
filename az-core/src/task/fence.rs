//! The age of a lease, and the refusal of effects under a lease that may have expired.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::queue::Lease;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// Refuses effects once the lease of their task may have expired.
///
/// The age of a lease counts from the moment at which its last confirmed heartbeat was sent. It is
/// the larger of two measurements, monotonic time and boot time, so that neither a stopped process
/// nor a suspended machine nor a changed wall clock makes it too small. An effect is refused from
/// nine tenths of the lease's duration on.
///
/// A clone shares the state. The default belongs to no lease and refuses nothing.
#[derive(Clone, Default)]
pub struct LeaseFence(Option<Arc<Inner>>);

struct Inner {
    task: TaskId,
    limit: Duration,
    clock: Arc<dyn Clock>,
    confirmed: Mutex<Moment>,
    effects: AtomicUsize,
}

/// A moment, by all clocks that measure durations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    monotonic: Instant,
    boot: Option<Duration>,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: Instant::now(), boot: clock.boot_time().map(|time| time.elapsed) }
    }

    fn is_after(&self, other: &Self) -> bool {
        (self.monotonic, self.boot) > (other.monotonic, other.boot)
    }

    /// Returns the time since `earlier`: the longest that a clock measures.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let monotonic = self.monotonic.saturating_duration_since(earlier.monotonic);
        let boot = self.boot.zip(earlier.boot).map(|(now, then)| now.saturating_sub(then));
        boot.unwrap_or_default().max(monotonic)
    }
}

impl fmt::Debug for LeaseFence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.0.as_ref().map(|inner| &inner.task);
        f.debug_struct("LeaseFence").field("task", &task).finish_non_exhaustive()
    }
}

impl LeaseFence {
    /// Creates the fence of a lease that lasts for `duration` from `sent` on, the moment at which it
    /// was requested.
    pub(crate) fn new(
        lease: &Lease,
        duration: Duration,
        clock: Arc<dyn Clock>,
        sent: Moment,
    ) -> Self {
        Self(Some(Arc::new(Inner {
            task: lease.task.clone(),
            limit: duration * 9 / 10,
            clock,
            confirmed: Mutex::new(sent),
            effects: AtomicUsize::new(0),
        })))
    }

    /// Checks that the lease has not expired. A tool calls this right before its effect, after
    /// everything that takes time.
    ///
    /// # Errors
    ///
    /// `LeaseLost` if the lease may have expired: another worker may have the task.
    pub fn check(&self) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let confirmed = *inner.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        if Moment::now(&*inner.clock).since(&confirmed) < inner.limit {
            return Ok(());
        }
        Err(Error::LeaseLost { task: inner.task.clone(), owner: None })
    }

    /// Notes that the lease was confirmed by a heartbeat that was sent at `sent`.
    pub(crate) fn confirm(&self, sent: Moment) {
        let Some(inner) = &self.0 else { return };
        let mut confirmed = inner.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        // Heartbeats may be answered out of order.
        if sent.is_after(&confirmed) {
            *confirmed = sent;
        }
    }

    /// Counts a tool call as running until the guard is dropped.
    pub(crate) fn begin_effect(&self) -> EffectGuard<'_> {
        if let Some(inner) = &self.0 {
            inner.effects.fetch_add(1, Ordering::SeqCst);
        }
        EffectGuard(self)
    }

    /// Returns `true` while a tool call is running.
    pub(crate) fn has_effects(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.effects.load(Ordering::SeqCst) > 0)
    }
}

/// Counts a tool call as running until it is dropped.
pub(crate) struct EffectGuard<'a>(&'a LeaseFence);

impl Drop for EffectGuard<'_> {
    fn drop(&mut self) {
        if let Some(inner) = &self.0.0 {
            inner.effects.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{LeaseFence, Moment};
    use crate::clock::ManualClock;
    use crate::error::Error;
    use crate::task::Lease;
    use crate::testing::sample::{at, task_id, worker};

    const LEASE: Duration = Duration::from_secs(30);

    fn fence(clock: &Arc<ManualClock>) -> LeaseFence {
        let lease = Lease { task: task_id("t"), owner: worker("w"), epoch: 1, until: at(1) };
        LeaseFence::new(&lease, LEASE, Arc::clone(clock) as _, Moment::now(&**clock))
    }

    #[tokio::test(start_paused = true)]
    async fn an_effect_is_refused_from_nine_tenths_of_the_lease_on_by_either_clock() {
        let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
        let by_monotonic_time = fence(&clock);
        tokio::time::advance(Duration::from_millis(26_999)).await;
        by_monotonic_time.check().unwrap();
        tokio::time::advance(Duration::from_millis(1)).await;
        let refused = by_monotonic_time.check().unwrap_err();
        assert!(
            matches!(&refused, Error::LeaseLost { task, .. } if *task == task_id("t")),
            "{refused}"
        );

        let by_boot_time = fence(&clock);
        clock.advance(Duration::from_millis(26_999));
        by_boot_time.check().unwrap();
        clock.advance(Duration::from_millis(1));
        by_boot_time.check().unwrap_err();
        by_boot_time.confirm(Moment::now(&*clock));
        by_boot_time.check().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_wall_clock_does_not_age_a_lease() {
        let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
        let fence = fence(&clock);
        clock.jump(Duration::from_secs(3600));
        fence.check().unwrap();
    }
}
