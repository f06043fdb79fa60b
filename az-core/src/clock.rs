//! The current time, passed in so that other code never reads the wall clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

pub use jiff::Timestamp;

use crate::failpoint;

#[cfg_attr(not(target_os = "linux"), path = "clock/no_boot.rs")]
mod boot;

/// Returns the current time.
///
/// # Contract
///
/// 1. The time has at most microsecond precision, so that every store can represent it.
/// 2. The time may stand still or jump, as wall clocks do. Callers use it for timestamps and
///    compare it with stored times, and never measure durations with it.
/// 3. [`boot_time`](Self::boot_time) never jumps: readings with the same `boot` come from one clock,
///    whichever process takes them. It also advances while the machine is suspended. It is `None` if
///    there is no such clock.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns the time since the machine was booted.
    fn boot_time(&self) -> Option<BootTime> {
        None
    }
}

/// A reading of the clock that starts when a machine is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootTime {
    /// The id of this boot of this machine.
    pub boot: Arc<str>,
    /// The time since the boot, including the time in which the machine was suspended.
    pub elapsed: Duration,
}

/// The system's wall clock, for the outermost part of a program.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        to_micros(failpoint::shifted(Timestamp::now()))
    }

    fn boot_time(&self) -> Option<BootTime> {
        boot::time()
    }
}

/// A clock that is moved by hand, for tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock {
    micros: AtomicI64,
    boot: Option<Arc<str>>,
    elapsed_micros: AtomicU64,
}

impl ManualClock {
    /// Creates a clock that shows `now` and has no boot time.
    pub fn at(now: Timestamp) -> Self {
        Self { micros: AtomicI64::new(now.as_microsecond()), ..Self::default() }
    }

    /// Sets the id of the boot; its time starts at 0.
    #[must_use]
    pub fn with_boot(mut self, boot: &str) -> Self {
        self.boot = Some(boot.into());
        self
    }

    /// Moves the clock forward, and its boot time by as much.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.elapsed_micros.fetch_add(micros, Ordering::SeqCst);
        self.jump(by);
    }

    /// Moves only the wall clock forward, as a correction by a time server does.
    pub fn jump(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets only the wall clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        from_micros(self.micros.load(Ordering::SeqCst))
    }

    fn boot_time(&self) -> Option<BootTime> {
        let elapsed = Duration::from_micros(self.elapsed_micros.load(Ordering::SeqCst));
        self.boot.clone().map(|boot| BootTime { boot, elapsed })
    }
}

/// Returns a time that does not jump, to compare with others that the same process read: the boot time,
/// counted from 1970. Without a boot time, it is the wall-clock time.
pub fn steady(clock: &dyn Clock) -> Timestamp {
    clock.boot_time().map_or_else(|| clock.now(), |boot| later(Timestamp::UNIX_EPOCH, boot.elapsed))
}

/// Truncates a time to the microsecond, the precision of stores.
pub fn to_micros(at: Timestamp) -> Timestamp {
    from_micros(at.as_microsecond())
}

/// Returns the time `micros` microseconds after 1970, clamped to the range of times.
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// Returns `at + by`, clamped to the range of times.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Returns `at - by`, clamped to the range of times.
pub fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
