//! `az` with one rule broken: each of these has to be noticed by the crash sweep.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_cli::Wiring;
use az_core::clock::BootTime;
use az_core::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, CostEntry, CostSum, CostTracker, Grouping,
    Hold, Payer, Period, Reconciliation, Renewal, Scope, Settlement, TimeRange,
};
use az_core::journal::{
    Appended, Event, EventBody, Hint, HintQueue, Journal, ModelOutcome, NewEvent, RunStore,
    ToolCallSummary, ToolIntent,
};
use az_core::lease::LeaseAnchors;
use az_core::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, TaskFilter, TaskQueue,
    TaskRepository, WaitAnswer, Waiting,
};
use az_core::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox,
};
use az_core::{CallId, Error, Result, Task, TaskId, Timestamp, Usd, WorkerId};
use serde_json::Value;

use super::scenario::{Crash, Death, Scenario, Trouble};

/// A mutant, and the kind of scenario that has to catch it.
#[derive(Debug)]
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// The rule that it breaks.
    pub(super) rule: &'static str,
    death: Death,
    trouble: Trouble,
    /// The crash points at which it is looked for.
    points: &'static [&'static str],
}

impl Mutant {
    /// Returns the scenarios of its kind, for a run that passes these crash points.
    pub(super) fn scenarios(&self, passages: &[String]) -> Vec<Scenario> {
        let (death, trouble) = (self.death, self.trouble);
        let at = passages.iter().zip(1..).filter(|(name, _)| self.points.contains(&name.as_str()));
        at.map(|(_, passage)| Scenario(vec![Crash { passage, death, trouble }])).collect()
    }
}

pub(super) const MUTANTS: [Mutant; 12] = [
    Mutant {
        name: "unsafe-is-run-again",
        rule: "an interrupted unsafe call is not made again",
        death: Death::Kill,
        trouble: Trouble::Alone,
        points: &["tool.called"],
    },
    Mutant {
        name: "appends-are-not-probed",
        rule: "an interrupted append is probed",
        death: Death::Kill,
        trouble: Trouble::Alone,
        points: &["fs.append.after_write"],
    },
    Mutant {
        name: "edits-are-not-probed",
        rule: "an interrupted edit is probed",
        death: Death::Kill,
        trouble: Trouble::Alone,
        points: &["fs.write.after_rename"],
    },
    Mutant {
        name: "holds-are-forgotten",
        rule: "an interrupted model call is booked",
        death: Death::Kill,
        trouble: Trouble::Alone,
        points: &["model.called"],
    },
    Mutant {
        name: "intents-come-late",
        rule: "an intent is recorded before the effect",
        death: Death::Kill,
        trouble: Trouble::Alone,
        points: &["tool.called"],
    },
    Mutant {
        name: "equal-bytes-count-as-an-append",
        rule: "an interrupted append is recognized by its mark, not by its bytes",
        death: Death::Kill,
        trouble: Trouble::SameBytes,
        points: &["tool.call"],
    },
    Mutant {
        name: "leases-are-not-fenced",
        rule: "a worker does nothing more when another one has claimed its task",
        death: Death::Takeover,
        trouble: Trouble::Alone,
        points: &["tool.call"],
    },
    Mutant {
        name: "what-is-cut-short-has-failed",
        rule: "the outcome of a command that was cut short is unknown",
        death: Death::Terminate,
        trouble: Trouble::Alone,
        points: &["shell.spawned"],
    },
    Mutant {
        name: "writes-are-not-probed",
        rule: "an interrupted replacement of a file is probed",
        death: Death::Kill,
        trouble: Trouble::OtherEdit,
        points: &["fs.write.before_rename"],
    },
    Mutant {
        name: "results-are-dropped",
        rule: "a result is kept in memory while the database is locked",
        death: Death::Takeover,
        trouble: Trouble::LockedDatabase,
        points: &["model.called"],
    },
    Mutant {
        name: "leases-follow-the-wall-clock",
        rule: "a lease expires in lease time, which does not jump",
        death: Death::Kill,
        trouble: Trouble::ClockJump,
        points: &["model.call"],
    },
    Mutant {
        name: "drafts-are-left",
        rule: "the temporary file of an interrupted write is removed",
        death: Death::Kill,
        trouble: Trouble::Alone,
        points: &["fs.write.before_rename"],
    },
];

