//! Leases that may have expired: no effect is begun under one, and no result is lost.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::call::{
    Account, Attempt, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest,
    PayerAccount, Restart,
};
use az_core::clock::{Clock, ManualClock, later};
use az_core::cost::{Charge, Payer, Settlement, Usage};
use az_core::engine::{
    Engine, EngineOptions, EventSink, ExecutionEngine, Run, RunEvent, RunEventKind, Stop,
    StopReason,
};
use az_core::journal::{EventBody, Journal, ModelReply, ToolOutcome};
use az_core::memory::MemoryStore;
use az_core::policy::AllowEverything;
use az_core::task::{Claim, TaskQueue};
use az_core::testing::mocks::MockBudgetKeeper;
use az_core::testing::sample::{at, task, task_id, worker};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::EffectClass;
use az_core::{Error, Result, TaskStatus, Usd};
use futures_util::FutureExt;
use serde_json::json;

const LEASE: Duration = Duration::from_secs(30);

/// Counts its calls.
#[derive(Debug, Clone, Default)]
struct Model(Arc<AtomicUsize>);

#[async_trait]
impl ModelEffect for Model {
    async fn call(&self, _meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let charge = Charge::new(Usage::tokens(10, 5), Some(Usd::from_nanos(10)));
        Ok(ModelCompletion { reply: ModelReply::text("done"), charge })
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}

/// Stops the machine for longer than a lease once an intent is recorded; then another worker may claim
/// the task.
#[derive(Debug)]
struct Pause {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    after: &'static str,
    is_taken_over: bool,
}

impl EventSink for Pause {
    fn emit(&self, event: &RunEvent) {
        let RunEventKind::Recorded(recorded) = &event.kind else { return };
        let name = match &recorded.body {
            EventBody::LlmIntent(_) => "llm_intent",
            EventBody::ToolIntent(_) => "tool_intent",
            _ => return,
        };
        if name == self.after {
            self.stop_machine();
        }
    }
}

impl Pause {
    fn stop_machine(&self) {
        self.clock.advance(LEASE);
        if self.is_taken_over {
            let now = self.clock.now();
            let claim = Claim::next(worker("other"), now, later(now, LEASE));
            let claimed = self.store.claim(&claim).now_or_never().expect("memory does not wait");
            claimed.unwrap().expect("the lease has expired");
        }
    }
}

/// Runs a task that calls a model and an unsafe tool, with a pause after an intent; returns its end and
/// how often model and tool were called.
async fn paused(after: &'static str, is_taken_over: bool) -> (Result<TaskStatus>, usize, usize) {
    let store = MemoryStore::new();
    let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
    let model = Model::default();
    let calls = Arc::clone(&model.0);
    let agent = FnAgent::new(move |run: &mut Run| {
        let model = model.clone();
        async move {
            let request =
                ModelRequest::new("test", "m").with_estimate(Some(Usd::from_nanos(10)), 10);
            run.call_model(&request, &model).await?;
            run.call_tool("once", "send", json!({})).await?;
            Ok(Answer("done".to_owned()))
        }
        .boxed()
    });
    let tools = FakeToolbox::new().with(FakeTool::new("send").with_effect(EffectClass::Unsafe));
    let mut options = EngineOptions::new(worker("engine"));
    options.lease = LEASE;
    let sink = Pause { clock: Arc::clone(&clock), store: store.clone(), after, is_taken_over };
    let engine = Engine::new(Arc::new(store), Arc::new(agent), options)
        .with_clock(clock)
        .with_toolbox(Arc::new(tools.clone()))
        .with_policy(Arc::new(AllowEverything))
        .with_sink(Arc::new(sink));
    let ended = engine.execute(task("a", 0), None).await.map(|task| task.status);
    (ended, calls.load(Ordering::SeqCst), tools.invoked().len())
}

/// Checks `Agent` 1.
#[tokio::test]
async fn no_effect_is_begun_after_a_takeover() {
    for (after, model_calls) in [("llm_intent", 0), ("tool_intent", 1)] {
        let (ended, called, invoked) = paused(after, true).await;
        let lost = matches!(&ended, Err(Error::LeaseLost { task, .. }) if *task == task_id("a"));
        assert!(lost, "{after}: {ended:?}");
        assert_eq!((called, invoked), (model_calls, 0), "{after}");
    }
}

#[tokio::test]
async fn a_lease_that_no_other_worker_claimed_is_renewed_and_the_effect_begun_once() {
    for after in ["llm_intent", "tool_intent"] {
        let (ended, called, invoked) = paused(after, false).await;
        assert_eq!((ended.unwrap(), called, invoked), (TaskStatus::Completed, 1, 1), "{after}");
    }
}

/// What happens right before the tool makes a call, after the engine has checked the lease.
#[derive(Debug, Clone, Copy)]
enum Stopped {
    /// The machine stops for longer than a lease, the first time.
    Once { is_taken_over: bool },
    /// The machine stops for longer than a lease, the first time, while the run is requested to stop.
    OnceAtShutdown,
    /// The machine stops for longer than a lease, each time.
    EachTime,
}

/// The end of a run whose tool refused a call because the lease may have expired.
#[derive(Debug)]
struct Refused {
    ended: Result<TaskStatus>,
    attempts: usize,
    effects: usize,
    outcomes: Vec<ToolOutcome>,
}

/// Runs a task with one call, while the machine stops.
async fn refused_by_the_tool(effect: EffectClass, stopped: Stopped) -> Refused {
    let store = MemoryStore::new();
    let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
    let agent = FnAgent::new(move |run: &mut Run| {
        async move {
            run.call_tool("once", "send", json!({})).await?;
            Ok(Answer("done".to_owned()))
        }
        .boxed()
    });
    let is_taken_over = matches!(stopped, Stopped::Once { is_taken_over: true });
    let pause = Pause { clock: Arc::clone(&clock), store: store.clone(), after: "", is_taken_over };
    let (stop, attempts) = (Stop::new(), Arc::new(AtomicUsize::new(0)));
    let (stop_, attempts_) = (stop.clone(), Arc::clone(&attempts));
    let before = move || {
        let is_first = attempts_.fetch_add(1, Ordering::SeqCst) == 0;
        if is_first || matches!(stopped, Stopped::EachTime) {
            pause.stop_machine();
        }
        if matches!(stopped, Stopped::OnceAtShutdown) {
            stop_.request(StopReason::Shutdown);
        }
    };
    let tools = FakeToolbox::new()
        .with(FakeTool::new("send").with_effect(effect))
        .before_invoking(Arc::new(before));
    let mut options = EngineOptions::new(worker("engine"));
    options.lease = LEASE;
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(agent), options)
        .with_clock(clock)
        .with_toolbox(Arc::new(tools.clone()))
        .with_policy(Arc::new(AllowEverything));
    let ended = engine.execute_until(task("a", 0), stop).await.map(|task| task.status);
    let events = store.read(&task_id("a"), 0, 100).await.unwrap();
    let outcomes = events.into_iter().filter_map(|event| match event.event.body {
        EventBody::ToolResult(result) => Some(result.outcome),
        _ => None,
    });
    Refused {
        ended,
        attempts: attempts.load(Ordering::SeqCst),
        effects: tools.effects().values().sum(),
        outcomes: outcomes.collect(),
    }
}

