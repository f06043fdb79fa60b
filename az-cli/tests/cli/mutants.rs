//! `az` with one rule broken: each of these has to be noticed by the crash sweep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_cli::Wiring;
use az_core::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, CostEntry, CostSum, CostTracker, Grouping,
    Hold, Payer, Period, Renewal, Scope, Settlement, TimeRange,
};
use az_core::journal::{
    Appended, Event, EventBody, Journal, ModelOutcome, NewEvent, RunStore, ToolIntent,
};
use az_core::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, TaskFilter, TaskQueue,
    TaskRepository,
};
use az_core::tool::{EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox};
use az_core::{CallId, Result, Task, TaskId, Timestamp, Usd, WorkerId};
use serde_json::Value;

/// The mutants by name.
pub(crate) const NAMES: [&str; 4] =
    ["unsafe-is-run-again", "appends-are-not-probed", "holds-are-forgotten", "intents-come-late"];

/// Returns the wiring of a mutant.
pub(crate) fn wiring(name: &str) -> Wiring {
    let sound = Wiring::default();
    match name {
        "unsafe-is-run-again" => sound.with_toolbox(|inner| tools(inner, Fault::RunsAgain)),
        "appends-are-not-probed" => sound.with_toolbox(|inner| tools(inner, Fault::NeverProbes)),
        "holds-are-forgotten" => sound.with_run_store(|inner| store(inner, Fault::ForgetsHolds)),
        "intents-come-late" => sound.with_run_store(|inner| store(inner, Fault::RecordsLate)),
        other => panic!("no mutant is called {other}"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    RunsAgain,
    NeverProbes,
    ForgetsHolds,
    RecordsLate,
}

fn tools(inner: Arc<dyn Toolbox>, fault: Fault) -> Arc<dyn Toolbox> {
    Arc::new(Tools { inner, fault })
}

fn store(inner: Arc<dyn RunStore>, fault: Fault) -> Arc<dyn RunStore> {
    Arc::new(Store { inner, fault, late: Mutex::default() })
}

#[derive(Debug)]
struct Tools {
    inner: Arc<dyn Toolbox>,
    fault: Fault,
}

#[async_trait]
impl Toolbox for Tools {
    fn specs(&self) -> Arc<[ToolSpec]> {
        self.inner.specs()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let mut call = self.inner.prepare(call)?;
        if self.fault == Fault::RunsAgain && call.effect == EffectClass::Unsafe {
            call.effect = EffectClass::Idempotent;
        }
        Ok(call)
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.inner.witness(call).await
    }

    async fn invoke(&self, mut call: PreparedCall) -> Result<ToolOutput> {
        if self.fault == Fault::NeverProbes {
            // Tools check a repeated call again themselves.
            call.invocation.repeated = false;
        }
        self.inner.invoke(call).await
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        match self.fault {
            Fault::NeverProbes => Ok(Probed::DidNotHappen),
            _ => self.inner.probe(call, witness).await,
        }
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.inner.abandon(call).await
    }
}

#[derive(Debug)]
struct Store {
    inner: Arc<dyn RunStore>,
    fault: Fault,
    /// Intents of tools that are not on record yet, by task.
    late: Mutex<HashMap<TaskId, Vec<NewEvent>>>,
}

impl Store {
    /// Keeps intents of tools back until something else is recorded.
    async fn append_late(
        &self,
        lease: &Lease,
        next_seq: u64,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended> {
        let intents =
            |event: &NewEvent| matches!(event.body, EventBody::ToolIntent(ToolIntent { .. }));
        let count = u64::try_from(events.len()).unwrap();
        if events.iter().all(intents) {
            self.late.lock().unwrap().entry(lease.task.clone()).or_default().extend(events);
            return Ok(Appended { next_seq: next_seq + count, alerts: vec![] });
        }
        let mut all = self.late.lock().unwrap().remove(&lease.task).unwrap_or_default();
        let kept_back = u64::try_from(all.len()).unwrap();
        all.extend(events);
        self.inner.append(lease, next_seq - kept_back, all, now).await
    }
}

#[async_trait]
impl Journal for Store {
    async fn append(
        &self,
        lease: &Lease,
        next_seq: u64,
        mut events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended> {
        if self.fault == Fault::RecordsLate {
            return self.append_late(lease, next_seq, events, now).await;
        }
        for event in &mut events {
            if let EventBody::LlmResult(result) = &mut event.body
                && result.outcome == ModelOutcome::Interrupted
            {
                result.settlement = Settlement::Nothing;
            }
        }
        self.inner.append(lease, next_seq, events, now).await
    }

    async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>> {
        self.inner.read(task, from, limit).await
    }

    async fn tail(&self, task: &TaskId) -> Result<Vec<Event>> {
        self.inner.tail(task).await
    }
}

/// Passes a contract on to the inner store.
macro_rules! pass_on {
    ($contract:ident: $($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)+) => {
        #[async_trait]
        impl $contract for Store {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out> {
                $contract::$name(&*self.inner, $($arg),*).await
            })+
        }
    };
}

pass_on! { TaskRepository:
    create(task: &Task) -> Task;
    get(id: &TaskId) -> Option<Task>;
    update(task: &Task, now: Timestamp) -> Task;
    list(filter: &TaskFilter) -> Vec<Task>;
    delete(id: &TaskId, now: Timestamp) -> bool;
}

pass_on! { TaskQueue:
    enqueue(task: &Task, now: Timestamp) -> Task;
    claim(claim: &Claim) -> Option<Claimed>;
    heartbeat(leases: &[Lease], until: Timestamp) -> Vec<HeartbeatStatus>;
    finish(lease: &Lease, outcome: &Outcome, now: Timestamp) -> Task;
    release(lease: &Lease, not_before: Option<Timestamp>, now: Timestamp) -> Task;
    request_cancel(id: &TaskId, now: Timestamp) -> CancelOutcome;
    cancel_requests(owner: &WorkerId) -> Vec<TaskId>;
    lease(id: &TaskId) -> Option<Lease>;
    leases_of_others(owner: &WorkerId, limit: usize) -> Vec<Lease>;
}

pass_on! { CostTracker:
    book(entry: &CostEntry) -> ();
    total_in(span: TimeRange) -> Usd;
    cost_by_payer(payer: &Payer) -> Usd;
    entries(span: TimeRange, payer: Option<&Payer>) -> Vec<CostEntry>;
    sums(span: TimeRange, by: &Grouping) -> Vec<CostSum>;
    calendar() -> Calendar;
}

pass_on! { BudgetKeeper:
    set_budget(budget: &Budget, now: Timestamp) -> ();
    clear_budget(scope: &Scope, period: Period) -> bool;
    budgets(now: Timestamp) -> Vec<BudgetStatus>;
    hold(hold: &Hold) -> Vec<Alert>;
    set_parent(payer: &Payer, parent: Option<&Payer>) -> ();
    ancestors(payer: &Payer) -> Vec<Payer>;
    renew(calls: &[(Payer, CallId)], until: Timestamp) -> Vec<Renewal>;
    settle(payer: &Payer, call: &CallId, settlement: &Settlement) -> Vec<Alert>;
    sweep(now: Timestamp) -> usize;
    open_holds() -> Vec<Hold>;
}