/// Returns the wiring of a mutant.
pub(super) fn wiring(name: &str) -> Wiring {
    let sound = Wiring::default();
    match name {
        "unsafe-is-run-again" => sound.with_toolbox(|inner| tools(inner, ToolFault::RunsAgain)),
        "appends-are-not-probed" | "edits-are-not-probed" => {
            sound.with_toolbox(|inner| tools(inner, ToolFault::NeverProbes))
        }
        "equal-bytes-count-as-an-append" => {
            sound.with_toolbox(|inner| tools(inner, ToolFault::ComparesBytes))
        }
        "what-is-cut-short-has-failed" => {
            sound.with_toolbox(|inner| tools(inner, ToolFault::Fails))
        }
        "writes-are-not-probed" => sound.with_toolbox(|inner| tools(inner, ToolFault::Overwrites)),
        "drafts-are-left" => sound.with_toolbox(|inner| tools(inner, ToolFault::LeavesDrafts)),
        "holds-are-forgotten" => {
            sound.with_run_store(|inner| store(inner, StoreFault::ForgetsHolds))
        }
        "intents-come-late" => sound.with_run_store(|inner| store(inner, StoreFault::RecordsLate)),
        "leases-are-not-fenced" => {
            sound.with_run_store(|inner| store(inner, StoreFault::KeepsLeases))
        }
        "leases-follow-the-wall-clock" => {
            sound.with_run_store(|inner| store(inner, StoreFault::FollowsWallClock))
        }
        "results-are-dropped" => sound.with_run_store(|inner| store(inner, StoreFault::GivesUp)),
        other => panic!("no mutant is called {other}"),
    }
}

/// A rule that tools break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ToolFault {
    /// An interrupted unsafe call is made again.
    RunsAgain,
    /// An interrupted write or append is made again.
    NeverProbes,
    /// An interrupted append counts as done if its bytes are where it would have written them.
    ComparesBytes,
    /// A call that was cut short counts as failed.
    Fails,
    /// An interrupted replacement is made again.
    Overwrites,
    /// The temporary file of an interrupted write stays.
    LeavesDrafts,
}

/// A rule that the store breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoreFault {
    /// The hold of an interrupted model call is freed and not booked.
    ForgetsHolds,
    /// The intent of a tool call is recorded with its result.
    RecordsLate,
    /// A heartbeat renews a lease also after another worker has claimed the task.
    KeepsLeases,
    /// Leases expire by the wall clock.
    FollowsWallClock,
    /// A result is not recorded later if the database is locked.
    GivesUp,
}

fn tools(inner: Arc<dyn Toolbox>, fault: ToolFault) -> Arc<dyn Toolbox> {
    Arc::new(Tools { inner, fault })
}

fn store(inner: Arc<dyn RunStore>, fault: StoreFault) -> Arc<dyn RunStore> {
    Arc::new(Store { inner, fault, late: Mutex::default() })
}

#[derive(Debug)]
struct Tools {
    inner: Arc<dyn Toolbox>,
    fault: ToolFault,
}

impl Tools {
    /// Whether an interrupted call is made again, whatever a probe would find.
    fn makes_again(&self, call: &PreparedCall) -> bool {
        match self.fault {
            ToolFault::NeverProbes => true,
            ToolFault::Overwrites => call.invocation.arguments.get("append").is_none(),
            _ => false,
        }
    }
}

/// Whether the content of an append is where the file ended before the call.
fn has_bytes(call: &PreparedCall, witness: Option<&Value>) -> Option<bool> {
    let Invocation { arguments, workspace, .. } = &call.invocation;
    arguments.get("append")?;
    let content = arguments.get("content")?.as_str()?;
    let path = Path::new(workspace.as_ref()?).join(arguments.get("path")?.as_str()?);
    let before = witness?.pointer("/file/length").and_then(Value::as_u64).unwrap_or(0);
    let found = fs::read_to_string(path).unwrap_or_default();
    Some(found.get(usize::try_from(before).ok()?..)?.starts_with(content))
}

#[async_trait]
impl Toolbox for Tools {
    fn specs(&self) -> Arc<[ToolSpec]> {
        self.inner.specs()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let mut call = self.inner.prepare(call)?;
        if self.fault == ToolFault::RunsAgain && call.effect == EffectClass::Unsafe {
            call.effect = EffectClass::Idempotent;
        }
        Ok(call)
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.inner.witness(call).await
    }

