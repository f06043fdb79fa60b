//! The kit of [`LeaseAnchors`](crate::lease::LeaseAnchors).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::kit::{Checked, Fixture, Violation};
use super::sample::{at, budget, claim_of, hold};
use super::steps::{claimed, enqueue};
use crate::clock::{BootTime, Timestamp, earlier};
use crate::cost::{Hold, Period, Scope, Settlement};
use crate::journal::RunStore;
use crate::lease::LONGEST_LEASE;
use crate::{ensure_eq, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`LeaseAnchors`](crate::lease::LeaseAnchors)'s contract.
    lease_anchors for Fixture<dyn RunStore>, in lease_anchors_conformance;

    a_boot_began_its_boot_time_before_the_first_call;
    later_calls_return_the_first_anchor;
    concurrent_calls_of_several_handles_return_one_anchor needs shared;
    each_boot_has_its_own_anchor;
    a_lease_far_ahead_of_a_new_boot_expires_within_the_longest_duration;
    a_hold_far_ahead_of_a_new_boot_expires_within_the_longest_duration;
    a_lease_of_a_usual_duration_does_not_move_a_new_boot;
    anchors_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Stores<'a> = &'a dyn Fixture<dyn RunStore>;

/// Returns a reading of the boot time, in minutes.
fn boot(name: &str, minutes: u64) -> BootTime {
    BootTime { boot: name.into(), elapsed: Duration::from_secs(minutes * 60) }
}

async fn anchor(store: &dyn RunStore, boot: &BootTime, now: i64) -> Checked<Timestamp> {
    Ok(store.lease_anchor(boot, at(now)).await?)
}

/// Checks `LeaseAnchors` 1.
async fn a_boot_began_its_boot_time_before_the_first_call(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let precise = BootTime { elapsed: Duration::from_micros(1_234_567), ..boot("a", 0) };
    let began = anchor(&*store, &precise, 100).await?;
    ensure_eq!(began, earlier(at(100), precise.elapsed), "the anchor");
    Ok(())
}

/// Checks `LeaseAnchors` 1.
async fn later_calls_return_the_first_anchor(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    anchor(&*store, &boot("a", 10), 100).await?;
    // The wall clock went on, jumped forward, and back; or another process read it late.
    for (elapsed, now) in [(15, 105), (15, 9_000), (16, 3), (10, 101)] {
        let began = anchor(&*store, &boot("a", elapsed), now).await?;
        ensure_eq!(began, at(90), "the anchor at minute {now}");
    }
    Ok(())
}

/// Checks `LeaseAnchors` 1.
async fn concurrent_calls_of_several_handles_return_one_anchor(fixture: Stores<'_>) -> Checked {
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(fixture.open().await);
    }
    let calls = (0..).zip(handles).map(|(n, store)| {
        tokio::spawn(async move { store.lease_anchor(&boot("a", 0), at(n)).await })
    });
    let mut found = Vec::new();
    for began in join_all(calls).await {
        let began = began.map_err(|gone| Violation::Broken(gone.to_string()))?;
        found.push(began?);
    }
    found.dedup();
    ensure_eq!(found.len(), 1, "the number of anchors of one boot ({found:?})");
    Ok(())
}

/// Checks `LeaseAnchors` 2.
async fn each_boot_has_its_own_anchor(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let calls = [("a", 0, 100), ("b", 5, 50), ("a", 1, 7_000), ("b", 9, 7_000)];
    let mut found = Vec::new();
    for (name, elapsed, now) in calls {
        found.push(anchor(&*store, &boot(name, elapsed), now).await?);
    }
    ensure_eq!(found, [at(100), at(45), at(100), at(45)], "the anchors of two boots");
    Ok(())
}

/// Returns the minute that is the longest duration before another.
fn before(minute: i64) -> Timestamp {
    earlier(at(minute), LONGEST_LEASE)
}

/// Checks `LeaseAnchors` 3.
async fn a_lease_far_ahead_of_a_new_boot_expires_within_the_longest_duration(
    fixture: Stores<'_>,
) -> Checked {
    let store = fixture.open().await;
    for (id, until) in [("a", 9_000), ("b", 8_000)] {
        enqueue(&*store, id, 0).await?;
        claimed(&*store, &claim_of(id, "w", 1, until)).await?;
    }
    let began = anchor(&*store, &boot("new", 0), 10).await?;
    ensure_eq!(began, before(9_000), "the anchor of a boot whose wall clock was set back");
    Ok(())
}

/// Checks `LeaseAnchors` 3.
async fn a_hold_far_ahead_of_a_new_boot_expires_within_the_longest_duration(
    fixture: Stores<'_>,
) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&budget(Scope::Global, Period::Total, 100), at(0)).await?;
    let far = Hold { until: at(9_000), ..hold("t", "m0", 1, 1) };
    store.hold(&far).await?;
    let began = anchor(&*store, &boot("new", 0), 10).await?;
    ensure_eq!(began, before(9_000), "the anchor of a boot whose wall clock was set back");
    store.settle(&far.payer, &far.call, &Settlement::Nothing).await?;
    let began = anchor(&*store, &boot("newer", 0), 10).await?;
    ensure_eq!(began, at(10), "the anchor of a boot after the hold was settled");
    Ok(())
}

/// Checks `LeaseAnchors` 3.
async fn a_lease_of_a_usual_duration_does_not_move_a_new_boot(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    enqueue(&*store, "t", 0).await?;
    claimed(&*store, &claim_of("t", "w", 1, 40)).await?;
    let began = anchor(&*store, &boot("new", 0), 10).await?;
    ensure_eq!(began, at(10), "the anchor beside a lease that expires in half an hour");
    Ok(())
}

/// Checks `LeaseAnchors` 4.
async fn anchors_survive_a_restart(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let began = anchor(&*store, &boot("a", 10), 100).await?;
    drop(store);
    let store: Arc<dyn RunStore> = fixture.open().await;
    ensure_eq!(anchor(&*store, &boot("a", 20), 5_000).await?, began, "the anchor after a restart");
    Ok(())
}
