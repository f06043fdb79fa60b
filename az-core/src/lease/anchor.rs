//! The contract of stores that keep when the boots of machines began.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{BootTime, Timestamp, earlier, to_micros};
use crate::error::Result;

/// The longest duration of a lease or of a hold between two renewals.
pub const LONGEST_LEASE: Duration = Duration::from_secs(60 * 60);

/// Stores the lease time at which each boot of a machine began, its *anchor*.
///
/// Within a boot, lease time is the anchor plus the boot time. [`LeaseClock`](super::LeaseClock)
/// computes it.
///
/// # Contract
///
/// 1. The first call about a boot decides: it stores `now` less the boot time, so that lease time is
///    `now` at that moment. Later calls about the boot return the same anchor, whatever their times.
///    This holds for concurrent calls from several handles too.
/// 2. The anchors of different boots are independent.
/// 3. If a lease or a hold is stored that expires more than [`LONGEST_LEASE`] after `now`, the clock of
///    its owner was ahead: the anchor is then chosen so that the latest of them expires in
///    [`LONGEST_LEASE`]. A lease from an earlier boot blocks its task no longer than that, even if the
///    wall clock was set back.
/// 4. Anchors survive a restart, if the backend is durable.
#[async_trait]
pub trait LeaseAnchors: fmt::Debug + Send + Sync + 'static {
    /// Returns the lease time at which a boot began. `now` is the wall-clock time.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp>;
}

/// Returns the anchor to store for a boot; `latest` is the latest expiry of a stored lease or hold. For
/// implementers of stores.
pub fn boot_began(boot: &BootTime, now: Timestamp, latest: Option<Timestamp>) -> Timestamp {
    let now = latest.map_or(now, |latest| now.max(earlier(latest, LONGEST_LEASE)));
    to_micros(earlier(now, boot.elapsed))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::boot_began;
    use crate::clock::{BootTime, Timestamp};
    use crate::testing::sample::at;

    #[test]
    fn a_boot_began_when_the_wall_clock_says_unless_stored_expiries_are_hours_ahead() {
        let boot = BootTime { boot: "b".into(), elapsed: Duration::from_secs(600) };
        for (latest, expected) in [
            (None, at(990)),
            (Some(at(500)), at(990)),
            (Some(at(1_060)), at(990)),
            (Some(at(1_061)), at(991)),
            (Some(at(9_000)), at(8_930)),
        ] {
            assert_eq!(boot_began(&boot, at(1_000), latest), expected, "{latest:?}");
        }
        let always = BootTime { elapsed: Duration::MAX, ..boot };
        assert_eq!(boot_began(&always, at(0), None), Timestamp::MIN);
    }
}
