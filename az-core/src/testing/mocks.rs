//! Mocks of every contract, for tests that need the n-th call to fail. Where a whole store or
//! toolbox is needed, [`MemoryStore`](crate::memory::MemoryStore) and the [fakes](super) keep
//! their contracts, which a mock does not.
//!
//! Where a contract takes an optional reference, its mock is told an owned value.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mockall::mock;
use serde_json::Value;

use crate::agent::{Agent, Answer};
use crate::approval::{Approval, Approver};
use crate::clock::{Clock, Timestamp};
use crate::config::ConfigManager;
use crate::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, CostEntry, CostEstimate, CostSum,
    CostTracker, Grouping, Hold, Payer, Period, Renewal, Scope, Settlement, TimeRange,
};
use crate::embed::{Embedder, Embeddings};
use crate::engine::{EventSink, Run, RunEvent};
use crate::error::Result;
use crate::id::{CallId, TaskId, WorkerId};
use crate::journal::{Appended, Event, Journal, NewEvent};
use crate::log::{LogQuery, LogRecord, LogStore};
use crate::money::Usd;
use crate::policy::{Policy, PolicyDecision};
use crate::state::{Snapshot, SnapshotInfo, StateManager};
use crate::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, Task, TaskFilter, TaskQueue,
    TaskRepository,
};
use crate::tool::{Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox};

mock! {
    /// A mock of [`TaskRepository`].
    #[derive(Debug)]
    pub TaskRepository {}

    #[async_trait]
    impl TaskRepository for TaskRepository {
        async fn create(&self, task: &Task) -> Result<Task>;
        async fn get(&self, id: &TaskId) -> Result<Option<Task>>;
        async fn update(&self, task: &Task, now: Timestamp) -> Result<Task>;
        async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>>;
        async fn delete(&self, id: &TaskId, now: Timestamp) -> Result<bool>;
    }
}

