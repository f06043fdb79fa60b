//! Saboteurs of the queue of hints.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_core::journal::{Appended, EventBody, Hint, HintQueue, Journal, NewEvent};
use az_core::memory::MemoryStore;
use az_core::task::{Lease, TaskRepository};
use az_core::{Error, Result, TaskId, Timestamp};

super::support::saboteurs! {
    of hint_queue bending BendRuns;

    /// Breaks `HintQueue` 1.
    sorting_by_id => [hints_are_returned_in_the_order_in_which_they_were_sent] {
        async fn hints(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Hint>> {
            let mut hints = store.hints(task).await?;
            hints.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(hints)
        }
    }

    /// Breaks `HintQueue` 1.
    one_queue_for_all_tasks => [hints_of_tasks_are_separate] {
        async fn hints(&self, store: &MemoryStore, _task: &TaskId) -> Result<Vec<Hint>> {
            let mut all = Vec::new();
            for id in ["t", "u"] {
                all.extend(store.hints(&TaskId::new(id)?).await?);
            }
            Ok(all)
        }
    }

    /// Breaks `HintQueue` 2.
    dropping_late_hints_silently => [a_task_that_does_not_exist_or_has_ended_gets_no_hints] {
        async fn send_hint(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            hint: &Hint,
            now: Timestamp,
        ) -> Result<()> {
            match store.send_hint(task, hint, now).await {
                Err(Error::Invalid { .. } | Error::NotFound { .. }) => Ok(()),
                sent => sent,
            }
        }
    }

    /// Breaks `HintQueue` 2.
    sending_twice_is_fine => [an_id_that_the_task_has_had_is_refused] {
        async fn send_hint(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            hint: &Hint,
            now: Timestamp,
        ) -> Result<()> {
            match store.send_hint(task, hint, now).await {
                Err(Error::AlreadyExists { .. }) => Ok(()),
                sent => sent,
            }
        }
    }

    /// Breaks `HintQueue` 3.
    removing_all_hints_with_the_first remembering Arc<Mutex<bool>> => [recording_a_hint_removes_it] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let takes = events.iter().any(|event| matches!(event.body, EventBody::Hint { .. }));
            let appended = store.append(lease, next_seq, events, now).await?;
            *self.0.lock().unwrap() |= takes;
            Ok(appended)
        }

        async fn hints(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Hint>> {
            if *self.0.lock().unwrap() { Ok(Vec::new()) } else { store.hints(task).await }
        }
    }

    /// Breaks `HintQueue` 3.
    removing_before_the_append_is_accepted remembering Arc<Mutex<bool>> => [a_refused_append_removes_no_hint] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let takes = events.iter().any(|event| matches!(event.body, EventBody::Hint { .. }));
            let appended = store.append(lease, next_seq, events, now).await;
            *self.0.lock().unwrap() |= takes && appended.is_err();
            appended
        }

        async fn hints(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Hint>> {
            if *self.0.lock().unwrap() { Ok(Vec::new()) } else { store.hints(task).await }
        }
    }

    /// Breaks `HintQueue` 4.
    hiding_the_hints_of_ended_tasks => [a_hint_that_was_not_recorded_waits_for_the_next_run] {
        async fn hints(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Hint>> {
            match store.get(task).await? {
                Some(found) if found.status.is_ended() => Ok(Vec::new()),
                _ => store.hints(task).await,
            }
        }
    }

    /// Breaks `HintQueue` 4.
    keeping_the_hints_of_deleted_tasks remembering Arc<Mutex<Vec<Hint>>> => [deleting_a_task_deletes_its_hints] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            let kept = store.hints(id).await?;
            self.0.lock().unwrap().extend(kept);
            store.delete(id, now).await
        }

        async fn hints(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Hint>> {
            let kept = self.0.lock().unwrap().clone();
            Ok([kept, store.hints(task).await?].concat())
        }
    }
}