    async fn invoke(&self, mut call: PreparedCall) -> Result<ToolOutput> {
        if self.makes_again(&call) {
            // Tools check a repeated call, and what the model has seen, again themselves.
            call.invocation.repeated = false;
            call.invocation.seen = None;
        }
        let mut output = self.inner.invoke(call).await?;
        output.unknown &= self.fault != ToolFault::Fails;
        Ok(output)
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        if self.makes_again(call) {
            return Ok(Probed::DidNotHappen);
        }
        if self.fault == ToolFault::ComparesBytes && has_bytes(call, witness) == Some(true) {
            return Ok(Probed::Happened(ToolOutput::done("appended")));
        }
        self.inner.probe(call, witness).await
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        if self.fault == ToolFault::LeavesDrafts {
            return Ok(());
        }
        self.inner.abandon(call).await
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.inner.background(task).await
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.inner.end_background(task).await
    }
}

#[derive(Debug)]
struct Store {
    inner: Arc<dyn RunStore>,
    fault: StoreFault,
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
        if self.fault == StoreFault::RecordsLate {
            return self.append_late(lease, next_seq, events, now).await;
        }
        for event in &mut events {
            if let EventBody::LlmResult(result) = &mut event.body
                && self.fault == StoreFault::ForgetsHolds
                && result.outcome == ModelOutcome::Interrupted
            {
                result.settlement = Settlement::Nothing;
            }
        }
        match self.inner.append(lease, next_seq, events, now).await {
            Err(Error::Busy { backend, source }) if self.fault == StoreFault::GivesUp => {
                Err(Error::Internal(format!("{backend}: {source}")))
            }
            appended => appended,
        }
    }

    async fn answer(&self, task: &TaskId, answer: &WaitAnswer, now: Timestamp) -> Result<Task> {
        self.inner.answer(task, answer, now).await
    }

    async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>> {
        self.inner.read(task, from, limit).await
    }

    async fn tail(&self, task: &TaskId) -> Result<Vec<Event>> {
        self.inner.tail(task).await
    }

    async fn tool_calls(&self, span: TimeRange) -> Result<Vec<ToolCallSummary>> {
        self.inner.tool_calls(span).await
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

#[async_trait]
impl LeaseAnchors for Store {
    async fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp> {
        if self.fault == StoreFault::FollowsWallClock {
            return Ok(now);
        }
        self.inner.lease_anchor(boot, now).await
    }
}

pass_on! { HintQueue:
    send_hint(task: &TaskId, hint: &Hint, now: Timestamp) -> ();
    hints(task: &TaskId) -> Vec<Hint>;
}

pass_on! { TaskRepository:
    create(task: &Task) -> Task;
    get(id: &TaskId) -> Option<Task>;
    update(task: &Task, now: Timestamp) -> Task;
    list(filter: &TaskFilter) -> Vec<Task>;
    delete(id: &TaskId, now: Timestamp) -> bool;
}

#[async_trait]
impl TaskQueue for Store {
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task> {
        self.inner.enqueue(task, now).await
    }

    async fn spawn(&self, parent: &Lease, task: &Task, now: Timestamp) -> Result<Task> {
        self.inner.spawn(parent, task, now).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        self.inner.claim(claim).await
    }

    async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<HeartbeatStatus>> {
        let mut statuses = self.inner.heartbeat(leases, until).await?;
        if self.fault == StoreFault::KeepsLeases {
            statuses.fill(HeartbeatStatus::Held);
        }
        Ok(statuses)
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Task> {
        self.inner.finish(lease, outcome, now).await
    }

    async fn release(
        &self,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Task> {
        self.inner.release(lease, not_before, now).await
    }

    async fn park(&self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<Task> {
        self.inner.park(lease, waiting, now).await
    }

    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome> {
        self.inner.request_cancel(id, now).await
    }

    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>> {
        self.inner.cancel_requests(owner).await
    }

    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>> {
        self.inner.lease(id).await
    }

    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>> {
        self.inner.leases_of_others(owner, limit).await
    }
}

pass_on! { CostTracker:
    book(entry: &CostEntry) -> ();
    total_in(span: TimeRange) -> Usd;
    cost_by_payer(payer: &Payer) -> Usd;
    entries(span: TimeRange, payer: Option<&Payer>) -> Vec<CostEntry>;
    uncertain(span: TimeRange, payer: Option<&Payer>) -> Vec<CostEntry>;
    reconcile(decided: &Reconciliation) -> Option<CostEntry>;
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
