//! Saboteurs of clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::Clock;
use az_core::clock::{BootTime, Timestamp, later};
use az_core::testing::sample::at;
use az_core::testing::{Capabilities, Fixture, clock};

/// The fault of a clock.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Nothing,
    /// Breaks `Clock` 1. Shows nanoseconds.
    Precision,
    /// Breaks `Clock` 3. Every tenth reading of the boot time goes back.
    Order,
    /// Breaks `Clock` 3. Every handle has a boot of its own.
    Boot,
}

#[derive(Debug)]
struct BentClock {
    broken: Broken,
    handle: u64,
    readings: Arc<AtomicU64>,
}

impl Clock for BentClock {
    fn now(&self) -> Timestamp {
        match self.broken {
            Broken::Precision => later(at(0), Duration::from_nanos(1)),
            _ => at(0),
        }
    }

    fn boot_time(&self) -> Option<BootTime> {
        let reading = self.readings.fetch_add(1, Ordering::SeqCst);
        let back = matches!(self.broken, Broken::Order) && reading % 10 == 9;
        let boot = match self.broken {
            Broken::Boot => format!("boot of {}", self.handle),
            _ => "boot".to_owned(),
        };
        let elapsed = Duration::from_micros(if back { 0 } else { reading });
        Some(BootTime { boot: boot.into(), elapsed })
    }
}

#[derive(Debug)]
struct Bent {
    broken: Broken,
    handles: AtomicU64,
    readings: Arc<AtomicU64>,
}

#[async_trait]
impl Fixture<dyn Clock> for Bent {
    async fn open(&self) -> Arc<dyn Clock> {
        let handle = self.handles.fetch_add(1, Ordering::SeqCst);
        let readings = Arc::clone(&self.readings);
        Arc::new(BentClock { broken: self.broken, handle, readings })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE.shared()
    }
}

const PRECISION: &str = "times_have_microsecond_precision";
const SHARED: &str = "readings_of_several_handles_are_of_one_boot";
const ORDER: &str = "boot_time_does_not_go_back";

/// The scenarios that the saboteurs of this module break.
pub(crate) const BROKEN: &[&str] = &[PRECISION, SHARED, ORDER];

#[tokio::test]
async fn every_broken_clause_of_a_clock_is_detected() {
    for (broken, expected) in [
        (Broken::Nothing, &[][..]),
        (Broken::Precision, &[PRECISION]),
        (Broken::Order, &[SHARED, ORDER]),
        (Broken::Boot, &[SHARED]),
    ] {
        let bent = || Bent { broken, handles: AtomicU64::new(0), readings: Arc::default() };
        let report = clock(bent).await;
        assert_eq!(report.failed(), expected, "{broken:?}\n{report}");
    }
}
