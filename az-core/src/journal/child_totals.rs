//! What the child tasks of a task cost.

use serde::{Deserialize, Serialize};

use crate::cost::{CostTracker, Payer};
use crate::error::Result;
use crate::id::TaskId;
use crate::money::Usd;
use crate::task::{TaskFilter, TaskRepository};

/// What the tasks that were spawned below a task cost so far, at all levels together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildTotals {
    /// The number of tasks.
    pub tasks: u64,
    /// Their cost, without calls whose price is unknown.
    pub cost: Usd,
    /// Whether some of their calls have no known price.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
}

impl ChildTotals {
    /// Reads the totals of the tasks below a task; returns `None` if there are none.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn read<S>(store: &S, task: &TaskId) -> Result<Option<Self>>
    where
        S: TaskRepository + CostTracker + ?Sized,
    {
        let filter =
            TaskFilter { below: Some(task.clone()), limit: usize::MAX, ..TaskFilter::default() };
        let below = store.list(&filter).await?;
        if below.is_empty() {
            return Ok(None);
        }
        let payers: Vec<_> = below.iter().map(|task| Payer::from(&task.id)).collect();
        let unpriced = !store.unpriced_payers(&payers).await?.is_empty();
        let tasks = u64::try_from(below.len()).unwrap_or(u64::MAX);
        Ok(Some(Self { tasks, cost: below.iter().map(|task| task.cost).sum(), unpriced }))
    }
}
