//! The kit of [`Clock`].

use super::kit::{Checked, Fixture, Violation};
use crate::clock::{BootTime, Clock, to_micros};
use crate::{ensure, ensure_eq, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`Clock`]'s contract. Those about the boot time are skipped if the clock has
    /// none. That a wall clock may jump, clause 2, is a duty of callers.
    clock for Fixture<dyn Clock>, in clock_conformance;

    times_have_microsecond_precision;
    readings_of_several_handles_are_of_one_boot needs shared;
    boot_time_does_not_go_back;
}

/// The fixture of a scenario.
type Clocks<'a> = &'a dyn Fixture<dyn Clock>;

/// The number of readings that a scenario compares.
const READINGS: usize = 1_000;

fn boot_time(clock: &dyn Clock) -> Checked<BootTime> {
    clock.boot_time().ok_or(Violation::Unmet("a boot time"))
}

/// Checks `Clock` 1.
async fn times_have_microsecond_precision(fixture: Clocks<'_>) -> Checked {
    let clock = fixture.open().await;
    for _ in 0..READINGS {
        let now = clock.now();
        ensure_eq!(now, to_micros(now), "the time, to the microsecond");
    }
    Ok(())
}

/// Checks `Clock` 3.
async fn readings_of_several_handles_are_of_one_boot(fixture: Clocks<'_>) -> Checked {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let mut last = boot_time(&*one)?;
    for _ in 0..READINGS {
        for clock in [&one, &other] {
            let next = boot_time(&**clock)?;
            ensure_eq!(next.boot, last.boot, "the boot that two handles read");
            let (now, before) = (next.elapsed, last.elapsed);
            ensure!(now >= before, "one handle read {now:?} after the other had read {before:?}");
            last = next;
        }
    }
    Ok(())
}

/// Checks `Clock` 3.
async fn boot_time_does_not_go_back(fixture: Clocks<'_>) -> Checked {
    let clock = fixture.open().await;
    let mut last = boot_time(&*clock)?;
    for _ in 0..READINGS {
        let next = boot_time(&*clock)?;
        let (now, before) = (next.elapsed, last.elapsed);
        ensure!(now >= before, "the boot time went back from {before:?} to {now:?}");
        ensure_eq!(next.boot, last.boot, "the boot that one handle reads");
        last = next;
    }
    Ok(())
}
