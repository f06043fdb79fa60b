//! Clause 3: leases.

use super::Runs;
use crate::error::Error;
use crate::journal::RunStore;
use crate::task::Lease;
use crate::testing::kit::Checked;
use crate::testing::sample::{at, claim_of, completed, note, task_id, worker};
use crate::testing::steps::{begin, claimed};
use crate::{ensure_eq, ensure_refused};

async fn ensure_empty(store: &dyn RunStore, task: &str) -> Checked {
    let events = store.read(&task_id(task), 0, 9).await?;
    ensure_eq!(events, [], "a refused event was recorded");
    Ok(())
}

/// Checks `Journal` 3.
pub(super) async fn an_append_needs_the_current_lease(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let old = begin(&*store, "t").await?;
    let new = claimed(&*store, &claim_of("t", "b", 61, 120)).await?.lease;
    ensure_refused!(
        store.append(&old, 0, vec![note("late")], at(61)).await,
        Error::LeaseLost { owner, .. } if owner == Some(worker("b")),
        "a superseded lease was accepted, or the refusal does not name the owner"
    );
    let forged = Lease { owner: worker("c"), ..new.clone() };
    let forged = store.append(&forged, 0, vec![note("forged")], at(61)).await;
    ensure_refused!(forged, Error::LeaseLost { .. }, "a forged lease was accepted");
    ensure_empty(&*store, "t").await?;
    store.append(&new, 0, vec![note("on time")], at(62)).await?;
    Ok(())
}

/// Checks `Journal` 3.
pub(super) async fn a_released_or_unknown_task_refuses_appends(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let released = begin(&*store, "released").await?;
    store.release(&released, None, at(1)).await?;
    let ended = begin(&*store, "ended").await?;
    store.finish(&ended, &completed("42"), at(1)).await?;
    let unknown = Lease { task: task_id("unknown"), ..ended.clone() };
    for lease in [released, ended, unknown] {
        let id = &lease.task;
        let late = store.append(&lease, 0, vec![note("late")], at(2)).await;
        ensure_refused!(late, Error::LeaseLost { .. }, "an append to the task {id} was accepted");
        ensure_empty(&*store, id.as_str()).await?;
    }
    Ok(())
}

/// Checks `Journal` 3.
pub(super) async fn an_expired_lease_may_append_until_it_is_superseded(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.append(&lease, 0, vec![note("late")], at(90)).await?;
    Ok(())
}
