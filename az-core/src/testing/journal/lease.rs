//! Clause 3: who may append.

use super::Runs;
use crate::error::Error;
use crate::journal::RunStore;
use crate::task::Lease;
use crate::testing::kit::Checked;
use crate::testing::play::{begin, claimed};
use crate::testing::sample::{at, claim_of, completed, note, task_id, worker};
use crate::{ensure_eq, ensure_refused};

async fn ensure_empty(store: &dyn RunStore, task: &str) -> Checked {
    let events = store.read(&task_id(task), 0, 9).await?;
    ensure_eq!(events, [], "an event that was refused is on record");
    Ok(())
}

pub(super) async fn an_append_needs_the_current_lease(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let old = begin(&*store, "t").await?;
    let new = claimed(&*store, &claim_of("t", "b", 61, 120)).await?.lease;
    ensure_refused!(
        store.append(&old, 0, vec![note("late")], at(61)).await,
        Error::LeaseLost { owner, .. } if owner == Some(worker("b")),
        "a superseded owner wrote, or was not told whose the task is"
    );
    let forged = Lease { owner: worker("c"), ..new.clone() };
    let forged = store.append(&forged, 0, vec![note("forged")], at(61)).await;
    ensure_refused!(forged, Error::LeaseLost { .. }, "one who never claimed wrote");
    ensure_empty(&*store, "t").await?;
    store.append(&new, 0, vec![note("on time")], at(62)).await?;
    Ok(())
}

pub(super) async fn a_released_or_unknown_task_takes_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let released = begin(&*store, "released").await?;
    store.release(&released, None, at(1)).await?;
    let ended = begin(&*store, "ended").await?;
    store.finish(&ended, &completed("42"), at(1)).await?;
    let unknown = Lease { task: task_id("unknown"), ..ended.clone() };
    for lease in [released, ended, unknown] {
        let id = &lease.task;
        let late = store.append(&lease, 0, vec![note("late")], at(2)).await;
        ensure_refused!(late, Error::LeaseLost { .. }, "the task {id} was written to");
        ensure_empty(&*store, id.as_str()).await?;
    }
    Ok(())
}

pub(super) async fn a_late_owner_may_append_while_nobody_else_has_claimed(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.append(&lease, 0, vec![note("late")], at(90)).await?;
    Ok(())
}
