//! Saboteurs of saved states.

use async_trait::async_trait;
use az_core::memory::MemoryStore;
use az_core::state::{Snapshot, SnapshotInfo, StateManager};
use az_core::testing::sample::task_id;
use az_core::{Error, Result, TaskId, Timestamp};
use serde_json::Value;

super::support::saboteurs! {
    of state_manager bending BendRuns;

    /// Breaks `StateManager` 1.
    writing_numbers_as_text => [a_state_is_returned_as_it_was_saved] {
        async fn load_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            name: Option<&str>,
        ) -> Result<Option<Snapshot>> {
            let mut loaded = store.load_snapshot(task, name).await?;
            if let Some(Value::Array(list)) = loaded.as_mut().map(|saved| &mut saved.state) {
                list.iter_mut().for_each(|item| *item = Value::from(item.to_string()));
            }
            Ok(loaded)
        }
    }

    /// Breaks `StateManager` 2.
    taking_a_name_for_a_wish => [
        without_a_saved_state_loading_returns_none, states_of_tasks_are_separate
    ] {
        async fn load_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            name: Option<&str>,
        ) -> Result<Option<Snapshot>> {
            match store.load_snapshot(task, name).await? {
                None => store.load_snapshot(&task_id("t"), None).await,
                found => Ok(found),
            }
        }
    }

    /// Breaks `StateManager` 2.
    loading_the_latest_time => [the_state_saved_last_is_loaded_whatever_its_time] {
        async fn load_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            name: Option<&str>,
        ) -> Result<Option<Snapshot>> {
            let listed = store.list_snapshots(task).await?;
            let newest = listed.iter().max_by_key(|info| info.at);
            match newest.and_then(|info| info.name.clone()) {
                Some(newest) if name.is_none() => store.load_snapshot(task, Some(&newest)).await,
                _ => store.load_snapshot(task, name).await,
            }
        }
    }

    /// Breaks `StateManager` 2.
    ignoring_names => [
        without_a_saved_state_loading_returns_none,
        a_name_refers_to_its_newest_state
    ] {
        async fn load_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            _name: Option<&str>,
        ) -> Result<Option<Snapshot>> {
            store.load_snapshot(task, None).await
        }
    }

    /// Breaks `StateManager` 3.
    replacing_a_name => [
        saving_under_a_used_name_keeps_the_older_state, snapshots_are_listed_oldest_first
    ] {
        async fn save_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            state: &Value,
            name: Option<&str>,
            now: Timestamp,
        ) -> Result<String> {
            for info in store.list_snapshots(task).await? {
                if name.is_some() && info.name.as_deref() == name {
                    store.delete_snapshot(task, &info.id).await?;
                }
            }
            store.save_snapshot(task, state, name, now).await
        }
    }

    /// Breaks `StateManager` 2.
    taking_an_empty_name_for_none => [an_empty_name_is_refused] {
        async fn save_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            state: &Value,
            name: Option<&str>,
            now: Timestamp,
        ) -> Result<String> {
            store.save_snapshot(task, state, name.filter(|n| !n.is_empty()), now).await
        }
    }

    /// Breaks `StateManager` 4.
    listing_by_text => [snapshots_are_listed_oldest_first] {
        async fn list_snapshots(
            &self,
            store: &MemoryStore,
            task: &TaskId,
        ) -> Result<Vec<SnapshotInfo>> {
            let mut listed = store.list_snapshots(task).await?;
            listed.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(listed)
        }
    }

    /// Breaks `StateManager` 4.
    deleting_for_any_task => [states_of_tasks_are_separate] {
        async fn delete_snapshot(
            &self,
            store: &MemoryStore,
            _task: &TaskId,
            id: &str,
        ) -> Result<bool> {
            store.delete_snapshot(&task_id("t"), id).await
        }
    }

    /// Breaks `StateManager` 5.
    refusing_unknown_ids => [states_of_tasks_are_separate, deleting_removes_one_snapshot] {
        async fn delete_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            id: &str,
        ) -> Result<bool> {
            match store.delete_snapshot(task, id).await? {
                true => Ok(true),
                false => Err(Error::not_found("snapshot", id)),
            }
        }
    }

    /// Breaks `StateManager` 3.
    numbering_by_count => [ids_are_not_reused] {
        async fn save_snapshot(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            state: &Value,
            name: Option<&str>,
            now: Timestamp,
        ) -> Result<String> {
            store.save_snapshot(task, state, name, now).await?;
            let listed = store.list_snapshots(task).await?;
            // Listed snapshots are numbered by position; this one repeats the previous number.
            Ok(listed.len().to_string())
        }
    }
}
