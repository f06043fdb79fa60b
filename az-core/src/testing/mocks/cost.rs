//! Mocks of the ledger and of budgets.

use async_trait::async_trait;
use mockall::mock;

use crate::clock::{BootTime, Timestamp};
use crate::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, CostEntry, CostSum, CostTracker, Grouping,
    Hold, Payer, Period, Reconciliation, Renewal, Scope, Settlement, TimeRange,
};
use crate::error::Result;
use crate::id::CallId;
use crate::lease::LeaseAnchors;
use crate::money::Usd;

mock! {
    /// A mock of [`CostTracker`].
    #[derive(Debug)]
    pub CostTracker {
        /// Mocks [`CostTracker::book`].
        pub fn book(&self, entry: &CostEntry) -> Result<()>;
        /// Mocks [`CostTracker::total_in`].
        pub fn total_in(&self, span: TimeRange) -> Result<Usd>;
        /// Mocks [`CostTracker::cost_by_payer`].
        pub fn cost_by_payer(&self, payer: &Payer) -> Result<Usd>;
        /// Mocks [`CostTracker::entries`].
        pub fn entries(&self, span: TimeRange, payer: Option<Payer>) -> Result<Vec<CostEntry>>;
        /// Mocks [`CostTracker::reconcile`].
        pub fn reconcile(&self, reconciliation: &Reconciliation) -> Result<Option<CostEntry>>;
        /// Mocks [`CostTracker::calendar`].
        pub fn calendar(&self) -> Result<Calendar>;
        /// Mocks [`CostTracker::sums`].
        pub fn sums(&self, span: TimeRange, by: &Grouping) -> Result<Vec<CostSum>>;
    }
}

#[async_trait]
impl CostTracker for MockCostTracker {
    async fn book(&self, entry: &CostEntry) -> Result<()> {
        self.book(entry)
    }

    async fn total_in(&self, span: TimeRange) -> Result<Usd> {
        self.total_in(span)
    }

    async fn cost_by_payer(&self, payer: &Payer) -> Result<Usd> {
        self.cost_by_payer(payer)
    }

    async fn entries(&self, span: TimeRange, payer: Option<&Payer>) -> Result<Vec<CostEntry>> {
        self.entries(span, payer.cloned())
    }

    async fn reconcile(&self, reconciliation: &Reconciliation) -> Result<Option<CostEntry>> {
        self.reconcile(reconciliation)
    }

    async fn sums(&self, span: TimeRange, by: &Grouping) -> Result<Vec<CostSum>> {
        self.sums(span, by)
    }

    async fn calendar(&self) -> Result<Calendar> {
        self.calendar()
    }
}

mock! {
    /// A mock of [`BudgetKeeper`].
    #[derive(Debug)]
    pub BudgetKeeper {
        /// Mocks [`BudgetKeeper::set_budget`].
        pub fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<()>;
        /// Mocks [`BudgetKeeper::clear_budget`].
        pub fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool>;
        /// Mocks [`BudgetKeeper::budgets`].
        pub fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>>;
        /// Mocks [`BudgetKeeper::set_parent`].
        pub fn set_parent(&self, payer: &Payer, parent: Option<Payer>) -> Result<()>;
        /// Mocks [`BudgetKeeper::ancestors`].
        pub fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>>;
        /// Mocks [`BudgetKeeper::hold`].
        pub fn hold(&self, hold: &Hold) -> Result<Vec<Alert>>;
        /// Mocks [`BudgetKeeper::renew`].
        pub fn renew(&self, calls: &[(Payer, CallId)], until: Timestamp) -> Result<Vec<Renewal>>;
        /// Mocks [`BudgetKeeper::settle`].
        pub fn settle(&self, payer: &Payer, call: &CallId, settlement: &Settlement) -> Result<Vec<Alert>>;
        /// Mocks [`BudgetKeeper::sweep`].
        pub fn sweep(&self, lease_now: Timestamp) -> Result<usize>;
        /// Mocks [`LeaseAnchors::lease_anchor`].
        pub fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp>;
        /// Mocks [`BudgetKeeper::open_holds`].
        pub fn open_holds(&self) -> Result<Vec<Hold>>;
    }
}

#[async_trait]
impl LeaseAnchors for MockBudgetKeeper {
    async fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp> {
        self.lease_anchor(boot, now)
    }
}

#[async_trait]
impl BudgetKeeper for MockBudgetKeeper {
    async fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<()> {
        self.set_budget(budget, now)
    }

    async fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool> {
        self.clear_budget(scope, period)
    }

    async fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>> {
        self.budgets(now)
    }

    async fn set_parent(&self, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
        self.set_parent(payer, parent.cloned())
    }

    async fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>> {
        self.ancestors(payer)
    }

    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>> {
        self.hold(hold)
    }

    async fn renew(&self, calls: &[(Payer, CallId)], until: Timestamp) -> Result<Vec<Renewal>> {
        self.renew(calls, until)
    }

    async fn settle(
        &self,
        payer: &Payer,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Vec<Alert>> {
        self.settle(payer, call, settlement)
    }

    async fn sweep(&self, lease_now: Timestamp) -> Result<usize> {
        self.sweep(lease_now)
    }

    async fn open_holds(&self) -> Result<Vec<Hold>> {
        self.open_holds()
    }
}
