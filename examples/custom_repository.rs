//! A custom repository: a decorator that counts operations, run through the conformance kit, next
//! to one that breaks the contract.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use az_core::memory::MemoryStore;
use az_core::task::{TaskFilter, TaskRepository};
use az_core::testing::{Shared, task_repository};
use az_core::{Result, Task, TaskId, Timestamp};

/// Counts operations, and passes them on. With `LOSES` it drops every update, as a broken backend
/// would.
#[derive(Debug, Clone, Default)]
struct Counting<const LOSES: bool> {
    inner: MemoryStore,
    operations: Arc<AtomicU64>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<const LOSES: bool> TaskRepository for Counting<LOSES> {
    async fn create(&self, task: &Task) -> Result<Task> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.inner.create(task).await
    }

    async fn get(&self, id: &TaskId) -> Result<Option<Task>> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        TaskRepository::get(&self.inner, id).await
    }

    async fn update(&self, task: &Task, now: Timestamp) -> Result<Task> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        if LOSES {
            return Ok(task.clone());
        }
        self.inner.update(task, now).await
    }

    async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.inner.list(filter).await
    }

    async fn delete(&self, id: &TaskId, now: Timestamp) -> Result<bool> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        TaskRepository::delete(&self.inner, id, now).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let sound = task_repository(Shared::<Counting<false>>::new).await;
    writeln!(out, "a decorator that passes everything on:\n{sound}")?;
    let broken = task_repository(Shared::<Counting<true>>::new).await;
    writeln!(out, "one that loses updates:\n{broken}")?;
    // The example runs in CI, so it checks its own output.
    sound.assert_passed();
    assert!(!broken.failed().is_empty(), "the kit caught nothing");
    Ok(())
}
