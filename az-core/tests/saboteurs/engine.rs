//! An engine and a worker on a store that is busy or full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::call::{Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, Restart};
use az_core::clock::ManualClock;
use az_core::cost::{BudgetKeeper, Charge, CostTracker, Usage};
use az_core::engine::{
    Engine, EngineOptions, EventSink, ExecutionEngine, Run, RunEvent, RunEventKind, Stop, WhenIdle,
    Worker, WorkerOptions, WorkerReport,
};
use az_core::journal::{Appended, EventBody, Journal, ModelReply, NewEvent};
use az_core::memory::MemoryStore;
use az_core::task::{HeartbeatStatus, Lease, TaskQueue, TaskRepository};
use az_core::testing::sample::{always, at, task, task_id, worker};
use az_core::{Error, Result, Task, TaskStatus, Timestamp, Usd};
use futures_util::FutureExt;

use crate::support::{BendRuns, Bent};

const LEASE: Duration = Duration::from_secs(30);
const DIME: Usd = Usd::from_nanos(100_000_000);

/// The writes that a store refuses.
#[derive(Debug, Clone, Default)]
struct Trouble {
    /// The number of intents of model calls that are refused because the store is busy.
    busy_intents: Arc<AtomicUsize>,
    /// Heartbeats are refused because the store is busy.
    busy_heartbeats: Arc<AtomicBool>,
    /// Events are refused because the store is full.
    full_for_events: Arc<AtomicBool>,
    /// Releases are refused because the store is full.
    full_for_releases: Arc<AtomicBool>,
}

fn busy() -> Error {
    Error::Busy { backend: "test", source: "locked".into() }
}

fn full() -> Error {
    Error::Full { backend: "test", source: "no space".into() }
}

#[async_trait]
impl BendRuns for Trouble {
    async fn append(
        &self,
        store: &MemoryStore,
        lease: &Lease,
        next_seq: u64,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended> {
        if self.full_for_events.load(Ordering::SeqCst) {
            return Err(full());
        }
        let is_intent = |event: &NewEvent| matches!(event.body, EventBody::LlmIntent(_));
        let count = |left: usize| left.checked_sub(1);
        if events.iter().any(is_intent)
            && self.busy_intents.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).is_ok()
        {
            return Err(busy());
        }
        Journal::append(store, lease, next_seq, events, now).await
    }

    async fn heartbeat(
        &self,
        store: &MemoryStore,
        leases: &[Lease],
        until: Timestamp,
    ) -> Result<Vec<HeartbeatStatus>> {
        if self.busy_heartbeats.load(Ordering::SeqCst) {
            return Err(busy());
        }
        TaskQueue::heartbeat(store, leases, until).await
    }

