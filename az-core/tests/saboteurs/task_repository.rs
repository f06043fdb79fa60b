//! Saboteurs of the repository of tasks.

use std::sync::Mutex;

use async_trait::async_trait;
use az_core::clock::from_micros;
use az_core::memory::MemoryStore;
use az_core::task::{TaskFilter, TaskRepository};
use az_core::testing::sample::task;
use az_core::{Error, Result, Task, TaskId, TaskStatus, Timestamp};

/// Lists all tasks that a filter matches, in another order.
async fn list_by<K: Ord>(
    store: &MemoryStore,
    filter: &TaskFilter,
    place: impl Fn(&Task) -> K,
) -> Result<Vec<Task>> {
    let all = TaskFilter { limit: usize::MAX, offset: 0, ..filter.clone() };
    let mut found = store.list(&all).await?;
    found.sort_by_key(|task| std::cmp::Reverse(place(task)));
    Ok(found.into_iter().skip(filter.offset).take(filter.limit).collect())
}

super::support::saboteurs! {
    of task_repository bending BendRuns;

    /// Breaks `TaskRepository` 5.
    listing_children_only => [the_tasks_below_a_task_are_listed_at_any_depth] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let parent = filter.below.clone().or(filter.parent.clone());
            store.list(&TaskFilter { parent, ..filter.clone() }).await
        }
    }

    /// Breaks `TaskRepository` 1.
    rounding_times => [a_created_task_is_returned_as_given] {
        async fn create(&self, store: &MemoryStore, task: &Task) -> Result<Task> {
            let whole = |at: Timestamp| from_micros(at.as_second() * 1_000_000);
            let started_at = task.started_at.map(whole);
            store.create(&Task { started_at, ..task.clone() }).await
        }
    }

    /// Breaks `TaskRepository` 1.
    cutting_large_commands => [a_large_command_in_any_script_is_returned_unchanged] {
        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let cut = |task: Task| Task {
                command: task.command.chars().take(1 << 16).collect(),
                ..task
            };
            Ok(store.get(id).await?.map(cut))
        }
    }

    /// Breaks `TaskRepository` 2.
    refusing_to_create_again => [
        creating_a_task_again_changes_nothing, creating_a_changed_task_again_keeps_the_change
    ] {
        async fn create(&self, store: &MemoryStore, task: &Task) -> Result<Task> {
            if store.get(&task.id).await?.is_some() {
                return Err(Error::AlreadyExists { what: "task", id: task.id.to_string() });
            }
            store.create(task).await
        }
    }

    /// Breaks `TaskRepository` 2.
    undoing_changes => [creating_a_changed_task_again_keeps_the_change] {
        async fn create(&self, store: &MemoryStore, task: &Task) -> Result<Task> {
            store.create(task).await?;
            Ok(task.clone())
        }
    }

    /// Breaks `TaskRepository` 2.
    shrugging_at_other_tasks => [another_task_with_a_stored_id_is_refused] {
        async fn create(&self, store: &MemoryStore, task: &Task) -> Result<Task> {
            match store.create(task).await {
                Err(Error::AlreadyExists { .. }) => Ok(task.clone()),
                other => other,
            }
        }
    }

    /// Breaks `TaskRepository` 3.
    creating_what_is_unknown => [an_unknown_id_is_none_not_found_or_false] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            store.create(task).await.ok();
            store.update(task, now).await
        }
    }

    /// Breaks `TaskRepository` 4.
    forgetting_the_model => [an_update_replaces_the_stored_task] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            store.update(&Task { model: None, ..task.clone() }, now).await
        }
    }

    /// Breaks `TaskRepository` 4.
    letting_the_last_writer_win => [an_update_from_an_old_copy_is_refused] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            let stored = store.get(&task.id).await?;
            let updated_at = stored.map_or(task.updated_at, |stored| stored.updated_at);
            store.update(&Task { updated_at, ..task.clone() }, now).await
        }
    }

    /// Breaks `TaskRepository` 4.
    reviving_the_completed => [the_status_changes_only_as_allowed] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            match store.update(task, now).await {
                Err(Error::Invalid { .. }) if task.status == TaskStatus::Initialized => {
                    Ok(task.clone())
                }
                other => other,
            }
        }
    }

    /// Breaks `TaskRepository` 4.
    starting_by_hand => [only_the_queue_starts_and_stops_a_task] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            match store.update(task, now).await {
                Err(Error::Invalid { .. }) if task.status == TaskStatus::Running => {
                    Ok(task.clone())
                }
                other => other,
            }
        }
    }

    /// Breaks `TaskRepository` 4.
    ending_a_wait_by_hand => [an_update_keeps_what_a_parked_task_waits_for] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            let waiting = task.waiting.clone();
            Ok(Task { waiting, ..store.update(task, now).await? })
        }
    }

    /// Breaks `TaskRepository` 5.
    listing_what_is_not_parked => [parked_tasks_can_be_listed] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            store.list(&TaskFilter { waiting: false, ..filter.clone() }).await
        }
    }

    /// Breaks `TaskRepository` 5.
    beginning_with_an_example => [an_empty_store_lists_nothing] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let found = store.list(filter).await?;
            let all = store.list(&TaskFilter::default()).await?;
            Ok(if all.is_empty() { vec![task("example", 0)] } else { found })
        }
    }

    /// Breaks `TaskRepository` 5.
    listing_by_change => [a_list_is_newest_first] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            list_by(store, filter, |t| (t.updated_at, t.created_at, t.id.clone())).await
        }
    }

    /// Breaks `TaskRepository` 5.
    listing_the_smallest_id_first => [among_equal_ages_the_largest_id_is_listed_first] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            // Only without a filter, because only such lists are checked for the order of ids.
            if *filter != TaskFilter::default() || store.list(filter).await?.len() != 4 {
                return store.list(filter).await;
            }
            let place = |t: &Task| (t.created_at, std::cmp::Reverse(t.id.clone()));
            list_by(store, filter, place).await
        }
    }

    /// Breaks `TaskRepository` 5.
    capping_lists => [a_list_has_a_hundred_tasks_by_default] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let limit = filter.limit.min(100);
            store.list(&TaskFilter { limit, ..filter.clone() }).await
        }
    }

    /// Breaks `TaskRepository` 5.
    looking_at_one_filter_only => [filters_combine_by_and] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let mut filter = filter.clone();
            if filter.status.is_some() {
                filter.priority = None;
            }
            store.list(&filter).await
        }
    }

    /// Breaks `TaskRepository` 5.
    finding_parts_anywhere => [a_part_of_an_id_matches_its_beginning_or_end] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let all = TaskFilter { id_part: None, ..filter.clone() };
            let mut found = store.list(&all).await?;
            let part = filter.id_part.clone().unwrap_or_default();
            found.retain(|task| task.id.as_str().contains(&part));
            Ok(found)
        }
    }

    /// Breaks `TaskRepository` 5.
    skipping_one_per_page => [pages_contain_every_task_once] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let offset = filter.offset + filter.offset / 3;
            store.list(&TaskFilter { offset, ..filter.clone() }).await
        }
    }

    /// Breaks `TaskRepository` 6.
    hiding_what_was_deleted remembering std::sync::Arc<Mutex<Vec<Task>>> => [
        a_deleted_task_is_gone
    ] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            if let Some(task) = store.get(id).await? {
                self.0.lock().unwrap().push(task);
            }
            store.delete(id, now).await
        }

        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let found = store.get(id).await?;
            let deleted = self.0.lock().unwrap().iter().find(|task| task.id == *id).cloned();
            Ok(found.or(deleted))
        }
    }
}
