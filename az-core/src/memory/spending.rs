//! What was spent and what may be, for tasks.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, CostEntry, CostSum, CostTracker, Grouping, Hold,
    Period, Scope, Settlement, Span,
};
use crate::error::Result;
use crate::id::{CallId, TaskId};
use crate::money::Usd;

#[async_trait]
impl CostTracker for MemoryStore {
    async fn track(&self, entry: &CostEntry) -> Result<()> {
        let mut state = self.lock();
        let lineage = state.lineage(&entry.task);
        if state.ledger.book(entry.clone(), lineage)? {
            state.charge(entry);
        }
        Ok(())
    }

    async fn total_cost(&self, span: Span) -> Result<Usd> {
        let state = self.lock();
        let entries = state.ledger.entries(span);
        Ok(entries.into_iter().filter_map(|entry| entry.cost).sum())
    }

    async fn cost_by_task(&self, task: &TaskId) -> Result<Usd> {
        Ok(self.lock().ledger.cost_of(task))
    }

    async fn entries(&self, span: Span, task: Option<&TaskId>) -> Result<Vec<CostEntry>> {
        let state = self.lock();
        let of_task = |entry: &&CostEntry| task.is_none_or(|task| entry.task == *task);
        let entries = state.ledger.entries(span).into_iter().filter(of_task);
        Ok(entries.cloned().collect())
    }

    async fn sums(&self, span: Span, by: &Grouping) -> Result<Vec<CostSum>> {
        Ok(self.lock().ledger.sums(span, by))
    }
}

#[async_trait]
impl BudgetKeeper for MemoryStore {
    async fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<()> {
        self.lock().ledger.set(budget, now)
    }

    async fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool> {
        Ok(self.lock().ledger.clear(scope, period))
    }

    async fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>> {
        Ok(self.lock().ledger.budgets(now))
    }

    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>> {
        let mut state = self.lock();
        let lineage = state.lineage(&hold.task);
        state.ledger.hold(hold, &lineage)
    }

    async fn settle(
        &self,
        task: &TaskId,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Vec<Alert>> {
        let mut state = self.lock();
        let settled = state.ledger.settle(task, call, settlement)?;
        settled.booked.iter().for_each(|entry| state.charge(entry));
        Ok(settled.alerts)
    }

    async fn sweep(&self, now: Timestamp) -> Result<usize> {
        let mut state = self.lock();
        let mut swept = 0;
        for key in state.ledger.run_out(now) {
            let lease = state.tasks.get(&key.0).and_then(|slot| slot.lease.as_ref());
            if lease.is_some_and(|lease| lease.until > now) {
                continue;
            }
            let booked = state.ledger.close(&key, &Settlement::Full)?;
            booked.iter().for_each(|entry| state.charge(entry));
            swept += 1;
        }
        Ok(swept)
    }

    async fn open_holds(&self) -> Result<Vec<Hold>> {
        Ok(self.lock().ledger.open_holds())
    }
}
