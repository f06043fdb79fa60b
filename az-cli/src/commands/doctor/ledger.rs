//! Compares the costs of tasks with the entries of the ledger that they are the sums of.

use std::collections::BTreeMap;

use az_core::cost::{Grouping, Payer, TimeRange};
use az_core::store::Store;
use az_core::task::{Task, TaskFilter, TaskRepository};
use az_core::text::plural;
use az_core::{Result, TaskId, Usd};

use crate::error::CliError;
use crate::views::CheckView;

const LEDGER: &str = "ledger";

/// The number of tasks that are listed at once.
const PAGE: usize = 500;

/// Checks that the cost of each task is the sum of its entries. The store's own check does the same for
/// budgets.
pub(super) async fn check(store: &dyn Store) -> CheckView {
    match differences(store).await {
        Ok((tasks, found)) if found.is_empty() => {
            let found = format!("the costs of {} are those of its entries", plural(tasks, "task"));
            CheckView::ok(LEDGER, found)
        }
        Ok((_, found)) => {
            let remedy =
                "`az cost export` lists the entries, which count; the costs of the tasks do not";
            CheckView::error(LEDGER, found.join("; ")).with_remedy(remedy)
        }
        Err(error) => CheckView::error(LEDGER, CliError::from(error).to_string()),
    }
}

/// Returns the number of tasks, and a message for each whose cost is another than that of its entries.
async fn differences(store: &dyn Store) -> Result<(usize, Vec<String>)> {
    let sums = store.sums(TimeRange::ALL, &Grouping::Task).await?;
    let sums: BTreeMap<_, _> = sums.into_iter().map(|sum| (sum.key, sum.cost)).collect();
    let (mut count, mut found) = (0, Vec::new());
    for offset in (0..).step_by(PAGE) {
        let filter = TaskFilter { limit: PAGE, offset, ..TaskFilter::default() };
        let tasks = TaskRepository::list(store, &filter).await?;
        for task in tasks.iter().filter(|task| task.damage.is_none()) {
            let sum = sums.get(task.id.as_str()).copied().unwrap_or_default();
            if sum != task.cost
                && let Some(difference) = confirmed(store, &task.id).await?
            {
                found.push(difference);
            }
        }
        count += tasks.len();
        if tasks.len() < PAGE {
            break;
        }
    }
    Ok((count, found))
}

/// Compares the cost of one task again: a worker may have booked a call meanwhile.
async fn confirmed(store: &dyn Store, id: &TaskId) -> Result<Option<String>> {
    let Some(Task { cost, .. }) = TaskRepository::get(store, id).await? else { return Ok(None) };
    let entries = store.entries(TimeRange::ALL, Some(&Payer::from(id))).await?;
    let sum: Usd = entries.iter().filter_map(|entry| entry.charge.cost).sum();
    let after = TaskRepository::get(store, id).await?.map(|task| task.cost);
    // An amount that is too large to be stored is not exact.
    let is_exact = after == Some(cost) && cost != Usd::MAX;
    let text = format!("task {id} costs {cost}, but its entries add up to {sum}");
    Ok((is_exact && sum != cost).then_some(text))
}