mock! {
    /// A mock of [`TaskQueue`].
    #[derive(Debug)]
    pub TaskQueue {}

    #[async_trait]
    impl TaskQueue for TaskQueue {
        async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task>;
        async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;
        async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<HeartbeatStatus>>;
        async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Task>;
        async fn release(
            &self,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task>;
        async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome>;
        async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>>;
        async fn lease(&self, id: &TaskId) -> Result<Option<Lease>>;
        async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>>;
    }
}

mock! {
    /// A mock of [`Journal`].
    #[derive(Debug)]
    pub Journal {}

    #[async_trait]
    impl Journal for Journal {
        async fn append(
            &self,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended>;
        async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>>;
        async fn tail(&self, task: &TaskId) -> Result<Vec<Event>>;
    }
}

mock! {
    /// A mock of [`CostTracker`].
    #[derive(Debug)]
    pub CostTracker {
        /// Stands in for [`CostTracker::book`].
        pub fn book(&self, entry: &CostEntry) -> Result<()>;
        /// Stands in for [`CostTracker::total_in`].
        pub fn total_in(&self, span: TimeRange) -> Result<Usd>;
        /// Stands in for [`CostTracker::cost_by_payer`].
        pub fn cost_by_payer(&self, payer: &Payer) -> Result<Usd>;
        /// Stands in for [`CostTracker::entries`].
        pub fn entries(&self, span: TimeRange, payer: Option<Payer>) -> Result<Vec<CostEntry>>;
        /// Stands in for [`CostTracker::calendar`].
        pub fn calendar(&self) -> Result<Calendar>;
        /// Stands in for [`CostTracker::sums`].
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
        /// Stands in for [`BudgetKeeper::set_budget`].
        pub fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<()>;
        /// Stands in for [`BudgetKeeper::clear_budget`].
        pub fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool>;
        /// Stands in for [`BudgetKeeper::budgets`].
        pub fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>>;
        /// Stands in for [`BudgetKeeper::set_parent`].
        pub fn set_parent(&self, payer: &Payer, parent: Option<Payer>) -> Result<()>;
        /// Stands in for [`BudgetKeeper::ancestors`].
        pub fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>>;
        /// Stands in for [`BudgetKeeper::hold`].
        pub fn hold(&self, hold: &Hold) -> Result<Vec<Alert>>;
        /// Stands in for [`BudgetKeeper::renew`].
        pub fn renew(&self, calls: &[(Payer, CallId)], until: Timestamp) -> Result<Vec<Renewal>>;
        /// Stands in for [`BudgetKeeper::settle`].
        pub fn settle(&self, payer: &Payer, call: &CallId, settlement: &Settlement) -> Result<Vec<Alert>>;
        /// Stands in for [`BudgetKeeper::sweep`].
        pub fn sweep(&self, now: Timestamp) -> Result<usize>;
        /// Stands in for [`BudgetKeeper::open_holds`].
        pub fn open_holds(&self) -> Result<Vec<Hold>>;
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

    async fn sweep(&self, now: Timestamp) -> Result<usize> {
        self.sweep(now)
    }

    async fn open_holds(&self) -> Result<Vec<Hold>> {
        self.open_holds()
    }
}

mock! {
    /// A mock of [`StateManager`].
    #[derive(Debug)]
    pub StateManager {
        /// Stands in for [`StateManager::save_snapshot`].
        pub fn save_snapshot(
            &self,
            task: &TaskId,
            state: &Value,
            name: Option<String>,
            now: Timestamp,
        ) -> Result<String>;
        /// Stands in for [`StateManager::load_snapshot`].
        pub fn load_snapshot(
            &self,
            task: &TaskId,
            name: Option<String>,
        ) -> Result<Option<Snapshot>>;
        /// Stands in for [`StateManager::list_snapshots`].
        pub fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>>;
        /// Stands in for [`StateManager::delete_snapshot`].
        pub fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool>;
    }
}

#[async_trait]
impl StateManager for MockStateManager {
    async fn save_snapshot(
        &self,
        task: &TaskId,
        state: &Value,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<String> {
        self.save_snapshot(task, state, name.map(str::to_owned), now)
    }

    async fn load_snapshot(&self, task: &TaskId, name: Option<&str>) -> Result<Option<Snapshot>> {
        self.load_snapshot(task, name.map(str::to_owned))
    }

    async fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>> {
        self.list_snapshots(task)
    }

    async fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool> {
        self.delete_snapshot(task, id)
    }
}

mock! {
    /// A mock of [`ConfigManager`].
    #[derive(Debug)]
    pub ConfigManager {}

    #[async_trait]
    impl ConfigManager for ConfigManager {
        async fn get(&self, key: &str) -> Result<Option<Value>>;
        async fn set(&self, key: &str, value: &Value) -> Result<()>;
        async fn get_all(&self) -> Result<BTreeMap<String, Value>>;
        async fn delete(&self, key: &str) -> Result<bool>;
    }
}

mock! {
    /// A mock of [`LogStore`].
    #[derive(Debug)]
    pub LogStore {}

    #[async_trait]
    impl LogStore for LogStore {
        async fn append(&self, records: &[LogRecord]) -> Result<()>;
        async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>>;
    }
}

mock! {
    /// A mock of [`Toolbox`].
    #[derive(Debug)]
    pub Toolbox {
        /// Stands in for [`Toolbox::specs`].
        pub fn specs(&self) -> Arc<[ToolSpec]>;
        /// Stands in for [`Toolbox::prepare`].
        pub fn prepare(&self, call: Invocation) -> Result<PreparedCall>;
        /// Stands in for [`Toolbox::witness`].
        pub fn witness(&self, call: &PreparedCall) -> Result<Option<Value>>;
        /// Stands in for [`Toolbox::invoke`].
        pub fn invoke(&self, call: PreparedCall) -> Result<ToolOutput>;
        /// Stands in for [`Toolbox::probe`].
        pub fn probe(&self, call: &PreparedCall, witness: Option<Value>) -> Result<Probed>;
        /// Stands in for [`Toolbox::abandon`].
        pub fn abandon(&self, call: &PreparedCall) -> Result<()>;
    }
}

#[async_trait]
impl Toolbox for MockToolbox {
    fn specs(&self) -> Arc<[ToolSpec]> {
        self.specs()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        self.prepare(call)
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.witness(call)
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        self.invoke(call)
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        self.probe(call, witness.cloned())
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.abandon(call)
    }
}

mock! {
    /// A mock of [`Agent`].
    #[derive(Debug)]
    pub Agent {}

    #[async_trait]
    impl Agent for Agent {
        async fn work(&self, run: &mut Run) -> Result<Answer>;
    }
}

mock! {
    /// A mock of [`Approver`].
    #[derive(Debug)]
    pub Approver {}

    #[async_trait]
    impl Approver for Approver {
        async fn ask(&self, task: &Task, call: &Invocation, reason: &str) -> Result<Approval>;
    }
}

mock! {
    /// A mock of [`Policy`].
    #[derive(Debug)]
    pub Policy {}

    impl Policy for Policy {
        fn evaluate(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision;
    }
}

mock! {
    /// A mock of [`Embedder`].
    #[derive(Debug)]
    pub Embedder {}

    #[async_trait]
    impl Embedder for Embedder {
        fn model(&self) -> &str;
        fn dimensions(&self) -> usize;
        fn estimate_cost(&self, texts: &[String]) -> CostEstimate;
        async fn embed(&self, texts: &[String]) -> Result<Embeddings>;
    }
}

mock! {
    /// A mock of [`Clock`].
    #[derive(Debug)]
    pub Clock {}

    impl Clock for Clock {
        fn now(&self) -> Timestamp;
    }
}

mock! {
    /// A mock of [`EventSink`].
    #[derive(Debug)]
    pub EventSink {}

    impl EventSink for EventSink {
        fn emit(&self, event: &RunEvent);
    }
}
