//! Saboteurs of the anchors of lease time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::clock::BootTime;
use az_core::lease::LeaseAnchors;
use az_core::memory::MemoryStore;
use az_core::task::TaskQueue;
use az_core::testing::sample::worker;
use az_core::{Result, Timestamp};

super::support::saboteurs! {
    of lease_anchors bending BendRuns;

    /// Breaks `LeaseAnchors` 1.
    ignoring_the_boot_time => [
        a_boot_began_its_boot_time_before_the_first_call, later_calls_return_the_first_anchor,
        each_boot_has_its_own_anchor
    ] {
        async fn lease_anchor(
            &self,
            store: &MemoryStore,
            boot: &BootTime,
            now: Timestamp,
        ) -> Result<Timestamp> {
            let boot = BootTime { elapsed: Duration::ZERO, ..boot.clone() };
            store.lease_anchor(&boot, now).await
        }
    }

    /// Breaks `LeaseAnchors` 1.
    following_the_wall_clock => [
        later_calls_return_the_first_anchor,
        concurrent_calls_of_several_handles_return_one_anchor, each_boot_has_its_own_anchor
    ] {
        async fn lease_anchor(
            &self,
            store: &MemoryStore,
            boot: &BootTime,
            now: Timestamp,
        ) -> Result<Timestamp> {
            let new = BootTime { boot: format!("{}@{now}", boot.boot).into(), ..boot.clone() };
            store.lease_anchor(&new, now).await
        }
    }

    /// Breaks `LeaseAnchors` 2.
    anchoring_the_machine_only_once => [
        each_boot_has_its_own_anchor,
        a_hold_far_ahead_of_a_new_boot_expires_within_the_longest_duration
    ] {
        async fn lease_anchor(
            &self,
            store: &MemoryStore,
            boot: &BootTime,
            now: Timestamp,
        ) -> Result<Timestamp> {
            store.lease_anchor(&BootTime { boot: "any".into(), ..boot.clone() }, now).await
        }
    }

    /// Breaks `LeaseAnchors` 1.
    checking_before_storing remembering Arc<Mutex<BTreeMap<Arc<str>, Timestamp>>> => [
        concurrent_calls_of_several_handles_return_one_anchor
    ] {
        async fn lease_anchor(
            &self,
            store: &MemoryStore,
            boot: &BootTime,
            now: Timestamp,
        ) -> Result<Timestamp> {
            let found = self.0.lock().unwrap().get(&boot.boot).copied();
            if let Some(found) = found {
                return Ok(found);
            }
            tokio::task::yield_now().await;
            let new = BootTime { boot: format!("{}@{now}", boot.boot).into(), ..boot.clone() };
            let began = store.lease_anchor(&new, now).await?;
            self.0.lock().unwrap().insert(Arc::clone(&boot.boot), began);
            Ok(began)
        }
    }

    /// Breaks `LeaseAnchors` 3.
    trusting_a_clock_that_was_set_back remembering MemoryStore => [
        a_lease_far_ahead_of_a_new_boot_expires_within_the_longest_duration,
        a_hold_far_ahead_of_a_new_boot_expires_within_the_longest_duration
    ] {
        async fn lease_anchor(
            &self,
            _store: &MemoryStore,
            boot: &BootTime,
            now: Timestamp,
        ) -> Result<Timestamp> {
            // An empty store knows no expiry.
            self.0.lease_anchor(boot, now).await
        }
    }

    /// Breaks `LeaseAnchors` 3.
    following_every_lease => [
        a_lease_far_ahead_of_a_new_boot_expires_within_the_longest_duration,
        a_lease_of_a_usual_duration_does_not_move_a_new_boot
    ] {
        async fn lease_anchor(
            &self,
            store: &MemoryStore,
            boot: &BootTime,
            now: Timestamp,
        ) -> Result<Timestamp> {
            let leases = store.leases_of_others(&worker("none"), usize::MAX).await?;
            let latest = leases.into_iter().map(|lease| lease.until).max();
            store.lease_anchor(boot, latest.map_or(now, |latest| latest.max(now))).await
        }
    }
}
