//! The time since boot, on Linux.

use std::fs;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::BootTime;

/// Reads `CLOCK_BOOTTIME`; returns `None` if the id of the boot cannot be read.
pub(super) fn time() -> Option<BootTime> {
    static BOOT: OnceLock<Option<Arc<str>>> = OnceLock::new();
    let boot = BOOT.get_or_init(boot_id).clone()?;
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec).ok()?, u32::try_from(now.tv_nsec).ok()?);
    Some(BootTime { boot, elapsed: Duration::new(seconds, nanos) })
}

/// Returns an id for the boot of this machine and the time namespace of this process, which may
/// shift the clock.
fn boot_id() -> Option<Arc<str>> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    let digits: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    Some(format!("{}:{digits}", boot.trim()).into())
}
