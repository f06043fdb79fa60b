//! The contract of the ledger.

use std::fmt;

use async_trait::async_trait;

use super::entry::CostEntry;
use super::payer::Payer;
use super::period::{Calendar, TimeRange};
use super::reconcile::Reconciliation;
use super::sum::{CostSum, Grouping};
use crate::error::Result;
use crate::id::TaskId;
use crate::money::Usd;

/// Stores the ledger.
///
/// # Contract
///
/// 1. Totals are exact to the nano-dollar; entries without a cost add nothing to them.
/// 2. A payer and call is booked once, however often it is tracked; the first entry stays.
/// 3. A range is half-open: an entry at its start counts, one at its end does not.
/// 4. The totals of all payers add up to the total of all time.
/// 5. A negative cost is refused with `Invalid`.
/// 6. Tracking an entry of a task updates the task's own `cost` and `actual_tokens`, if the store
///    has the task; an entry of any payer updates the spent amounts of its budgets.
/// 7. Entries are listed oldest first and outlive their task.
/// 8. Sums add up to the total of their range, whatever the grouping. Every entry is in exactly one
///    group, and no group is empty.
/// 9. A sum counts its calls, all their tokens, the calls whose cost is unknown and those that are
///    estimates; it states how much of its cost is uncertain, and how many calls are. It counts the
///    tokens that were read from caches, and states what caches saved, and of how many calls that is
///    unknown. Figures that are too large saturate.
/// 10. The highest sum comes first, equal ones ordered by key; days are in order.
/// 11. Days are those of the calendar, whatever their length.
/// 12. [`calendar`](Self::calendar) is the calendar that decides when the periods of budgets begin.
/// 13. [`unpriced_payers`](Self::unpriced_payers) are exactly the given payers that have an entry
///     without a cost, in the given order.
/// 14. Acknowledged writes survive a restart, if the backend is durable.
/// 15. An uncertain entry counts as any other until [`reconcile`](Self::reconcile) or
///     [`BudgetKeeper::settle`](super::BudgetKeeper::settle) makes it certain.
///     A confirmed entry keeps its cost, or gets the confirmed one; a released entry costs nothing.
///     The totals, the sums, the task's own `cost` and the spent amounts of budgets change with it,
///     and alerts that a budget no longer reaches are reported again when they are crossed. A store
///     with a log logs the decision.
/// 16. An entry that is certain or not booked is not reconciled: nothing changes, and the result is
///     `None`. A negative amount is refused with `Invalid`.
/// 17. [`uncertain`](Self::uncertain) lists exactly the uncertain entries of a range, oldest first.
#[async_trait]
pub trait CostTracker: fmt::Debug + Send + Sync + 'static {
    /// Books an entry.
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative cost, or the backend's own.
    async fn book(&self, entry: &CostEntry) -> Result<()>;

    /// Returns the amount spent in a range.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn total_in(&self, span: TimeRange) -> Result<Usd>;

    /// Returns the amount booked to a payer, without its descendants.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn cost_by_payer(&self, payer: &Payer) -> Result<Usd>;

    /// Returns the amount booked to a task: [`cost_by_payer`](Self::cost_by_payer) of the task.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn cost_by_task(&self, task: &TaskId) -> Result<Usd> {
        self.cost_by_payer(&task.into()).await
    }

    /// Lists the entries of a range, of one payer if given.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn entries(&self, span: TimeRange, payer: Option<&Payer>) -> Result<Vec<CostEntry>>;

    /// Returns those of these payers that have an entry without a cost.
    ///
    /// The default reads the entries of each payer; a backend that can answer with one query should.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn unpriced_payers(&self, payers: &[Payer]) -> Result<Vec<Payer>> {
        let mut unpriced = Vec::new();
        for payer in payers {
            let entries = self.entries(TimeRange::ALL, Some(payer)).await?;
            if entries.iter().any(|entry| entry.charge.cost.is_none()) {
                unpriced.push(payer.clone());
            }
        }
        Ok(unpriced)
    }

    /// Lists the uncertain entries of a range, of one payer if given.
    ///
    /// The default reads all entries; a backend that finds them by an index should.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn uncertain(&self, span: TimeRange, payer: Option<&Payer>) -> Result<Vec<CostEntry>> {
        let mut entries = self.entries(span, payer).await?;
        entries.retain(|entry| entry.charge.uncertain);
        Ok(entries)
    }

    /// Decides what an uncertain entry cost; returns the entry as it is now, or `None` if there was
    /// nothing to decide.
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative amount, or the backend's own.
    async fn reconcile(&self, reconciliation: &Reconciliation) -> Result<Option<CostEntry>>;

    /// Sums up the entries of a range, group by group.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn sums(&self, span: TimeRange, by: &Grouping) -> Result<Vec<CostSum>>;

    /// Returns the calendar that decides when days begin.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn calendar(&self) -> Result<Calendar>;
}
