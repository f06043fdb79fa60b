//! What was spent and what may be.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, CostEntry, CostSum, CostTracker, Grouping, Hold,
    Payer, Period, Renewal, Scope, Settlement, TimeRange,
};
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::money::Usd;

#[async_trait]
impl CostTracker for MemoryStore {
    async fn track(&self, entry: &CostEntry) -> Result<()> {
        let mut state = self.lock();
        if state.ledger.book(entry.clone())? {
            state.charge(entry);
        }
        Ok(())
    }

    async fn total_cost(&self, span: TimeRange) -> Result<Usd> {
        let state = self.lock();
        let entries = state.ledger.entries(span);
        Ok(entries.into_iter().filter_map(|entry| entry.charge.cost).sum())
    }

    async fn cost_by_payer(&self, payer: &Payer) -> Result<Usd> {
        Ok(self.lock().ledger.cost_of(payer))
    }

    async fn entries(&self, span: TimeRange, payer: Option<&Payer>) -> Result<Vec<CostEntry>> {
        let state = self.lock();
        let of_payer = |entry: &&CostEntry| payer.is_none_or(|payer| entry.payer == *payer);
        let entries = state.ledger.entries(span).into_iter().filter(of_payer);
        Ok(entries.cloned().collect())
    }

    async fn sums(&self, span: TimeRange, by: &Grouping) -> Result<Vec<CostSum>> {
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

    async fn set_parent(&self, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
        let mut state = self.lock();
        let part = payer.task().and_then(|task| state.tasks.get(task));
        let whole = part.and_then(|slot| slot.task.parent_task_id.as_ref());
        if whole.is_some_and(|whole| parent.and_then(Payer::task) != Some(whole)) {
            return Err(Error::is_part(payer));
        }
        state.ledger.set_parent(payer, parent)
    }

    async fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>> {
        let state = self.lock();
        let line = state.ledger.line(payer).skip(1);
        Ok(line.cloned().collect())
    }

    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>> {
        self.lock().ledger.hold(hold)
    }

    async fn renew(&self, calls: &[(Payer, CallId)], until: Timestamp) -> Result<Vec<Renewal>> {
        let mut state = self.lock();
        Ok(calls.iter().map(|call| state.ledger.renew(call, until)).collect())
    }

    async fn settle(
        &self,
        payer: &Payer,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Vec<Alert>> {
        let mut state = self.lock();
        let settled = state.ledger.settle(payer, call, settlement)?;
        settled.booked.iter().for_each(|entry| state.charge(entry));
        Ok(settled.alerts)
    }

    async fn sweep(&self, now: Timestamp) -> Result<usize> {
        let mut state = self.lock();
        let mut swept = 0;
        for key in state.ledger.run_out(now) {
            let slot = key.0.task().and_then(|task| state.tasks.get(task));
            let lease = slot.and_then(|slot| slot.lease.as_ref());
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