    async fn release(
        &self,
        store: &MemoryStore,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Task> {
        if self.full_for_releases.load(Ordering::SeqCst) {
            return Err(full());
        }
        TaskQueue::release(store, lease, not_before, now).await
    }
}

/// Counts its calls; each costs a cent and may cost a dime.
#[derive(Debug, Clone, Default)]
struct Model(Arc<AtomicUsize>);

#[async_trait]
impl ModelEffect for Model {
    async fn call(&self, _meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let charge = Charge::new(Usage::tokens(10, 5), Some(Usd::from_nanos(10_000_000)));
        Ok(ModelCompletion { reply: ModelReply::text("done"), charge })
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}

fn engine(store: &MemoryStore, trouble: &Trouble, model: &Model) -> Engine {
    let model = model.clone();
    let agent = FnAgent::new(move |run: &mut Run| {
        let model = model.clone();
        async move {
            let request = ModelRequest::new("test", "m").with_estimate(Some(DIME), 10);
            run.call_model(&request, &model).await?;
            Ok(Answer("done".to_owned()))
        }
        .boxed()
    });
    let mut options = EngineOptions::new(worker("engine"));
    options.lease = LEASE;
    let store = Bent::by(store.clone(), trouble.clone());
    Engine::new(Arc::new(store), Arc::new(agent), options)
}

/// Returns the status of task `a`, the number of open holds, and what was booked.
async fn state(store: &MemoryStore) -> (TaskStatus, usize, Usd) {
    let status = store.get(&task_id("a")).await.unwrap().unwrap().status;
    let holds = store.open_holds().await.unwrap().len();
    (status, holds, store.total_in(always()).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_intent_waits_for_a_busy_store_while_the_lease_is_valid() {
    let (store, trouble, model) = (MemoryStore::new(), Trouble::default(), Model::default());
    trouble.busy_intents.store(5, Ordering::SeqCst);
    let ended = engine(&store, &trouble, &model).execute(task("a", 0), None).await.unwrap();
    assert_eq!((ended.status, model.0.load(Ordering::SeqCst)), (TaskStatus::Completed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_store_stays_busy_is_returned_to_the_queue() {
    let (store, trouble, model) = (MemoryStore::new(), Trouble::default(), Model::default());
    trouble.busy_intents.store(usize::MAX, Ordering::SeqCst);
    trouble.busy_heartbeats.store(true, Ordering::SeqCst);
    let begun = tokio::time::Instant::now();
    let ended = engine(&store, &trouble, &model).execute(task("a", 0), None).await;
    assert!(matches!(ended, Err(Error::Busy { .. })), "{ended:?}");
    assert!(begun.elapsed() < LEASE, "another worker may have the task: {:?}", begun.elapsed());
    assert_eq!(state(&store).await, (TaskStatus::Pending, 0, Usd::ZERO));
    assert_eq!(model.0.load(Ordering::SeqCst), 0);
}

/// Stops the machine for as long as a lease once the intent of a model call is recorded, and makes
/// the store refuse heartbeats from then on.
#[derive(Debug)]
struct StopMachine {
    clock: Arc<ManualClock>,
    trouble: Trouble,
}

impl EventSink for StopMachine {
    fn emit(&self, event: &RunEvent) {
        let RunEventKind::Recorded(recorded) = &event.kind else { return };
        if matches!(recorded.body, EventBody::LlmIntent(_)) {
            self.trouble.busy_heartbeats.store(true, Ordering::SeqCst);
            self.clock.advance(LEASE);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_fence_refused_costs_nothing() {
    let (store, trouble, model) = (MemoryStore::new(), Trouble::default(), Model::default());
    let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
    let sink = StopMachine { clock: Arc::clone(&clock), trouble: trouble.clone() };
    let engine = engine(&store, &trouble, &model).with_clock(clock).with_sink(Arc::new(sink));
    let ended = engine.execute(task("a", 0), None).await;
    assert!(matches!(ended, Err(Error::Busy { .. })), "{ended:?}");
    assert_eq!(state(&store).await, (TaskStatus::Pending, 0, Usd::ZERO));
    assert_eq!(model.0.load(Ordering::SeqCst), 0);
}

/// Runs a worker on three tasks while the store is full; returns the counts, and the status of each.
async fn on_a_full_store(trouble: Trouble) -> (WorkerReport, Vec<TaskStatus>) {
    let store = MemoryStore::new();
    for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        store.enqueue(&task(id, n), at(n)).await.unwrap();
    }
    trouble.full_for_events.store(true, Ordering::SeqCst);
    let options =
        WorkerOptions { concurrency: 1, when_idle: WhenIdle::End, poll: Duration::from_millis(10) };
    let worker = Worker::new(engine(&store, &trouble, &Model::default()), options);
    let ended = worker.run(Stop::new()).await.unwrap_err();
    assert!(matches!(ended.source, Error::Full { .. }), "{ended}");
    let mut statuses = Vec::new();
    for id in ["a", "b", "c"] {
        statuses.push(store.get(&task_id(id)).await.unwrap().unwrap().status);
    }
    (ended.report, statuses)
}

#[tokio::test(start_paused = true)]
async fn a_worker_on_a_full_store_returns_its_task_and_ends_with_the_error() {
    let (report, statuses) = on_a_full_store(Trouble::default()).await;
    assert_eq!(report, WorkerReport { released: 1, ..WorkerReport::default() });
    assert_eq!(statuses, [TaskStatus::Pending; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_counts_a_task_that_it_could_not_return_to_the_queue() {
    let trouble = Trouble::default();
    trouble.full_for_releases.store(true, Ordering::SeqCst);
    let (report, statuses) = on_a_full_store(trouble).await;
    assert_eq!(report, WorkerReport { unreleased: 1, ..WorkerReport::default() });
    assert_eq!(statuses, [TaskStatus::Running, TaskStatus::Pending, TaskStatus::Pending]);
}