const EFFECTS: [EffectClass; 3] =
    [EffectClass::Idempotent, EffectClass::Probe, EffectClass::Unsafe];

/// Nothing was done, so no failure is recorded.
#[tokio::test]
async fn a_call_that_the_tool_refused_under_an_expired_lease_is_made_once_the_lease_is_renewed() {
    for effect in EFFECTS {
        let refused = refused_by_the_tool(effect, Stopped::Once { is_taken_over: false }).await;
        assert_eq!((refused.attempts, refused.effects), (2, 1), "{effect:?}");
        assert_eq!(refused.outcomes, [ToolOutcome::Done], "{effect:?}");
        assert_eq!(refused.ended.unwrap(), TaskStatus::Completed, "{effect:?}");
    }
}

#[tokio::test]
async fn a_call_that_the_tool_refused_after_a_takeover_is_left_to_the_new_owner() {
    for effect in EFFECTS {
        let refused = refused_by_the_tool(effect, Stopped::Once { is_taken_over: true }).await;
        let is_lost = matches!(refused.ended, Err(Error::LeaseLost { .. }));
        assert!(is_lost, "{effect:?}: {refused:?}");
        assert_eq!((refused.attempts, refused.effects), (1, 0), "{effect:?}");
        assert_eq!(refused.outcomes, [], "{effect:?}");
    }
}

/// Checks `Toolbox` 10.
#[tokio::test]
async fn a_call_that_the_tool_refuses_each_time_has_no_result_and_ends_the_run() {
    for effect in EFFECTS {
        let refused = refused_by_the_tool(effect, Stopped::EachTime).await;
        let is_lost = matches!(refused.ended, Err(Error::LeaseLost { .. }));
        assert!(is_lost, "{effect:?}: {refused:?}");
        assert_eq!((refused.attempts, refused.effects), (4, 0), "{effect:?}");
        assert_eq!(refused.outcomes, [], "{effect:?}");
    }
}

/// Checks `Toolbox` 10.
#[tokio::test]
async fn a_call_that_the_tool_refused_is_not_made_after_a_stop() {
    for effect in EFFECTS {
        let refused = refused_by_the_tool(effect, Stopped::OnceAtShutdown).await;
        assert_eq!((refused.attempts, refused.effects), (1, 0), "{effect:?}: {refused:?}");
        assert_eq!(refused.outcomes, [], "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_settlement_of_a_payers_call_waits_for_a_busy_store() {
    let mut keeper = MockBudgetKeeper::new();
    keeper.expect_hold().times(1).returning(|_| Ok(Vec::new()));
    let busy = || Error::Busy { backend: "test", source: "locked".into() };
    keeper.expect_settle().times(3).returning(move |_, _, _| Err(busy()));
    let paid = |settlement: &Settlement| matches!(settlement, Settlement::Paid(_));
    keeper
        .expect_settle()
        .withf(move |_, _, settlement| paid(settlement))
        .times(1)
        .returning(|_, _, _| Ok(Vec::new()));
    let clock = Arc::new(ManualClock::at(at(0)));
    let payer = Payer::from(&task_id("a"));
    let mut account = PayerAccount::new(Arc::new(keeper), clock, payer, "x").unwrap();
    let request = ModelRequest::new("test", "m").with_estimate(Some(Usd::from_nanos(10)), 10);
    let attempt = account.attempt(&request, &Model::default()).await.unwrap();
    assert!(matches!(attempt, Attempt::Completed(_)), "{attempt:?}");
}
