//! Tasks with calls whose price is unknown.

use std::collections::BTreeSet;

use az_core::cost::{CostTracker, Payer};
use az_core::{Result, Task, TaskId};

/// Returns those of these tasks that have calls whose price is unknown.
///
/// # Errors
///
/// The store's.
pub(super) async fn unpriced<S: CostTracker + ?Sized>(
    store: &S,
    tasks: &[Task],
) -> Result<BTreeSet<TaskId>> {
    // A task that has not started has no calls to look up.
    let called = tasks.iter().filter(|task| task.started_at.is_some() || task.actual_tokens > 0);
    let payers: Vec<Payer> = called.map(|task| (&task.id).into()).collect();
    let unpriced = match payers.as_slice() {
        [] => Vec::new(),
        payers => store.unpriced_payers(payers).await?,
    };
    Ok(unpriced.iter().filter_map(Payer::task).cloned().collect())
}
