//! Two engines on one machine whose wall clock is set: a lease and a hold last as long as they should,
//! no longer and no less.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::call::{
    Account, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, PayerAccount, Restart,
};
use az_core::clock::{ManualClock, later};
use az_core::cost::{BudgetKeeper, Charge, CostTracker, TimeRange, Usage};
use az_core::engine::{
    Engine, EngineOptions, ExecutionEngine, Run, Stop, WhenIdle, Worker, WorkerOptions,
    WorkerReport,
};
use az_core::journal::ModelReply;
use az_core::memory::MemoryStore;
use az_core::task::{Claim, TaskQueue};
use az_core::testing::sample::{at, payer, task, task_id, worker};
use az_core::{Error, TaskStatus, Usd};
use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::time::timeout;

const LEASE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Notifies that it was called, and replies at a cost of 7 once it is released.
#[derive(Debug, Clone, Default)]
struct Model {
    called: Arc<Notify>,
    released: Arc<Notify>,
}

#[async_trait]
impl ModelEffect for Model {
    async fn call(&self, _meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        self.called.notify_one();
        self.released.notified().await;
        let charge = Charge::new(Usage::tokens(10, 5), Some(Usd::from_nanos(7)));
        Ok(ModelCompletion { reply: ModelReply::text("done"), charge })
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}

fn request() -> ModelRequest {
    ModelRequest::new("test", "m").with_estimate(Some(Usd::from_nanos(1_000)), 10)
}

/// A machine with a store and a model.
struct Machine {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    model: Model,
}

impl Machine {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
        Self { store: MemoryStore::new(), clock, model: Model::default() }
    }

    /// Returns an engine, as another process would create it, whose tasks call the model once.
    fn engine(&self, name: &str) -> Engine {
        let model = self.model.clone();
        let agent = FnAgent::new(move |run: &mut Run| {
            let model = model.clone();
            async move {
                run.call_model(&request(), &model).await?;
                Ok(Answer("done".to_owned()))
            }
            .boxed()
        });
        let mut options = EngineOptions::new(worker(name));
        options.lease = LEASE;
        Engine::new(Arc::new(self.store.clone()), Arc::new(agent), options).with_clock(Arc::<
            ManualClock,
        >::clone(
            &self.clock,
        ))
    }

    /// Runs another process that works until no task is left. One that takes a task whose model call
    /// is never answered fails.
    async fn work(&self) -> WorkerReport {
        let options = WorkerOptions {
            concurrency: 1,
            when_idle: WhenIdle::End,
            poll: Duration::from_millis(10),
        };
        let worker = Worker::new(self.engine("other"), options);
        let worked = timeout(Duration::from_secs(5), worker.run(Stop::new())).await;
        worked.expect("the task of another worker was claimed").unwrap()
    }

    async fn spent(&self) -> Usd {
        self.store.total_in(TimeRange::ALL).await.unwrap()
    }
}

/// Checks `Clock` 2.
#[tokio::test]
async fn a_wall_clock_that_jumps_forward_takes_no_task_and_no_hold_from_a_living_worker() {
    let machine = Machine::new();
    let engine = machine.engine("first");
    let running = tokio::spawn(async move { engine.execute(task("a", 0), None).await });
    machine.model.called.notified().await;
    machine.clock.jump(DAY);
    assert_eq!(machine.work().await, WorkerReport::default());
    assert_eq!(machine.store.open_holds().await.unwrap().len(), 1, "the hold was swept");
    let named = machine.engine("named").resume_until(&task_id("a"), Stop::new()).await;
    assert!(matches!(named, Err(Error::LeaseHeld { .. })), "{named:?}");
    machine.model.released.notify_one();
    let ended = running.await.unwrap().unwrap();
    assert_eq!((ended.status, machine.spent().await), (TaskStatus::Completed, Usd::from_nanos(7)));
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_keeps_no_task_of_a_dead_worker() {
    let machine = Machine::new();
    machine.store.enqueue(&task("a", 0), at(0)).await.unwrap();
    let claim = Claim::next(worker("dead"), at(0), later(at(0), LEASE));
    machine.store.claim(&claim).await.unwrap().unwrap();
    machine.model.released.notify_one();

    machine.clock.advance(LEASE - Duration::from_secs(1));
    assert_eq!(machine.work().await, WorkerReport::default(), "the lease has not expired");
    machine.clock.set(at(-60 * 24 * 365));
    machine.clock.advance(Duration::from_secs(1));
    assert_eq!(machine.work().await, WorkerReport { completed: 1, ..WorkerReport::default() });
}

#[tokio::test]
async fn a_payers_hold_is_not_swept_by_a_wall_clock_that_jumps_forward() {
    let machine = Machine::new();
    let (store, clock) = (Arc::new(machine.store.clone()), Arc::clone(&machine.clock));
    let mut account = PayerAccount::new(store, clock, payer("key:test"), "c").unwrap();
    let model = machine.model.clone();
    let paying = tokio::spawn(async move { account.attempt(&request(), &model).await });
    machine.model.called.notified().await;
    machine.clock.jump(DAY);
    machine.work().await;
    assert_eq!(machine.store.open_holds().await.unwrap().len(), 1, "the hold was swept");
    machine.model.released.notify_one();
    paying.await.unwrap().unwrap();
    assert_eq!(machine.spent().await, Usd::from_nanos(7));
}
