//! The ledger and the budgets of a store in memory.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, Charge, CostEntry, CostSum, CostTracker,
    Grouping, Hold, Payer, Period, Reconciliation, Renewal, Scope, Settlement, TimeRange, parents,
};
use crate::error::Result;
use crate::id::CallId;
use crate::money::Usd;

#[async_trait]
impl CostTracker for MemoryStore {
    async fn book(&self, entry: &CostEntry) -> Result<()> {
        let mut state = self.lock();
        if state.ledger.book(entry.clone())? {
            state.charge(entry, &Charge::default());
        }
        Ok(())
    }

    async fn calendar(&self) -> Result<Calendar> {
        Ok(self.lock().ledger.calendar().clone())
    }

    async fn total_in(&self, span: TimeRange) -> Result<Usd> {
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

    async fn reconcile(&self, reconciliation: &Reconciliation) -> Result<Option<CostEntry>> {
        let mut state = self.lock();
        let Some((before, after)) = state.ledger.reconcile(reconciliation)? else {
            return Ok(None);
        };
        state.charge(&after, &before.charge);
        state.log.extend([reconciliation.log_record(&before)]);
        Ok(Some(after))
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
        let part_of = part.and_then(|row| row.task.parent_task_id.as_ref());
        let ancestors = parent.map(|parent| state.ledger.ancestors(parent)).unwrap_or_default();
        parents::check(payer, parent, part_of, &ancestors)?;
        state.ledger.put_parent(payer.clone(), parent.cloned());
        Ok(())
    }

    async fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>> {
        Ok(self.lock().ledger.ancestors(payer))
    }

    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>> {
        let mut state = self.lock();
        let alerts = state.ledger.hold(hold)?;
        state.log.extend(alerts.iter().map(|alert| alert.log_record(hold)));
        Ok(alerts)
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
        let settled = state.ledger.settle(&(payer.clone(), call.clone()), settlement)?;
        settled.booked.iter().for_each(|booked| state.charge(&booked.entry, &booked.before));
        state.log.extend(settled.logged);
        Ok(settled.alerts)
    }

    async fn sweep(&self, lease_now: Timestamp) -> Result<usize> {
        let mut state = self.lock();
        let lease_until = |payer: &Payer| {
            let row = payer.task().and_then(|task| state.tasks.get(task));
            row.and_then(|row| row.lease.as_ref()).map(|lease| lease.until)
        };
        let expired = |hold: &Hold| hold.is_expired(lease_now, lease_until(&hold.payer));
        let expired = state.ledger.keys(expired);
        for key in &expired {
            let booked = state.ledger.close(key, &Settlement::Full)?;
            booked.iter().for_each(|entry| state.charge(entry, &Charge::default()));
        }
        Ok(expired.len())
    }

    async fn open_holds(&self) -> Result<Vec<Hold>> {
        Ok(self.lock().ledger.open_holds())
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryStore;
    use crate::cost::{
        Budget, BudgetKeeper, CostTracker, Decision, Period, Reconciliation, Scope, Settlement,
    };
    use crate::log::{Level, LogQuery, LogRecord, LogStore};
    use crate::testing::sample::{at, budget, hold, task_id};

    #[tokio::test]
    async fn an_alert_that_is_reported_is_logged() {
        let store = MemoryStore::new();
        let alerts = vec![50];
        let budget = Budget { alerts, ..budget(Scope::Global, Period::Total, 100) };
        store.set_budget(&budget, at(0)).await.unwrap();
        store.hold(&hold("t", "m0", 60, 1)).await.unwrap();
        let logged = LogRecord {
            at: at(1),
            level: Level::Warn,
            target: "budget".to_owned(),
            task: Some(task_id("t")),
            message: "budget global total: 50% of $0.0000001 reached ($0.00000006 used or held)"
                .to_owned(),
        };
        assert_eq!(store.query(&LogQuery::default()).await.unwrap(), [logged]);
    }

    #[tokio::test]
    async fn a_decision_about_an_uncertain_entry_is_logged() {
        let store = MemoryStore::new();
        let taken = hold("t", "m0", 30, 1);
        store.hold(&taken).await.unwrap();
        store.settle(&taken.payer, &taken.call, &Settlement::Full).await.unwrap();
        let released = Reconciliation::new(taken.payer, taken.call, Decision::Released, at(2));
        store.reconcile(&released).await.unwrap();
        let logged = store.query(&LogQuery::default()).await.unwrap();
        let message = "$0.00000003 of task:t/m0 (m of p), which was uncertain, is released";
        assert_eq!(logged.len(), 1);
        assert_eq!((logged[0].at, logged[0].message.as_str()), (at(2), message));
    }
}
