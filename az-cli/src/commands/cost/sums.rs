//! The sums behind `az cost show`.

use az_core::cost::{CostSum, Grouping, Payer, TimeRange};
use az_core::store::Store;

use crate::error::CliError;

/// Sums up the entries of a time range, of one payer if given.
///
/// # Errors
///
/// The store's.
pub(super) async fn sums(
    store: &dyn Store,
    (range, payer): (TimeRange, Option<&Payer>),
    by: &Grouping,
) -> Result<Vec<CostSum>, CliError> {
    Ok(match payer {
        None => store.sums(range, by).await?,
        Some(payer) => by.sums(&store.entries(range, Some(payer)).await?),
    })
}

/// Sums up by task. A payer that is not a task has a sum of its own, whose key is the payer's name, so
/// that the sums add up to all that was spent.
///
/// # Errors
///
/// The store's.
pub(super) async fn sums_by_task(
    store: &dyn Store,
    entries: (TimeRange, Option<&Payer>),
) -> Result<Vec<CostSum>, CliError> {
    let mut sums = sums(store, entries, &Grouping::Payer).await?;
    for sum in &mut sums {
        if let Ok(Payer::Task(task)) = sum.key.parse() {
            sum.key = task.to_string();
        }
    }
    Ok(sums)
}
