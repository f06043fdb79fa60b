//! Clause 4: updates.

use super::Tasks;
use crate::error::Error;
use crate::task::{Task, TaskPriority, TaskStatus};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, odd_time, task, task_id, waiting};
use crate::{ensure_eq, ensure_refused};

/// Checks `TaskRepository` 4.
pub(super) async fn an_update_replaces_the_stored_task(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let created = tasks.create(&task("t", 0)).await?;
    let mut changed = Task {
        priority: TaskPriority::High,
        model: Some("m".to_owned()),
        status: TaskStatus::Pending,
        estimated_tokens: 7,
        ..created
    };
    changed.options.max_steps = Some(3);
    let stored = tasks.update(&changed, odd_time(1)).await?;
    changed.updated_at = odd_time(1);
    ensure_eq!(stored, changed, "the updated task");
    let found = tasks.get(&task_id("t")).await?;
    ensure_eq!(found, Some(changed), "the task after the update");
    tasks.update(&stored, at(5)).await?;
    Ok(())
}

/// Checks `TaskRepository` 4.
pub(super) async fn an_update_from_an_old_copy_is_refused(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let copy = tasks.create(&task("t", 0)).await?;
    let mine = Task { priority: TaskPriority::High, ..copy.clone() };
    let theirs = Task { priority: TaskPriority::Low, ..copy };
    let stored = tasks.update(&mine, at(1)).await?;
    let late = tasks.update(&theirs, at(2)).await;
    ensure_refused!(late, Error::Conflict { .. }, "an update with an old copy was accepted");
    let found = tasks.get(&task_id("t")).await?;
    ensure_eq!(found, Some(stored), "the task after a refused update");
    Ok(())
}

/// Checks `TaskRepository` 4.
pub(super) async fn the_status_changes_only_as_allowed(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    // Another scenario checks the status `Running`.
    let by_hand = || TaskStatus::ALL.iter().filter(|s| **s != TaskStatus::Running);
    for from in by_hand() {
        for to in by_hand().filter(|to| *to != from) {
            let given = Task { status: *from, ..task(&format!("{from}-{to}"), 0) };
            let stored = tasks.create(&given).await?;
            let moved = Task { status: *to, ..stored.clone() };
            let moved = tasks.update(&moved, at(1)).await;
            let found = tasks.get(&given.id).await?.map(|task| task.status);
            if from.allows(*to) {
                moved?;
                ensure_eq!(found, Some(*to), "the status of a {from} task after an update to {to}");
            } else {
                let refused = matches!(moved, Err(Error::Invalid { .. }));
                ensure_eq!(refused, true, "whether an update of a {from} task to {to} was refused");
                ensure_eq!(
                    found,
                    Some(*from),
                    "the status of a {from} task after a refused update to {to}"
                );
            }
        }
    }
    Ok(())
}

/// Checks `TaskRepository` 4.
pub(super) async fn an_update_keeps_what_a_parked_task_waits_for(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let parked =
        Task { status: TaskStatus::Pending, waiting: Some(Box::new(waiting())), ..task("t", 0) };
    let stored = tasks.create(&parked).await?;
    let answered = Task { waiting: None, priority: TaskPriority::High, ..stored };
    let updated = tasks.update(&answered, at(1)).await?;
    ensure_eq!(updated.waiting, Some(Box::new(waiting())), "the wait after an update");
    let cancelled = Task { status: TaskStatus::Cancelled, ..updated };
    let ended = tasks.update(&cancelled, at(2)).await?;
    ensure_eq!(ended.waiting, None, "the wait of a task that an update ended");
    Ok(())
}

/// Checks `TaskRepository` 4.
pub(super) async fn only_the_queue_starts_and_stops_a_task(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for (id, from, to) in [
        ("started", TaskStatus::Pending, TaskStatus::Running),
        ("restarted", TaskStatus::Failed, TaskStatus::Running),
        ("stopped", TaskStatus::Running, TaskStatus::Completed),
        ("given-back", TaskStatus::Running, TaskStatus::Pending),
    ] {
        let given = Task { status: from, ..task(id, 0) };
        let stored = tasks.create(&given).await?;
        let moved = Task { status: to, ..stored.clone() };
        let moved = tasks.update(&moved, at(1)).await;
        ensure_refused!(
            moved,
            Error::Invalid { .. },
            "an update of a {from} task to {to} was accepted"
        );
        let found = tasks.get(&given.id).await?;
        ensure_eq!(found, Some(stored), "the task after a refused update");
    }
    Ok(())
}
