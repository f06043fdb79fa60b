//! Clause 5: lists.

use super::Tasks;
use crate::ensure_eq;
use crate::task::{Task, TaskFilter, TaskPriority, TaskRepository, TaskStatus};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, spawned, task, task_id, waiting};

async fn ids(tasks: &dyn TaskRepository, filter: &TaskFilter) -> Checked<Vec<String>> {
    let found = tasks.list(filter).await?;
    Ok(found.iter().map(|task| task.id.to_string()).collect())
}

/// Checks `TaskRepository` 5.
pub(super) async fn an_empty_store_lists_nothing(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let found = tasks.list(&TaskFilter::default()).await?;
    ensure_eq!(found, [], "a new store has tasks");
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn a_list_is_newest_first(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for (id, minute) in [("b", 2), ("c", -9), ("a", 3)] {
        tasks.create(&task(id, minute)).await?;
    }
    // The time of creation decides, not that of the last change.
    if let Some(old) = tasks.get(&task_id("c")).await? {
        tasks.update(&old, at(60)).await?;
    }
    let found = ids(&*tasks, &TaskFilter::default()).await?;
    ensure_eq!(found, ["a", "b", "c"], "tasks are in another order");
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn among_equal_ages_the_largest_id_is_listed_first(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for id in ["b", "B", "a0", "a"] {
        tasks.create(&task(id, 1)).await?;
    }
    let found = ids(&*tasks, &TaskFilter::default()).await?;
    ensure_eq!(found, ["b", "a0", "a", "B"], "tasks are in another order");
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn a_list_has_a_hundred_tasks_by_default(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for n in 0..101 {
        tasks.create(&task(&format!("t{n:03}"), n)).await?;
    }
    for (limit, expected) in [(100, 100), (101, 101), (usize::MAX, 101), (1, 1), (0, 0)] {
        let filter = TaskFilter { limit, ..TaskFilter::default() };
        let found = tasks.list(&filter).await?.len();
        ensure_eq!(found, expected, "the number of tasks with a limit of {limit}");
    }
    let found = tasks.list(&TaskFilter::default()).await?.len();
    ensure_eq!(found, 100, "the number of tasks by default");
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn filters_combine_by_and(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let (urgent, low) = (TaskPriority::Urgent, TaskPriority::Low);
    let (failed, pending) = (TaskStatus::Failed, TaskStatus::Pending);
    for (id, priority, status, parent) in [
        ("fu-p", urgent, failed, Some("p")),
        ("fu-q", urgent, failed, Some("q")),
        ("fl-p", low, failed, Some("p")),
        ("pu-p", urgent, pending, Some("p")),
        ("fu", urgent, failed, None),
    ] {
        let task = Task {
            status,
            parent_task_id: parent.map(task_id),
            ..task(id, 0).with_priority(priority)
        };
        tasks.create(&task).await?;
    }
    let all = TaskFilter::default();
    let by_status = TaskFilter { status: Some(failed), ..all.clone() };
    let by_priority = TaskFilter { priority: Some(urgent), ..by_status.clone() };
    let by_parent = TaskFilter { parent: Some(task_id("p")), ..by_priority.clone() };
    let by_id = TaskFilter { id_part: Some("fl".to_owned()), ..by_parent.clone() };
    let only_parent = TaskFilter { parent: Some(task_id("p")), ..all };
    for (filter, expected) in [
        (by_status, vec!["fu-q", "fu-p", "fu", "fl-p"]),
        (by_priority, vec!["fu-q", "fu-p", "fu"]),
        (by_parent, vec!["fu-p"]),
        (by_id, vec![]),
        (only_parent, vec!["pu-p", "fu-p", "fl-p"]),
    ] {
        ensure_eq!(ids(&*tasks, &filter).await?, expected, "{filter:?} the tasks with {filter:?}");
    }
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn parked_tasks_can_be_listed(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let pending = TaskStatus::Pending;
    for (id, minute, waiting) in
        [("old", 1, Some(waiting())), ("free", 2, None), ("new", 3, Some(waiting()))]
    {
        let waiting = waiting.map(Box::new);
        tasks.create(&Task { status: pending, waiting, ..task(id, minute) }).await?;
    }
    let parked = TaskFilter { waiting: true, ..TaskFilter::default() };
    ensure_eq!(ids(&*tasks, &parked).await?, ["new", "old"], "the parked tasks");
    let limited = TaskFilter { status: Some(pending), limit: 1, offset: 1, ..parked };
    ensure_eq!(ids(&*tasks, &limited).await?, ["old"], "a page of the parked tasks");
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn the_tasks_below_a_task_are_listed_at_any_depth(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let (pending, failed) = (TaskStatus::Pending, TaskStatus::Failed);
    for (id, parent, status) in [
        ("child", "top", failed),
        ("grandchild", "child", pending),
        ("last", "grandchild", failed),
        ("other", "elsewhere", failed),
        ("of-part", "part", failed),
    ] {
        tasks.create(&Task { status, ..spawned(id, parent) }).await?;
    }
    // A part that was not spawned.
    tasks.create(&task("part", 0).with_parent(task_id("top"))).await?;
    let below = |id| TaskFilter { below: Some(task_id(id)), ..TaskFilter::default() };
    for (filter, expected) in [
        (below("top"), vec!["last", "grandchild", "child"]),
        (below("child"), vec!["last", "grandchild"]),
        (below("last"), vec![]),
        (TaskFilter { status: Some(failed), ..below("top") }, vec!["last", "child"]),
        (TaskFilter { limit: 1, offset: 1, ..below("top") }, vec!["grandchild"]),
    ] {
        ensure_eq!(ids(&*tasks, &filter).await?, expected, "the tasks with {filter:?}");
    }
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn a_part_of_an_id_matches_its_beginning_or_end(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for id in ["abc-1", "xyz-abc", "x-abc-y", "ABC-2", "a_c"] {
        tasks.create(&task(id, 0)).await?;
    }
    for (part, expected) in [
        ("abc", vec!["xyz-abc", "abc-1"]),
        ("abc-1", vec!["abc-1"]),
        // Not a pattern, and case-sensitive.
        ("a_c", vec!["a_c"]),
        ("%", vec![]),
        ("ABC", vec!["ABC-2"]),
    ] {
        let filter = TaskFilter { id_part: Some(part.to_owned()), ..TaskFilter::default() };
        let found = ids(&*tasks, &filter).await?;
        ensure_eq!(found, expected, "the ids with the part {part:?}");
    }
    Ok(())
}

/// Checks `TaskRepository` 5.
pub(super) async fn pages_contain_every_task_once(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for n in 0..10 {
        // Some have the same time, so that pages divide equal ones.
        tasks.create(&task(&format!("t{n}"), n / 4)).await?;
    }
    let all = ids(&*tasks, &TaskFilter::default()).await?;
    let mut paged = Vec::new();
    for offset in (0..15).step_by(3) {
        let filter = TaskFilter { limit: 3, offset, ..TaskFilter::default() };
        paged.extend(ids(&*tasks, &filter).await?);
    }
    ensure_eq!(paged, all, "the pages together");
    ensure_eq!(all.len(), 10, "the number of listed tasks");
    Ok(())
}
