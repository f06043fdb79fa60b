//! The engine: what it records, what it never repeats, and how it stops.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a failed test is the right outcome; waiting here is on a paused clock"
)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::approval::{Approval, Approver, GrantScope};
use az_core::call::{
    Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, Restart, RetryPolicy,
};
use az_core::cost::{
    Budget, BudgetKeeper, Charge, CostTracker, Limit, Period, Scope, Settlement, Usage,
};
use az_core::engine::{
    Engine, EngineOptions, ExecutionEngine, Liveness, OnUnknown, Run, RunEventKind, Stop, WhenIdle,
    Worker, WorkerOptions, WorkerReport,
};
use az_core::journal::{
    CallState, EventBody, Journal, ModelReply, NewEvent, Purpose, ToolOutcome, fold,
};
use az_core::memory::MemoryStore;
use az_core::policy::{AllowEverything, ApprovalTerms, PolicyDecision};
use az_core::task::{CancelOutcome, TaskOptions, TaskQueue, TaskRepository};
use az_core::testing::sample::{always, at, claim_of, run_started, task, task_id, worker};
use az_core::testing::{FakeApprover, FakePolicy, FakeTool, FakeToolbox, Recorder};
use az_core::text::json_size;
use az_core::tool::{
    EffectClass, Invocation, PreparedCall, Progress, SeenFile, ToolOutput, ToolScope, Toolbox,
};
use az_core::{Agent, Error, ErrorKind, Result, Task, TaskPriority, TaskStatus, Usd, WorkerId};
use futures_util::{FutureExt, StreamExt};
use serde_json::json;

/// A scripted outcome of a model call.
#[derive(Debug, Clone)]
enum ScriptedReply {
    Reply(ModelReply),
    Failure(ErrorKind, Option<Duration>, Settlement),
    Never,
}

/// A model with scripted replies; each costs a cent and may cost a dime.
#[derive(Debug, Clone)]
struct Model(Arc<Mutex<VecDeque<ScriptedReply>>>);

const CENT: Usd = Usd::from_nanos(10_000_000);
const DIME: Usd = Usd::from_nanos(100_000_000);

#[async_trait]
impl ModelEffect for Model {
    async fn call(&self, _meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        let line = self.0.lock().unwrap().pop_front().expect("a reply for every call");
        match line {
            ScriptedReply::Reply(reply) => {
                Ok(ModelCompletion { reply, charge: Charge::new(Usage::tokens(10, 5), Some(CENT)) })
            }
            ScriptedReply::Failure(kind, retry_after, settlement) => {
                Err(ModelFailure { kind, message: "no".to_owned(), retry_after, settlement })
            }
            ScriptedReply::Never => std::future::pending().await,
        }
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}

/// Calls the model and makes its tool calls until it requests none: a minimal ReAct loop.
fn agent(lines: impl IntoIterator<Item = ScriptedReply>) -> Arc<dyn Agent> {
    let model = Model(Arc::new(Mutex::new(lines.into_iter().collect())));
    Arc::new(FnAgent::new(move |run: &mut Run| {
        let model = model.clone();
        async move {
            loop {
                run.call_pending().await?;
                if let Some(reply) = run.history().final_reply() {
                    return Ok(Answer(reply.text.clone()));
                }
                let request = ModelRequest::new("test", "m").with_estimate(Some(DIME), 10);
                run.call_model(&request, &model).await?;
            }
        }
        .boxed()
    }))
}

fn reply(text: &str) -> ScriptedReply {
    ScriptedReply::Reply(ModelReply::text(text))
}

fn calls(tools: &[&str]) -> ScriptedReply {
    let add = |reply: ModelReply, tool: &&str| reply.with_call(*tool, json!({"for": *tool}));
    ScriptedReply::Reply(tools.iter().fold(ModelReply::default(), add))
}

fn tools() -> FakeToolbox {
    FakeToolbox::new()
        .with(FakeTool::new("look"))
        .with(FakeTool::new("put").with_effect(EffectClass::Idempotent))
        .with(FakeTool::new("send").with_effect(EffectClass::Unsafe))
        .with(FakeTool::new("append").with_effect(EffectClass::Probe))
        .with(FakeTool::new("hang").with_effect(EffectClass::Unsafe).without_end())
}

fn options() -> EngineOptions {
    EngineOptions::new(worker("engine"))
}

fn engine(store: &MemoryStore, lines: impl IntoIterator<Item = ScriptedReply>) -> Engine {
    let store = Arc::new(store.clone());
    Engine::new(store, agent(lines), options())
        .with_toolbox(Arc::new(tools()))
        .with_policy(Arc::new(AllowEverything))
}

async fn names(store: &MemoryStore, id: &str) -> Vec<&'static str> {
    let events = store.read(&task_id(id), 0, 1000).await.unwrap();
    events.iter().map(|event| event.event.body.name()).collect()
}

/// Checks `Agent` 1.
#[tokio::test(start_paused = true)]
async fn every_effect_has_an_intent_before_it_and_a_result_after_it() {
    let store = MemoryStore::new();
    let engine = engine(&store, [calls(&["look", "look", "send"]), reply("done")]);
    let done = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!((done.status, done.answer.as_deref()), (TaskStatus::Completed, Some("done")));
    assert_eq!((done.cost, done.actual_tokens), (CENT.plus(CENT), 30));
    assert_eq!(
        names(&store, "a").await,
        [
            "run_started",
            "llm_intent",
            "llm_result",
            "tool_intent",
            "tool_intent",
            "tool_result",
            "tool_result",
            "tool_intent",
            "tool_result",
            "llm_intent",
            "llm_result",
            "run_finished"
        ],
        "the two that read run concurrently, and the one that sends alone"
    );
    assert_eq!(store.open_holds().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_retried_and_each_attempt_is_recorded() {
    let store = MemoryStore::new();
    let wait = Some(Duration::from_secs(7));
    let engine = engine(
        &store,
        [
            ScriptedReply::Failure(ErrorKind::RateLimited, wait, Settlement::Nothing),
            ScriptedReply::Failure(ErrorKind::Unavailable, None, Settlement::Full),
            reply("done"),
        ],
    );
    let begun = tokio::time::Instant::now();
    let done = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed);
    assert!(begun.elapsed() >= Duration::from_secs(7), "the provider's wait is kept");
    assert_eq!(done.cost, DIME.plus(CENT), "what may have been sent is booked in full");
    assert_eq!(store.entries(always(), None).await.unwrap().len(), 2);
}

/// Checks `ExecutionEngine` 2.
#[tokio::test(start_paused = true)]
async fn a_permanent_failure_ends_the_task_at_once() {
    let store = MemoryStore::new();
    let refused = ScriptedReply::Failure(ErrorKind::BadRequest, None, Settlement::Nothing);
    let failed = engine(&store, [refused]).execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.status, TaskStatus::Failed);
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::BadRequest);
}

#[tokio::test(start_paused = true)]
async fn a_hard_budget_refuses_before_anything_is_sent() {
    let store = MemoryStore::new();
    let budget = Budget {
        scope: Scope::Global,
        period: Period::Total,
        amount: DIME.plus(CENT),
        alerts: vec![],
        limit: Limit::Hard,
    };
    store.set_budget(&budget, at(0)).await.unwrap();
    // The second call would need a dime, and one nano-dollar less than that is left.
    let engine = engine(&store, [calls(&["look"]), calls(&["look"])]);
    let failed = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Budget);
    assert_eq!(failed.cost, CENT.plus(CENT));
    assert_eq!(names(&store, "a").await.last(), Some(&"run_finished"));
    let status = &store.budgets(at(0)).await.unwrap()[0];
    assert_eq!((status.spent, status.held), (CENT.plus(CENT), Usd::ZERO));
}

#[tokio::test(start_paused = true)]
async fn cancelling_reaches_a_waiting_model_call_and_books_it_in_full() {
    let store = MemoryStore::new();
    let engine = engine(&store, [ScriptedReply::Never]);
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.execute(task("a", 0), None).await }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(engine.cancel(&task_id("a")).await.unwrap(), CancelOutcome::Requested);
    let ended = running.await.unwrap().unwrap();
    assert_eq!((ended.status, ended.cost), (TaskStatus::Cancelled, DIME));
    assert!(begun.elapsed() <= Duration::from_secs(1));
    assert_eq!(store.open_holds().await.unwrap(), []);
}

/// Waits until the task has no lease.
async fn until_released(store: &MemoryStore, id: &str) {
    let begun = tokio::time::Instant::now();
    while store.lease(&task_id(id)).await.unwrap().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the lease remains after the run");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Checks `ExecutionEngine` 4.
#[tokio::test(start_paused = true)]
async fn dropping_the_future_of_a_run_cancels_the_task_and_frees_its_lease_and_hold() {
    let patience = Duration::from_secs(1);
    for (line, cost) in [(ScriptedReply::Never, DIME), (calls(&["hang"]), CENT)] {
        let store = MemoryStore::new();
        let stubborn = engine(&store, [line]);
        let running = stubborn.execute(task("a", 0), None);
        tokio::time::timeout(patience, running).await.unwrap_err();
        until_released(&store, "a").await;
        let ended = store.get(&task_id("a")).await.unwrap().unwrap();
        assert_eq!((ended.status, ended.cost), (TaskStatus::Cancelled, cost));
        assert_eq!(store.open_holds().await.unwrap(), []);
        assert_eq!(names(&store, "a").await.last(), Some(&"run_finished"));

        let running = engine(&store, [ScriptedReply::Never, reply("done")]);
        let id = task_id("a");
        tokio::time::timeout(patience, running.resume_until(&id, Stop::new())).await.unwrap_err();
        until_released(&store, "a").await;
        let done = engine(&store, [reply("done")]).resume_until(&id, Stop::new()).await.unwrap();
        assert_eq!(done.status, TaskStatus::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_stop_is_requested() {
    let store = MemoryStore::new();
    let stop = Stop::new();
    let engine = engine(&store, [ScriptedReply::Never]);
    let stream = engine.execute_stream_until(task("a", 0), None, stop.clone()).await.unwrap();
    stop.request(az_core::engine::StopReason::Cancelled);
    let events: Vec<_> = stream.map(Result::unwrap).collect().await;
    let last = events.last().map(|event| &event.kind);
    assert!(
        matches!(last.and_then(RunEventKind::recorded), Some(EventBody::RunFinished { .. })),
        "{last:?}"
    );
    let ended = store.get(&task_id("a")).await.unwrap().unwrap();
    assert_eq!(ended.status, TaskStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_tool_call_has_a_recorded_result() {
    let store = MemoryStore::new();
    let engine = engine(&store, [calls(&["hang"])]);
    let options = TaskOptions::default().with_timeout(Duration::from_secs(5));
    let ended = engine.execute(task("a", 0).with_options(options), None).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Failed);
    assert_eq!(ended.failure.unwrap().kind, ErrorKind::TimedOut);
    let history = fold(&store.tail(&task_id("a")).await.unwrap()).unwrap();
    let outcomes: Vec<_> = history.calls.values().map(|call| call.state.clone()).collect();
    assert!(matches!(outcomes[..], [CallState::Ended { outcome: ToolOutcome::Unknown, .. }]));
}

/// Checks `Agent` 3.
#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_stop_is_dropped() {
    let store = MemoryStore::new();
    let stubborn = FnAgent::new(|_: &mut Run| std::future::pending().boxed());
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(stubborn), options());
    let options = TaskOptions::default().with_timeout(Duration::from_secs(1));
    let begun = tokio::time::Instant::now();
    let ended = engine.execute(task("a", 0).with_options(options), None).await.unwrap();
    assert_eq!(ended.failure.unwrap().kind, ErrorKind::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn steps_are_limited_over_all_runs() {
    let store = MemoryStore::new();
    let options = TaskOptions::default().with_max_steps(2);
    let engine = engine(&store, [calls(&["look"]), calls(&["look"])]);
    let failed = engine.execute(task("a", 0).with_options(options), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::StepLimit);
    let again = engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(again.failure.unwrap().kind, ErrorKind::StepLimit);
}

#[tokio::test(start_paused = true)]
async fn calls_are_limited_over_all_runs_and_a_higher_limit_continues_with_those_left() {
    let store = MemoryStore::new();
    let options = TaskOptions::default().with_max_calls(3);
    let lines = [calls(&["look", "look"]), calls(&["look", "look", "send"]), reply("done")];
    let engine = engine(&store, lines);
    let failed = engine.execute(task("a", 0).with_options(options), None).await.unwrap();
    let failure = failed.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::CallLimit, "no answer after 3 tool calls")
    );
    let made = |names: Vec<&str>| names.iter().filter(|name| **name == "tool_result").count();
    assert_eq!(made(names(&store, "a").await), 3);
    let again = engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(again.failure.unwrap().kind, ErrorKind::CallLimit);

    let mut raised = store.get(&task_id("a")).await.unwrap().unwrap();
    raised.options.max_calls = Some(5);
    store.update(&raised, at(1)).await.unwrap();
    let done = engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!((done.status, done.answer.as_deref()), (TaskStatus::Completed, Some("done")));
    assert_eq!(made(names(&store, "a").await), 5);
}

#[tokio::test(start_paused = true)]
async fn a_task_may_make_ten_calls_for_each_of_its_steps() {
    let store = MemoryStore::new();
    let options = TaskOptions::default().with_max_steps(1);
    let engine = engine(&store, [calls(&["look"; 11])]);
    let failed = engine.execute(task("a", 0).with_options(options), None).await.unwrap();
    let found = failed.failure.unwrap();
    assert_eq!(
        (found.kind, found.message.as_str()),
        (ErrorKind::CallLimit, "no answer after 10 tool calls")
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_agent_is_a_failed_task() {
    let store = MemoryStore::new();
    let clumsy = FnAgent::new(|_: &mut Run| async { panic!("on purpose") }.boxed());
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(clumsy), options());
    let failed = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Internal);
}

/// Leaves a journal as a crash would: the last turn requests `tool`, whose call was begun.
async fn crashed_in(store: &MemoryStore, toolbox: &FakeToolbox, tool: &str, happened: bool) {
    store.create(&task("a", 0)).await.unwrap();
    let lease = store.claim(&claim_of("a", "dead", 0, 1)).await.unwrap().unwrap().lease;
    let dying = agent([calls(&[tool])]);
    let engine = Engine::new(Arc::new(store.clone()), dying, options());
    drop(engine);
    let call = az_core::CallId::tool(0, 0);
    let ModelParts { intent, result } = model_parts(tool);
    let tool_intent = EventBody::ToolIntent(az_core::journal::ToolIntent {
        tool: tool.to_owned(),
        arguments: json!({"for": tool}),
        effect: toolbox.specs().iter().find(|spec| spec.name == tool).unwrap().effect,
        witness: None,
    });
    let model = az_core::CallId::model(1);
    let events = vec![
        run_started("dead"),
        NewEvent::about(model.clone(), intent),
        NewEvent::about(model, result),
        NewEvent::about(call.clone(), tool_intent),
    ];
    store.append(&lease, 0, events, at(0)).await.unwrap();
    if happened {
        let mut invocation = Invocation::bare(tool, json!({"for": tool})).unwrap();
        (invocation.call, invocation.key) = (call, "a:3".to_owned());
        toolbox.call(invocation).await.unwrap();
    }
}

struct ModelParts {
    intent: EventBody,
    result: EventBody,
}

fn model_parts(tool: &str) -> ModelParts {
    let ScriptedReply::Reply(reply) = calls(&[tool]) else { unreachable!() };
    ModelParts {
        intent: EventBody::LlmIntent(az_core::journal::ModelIntent {
            provider: "test".to_owned(),
            model: "m".to_owned(),
            purpose: Purpose::Step,
            hold: Some(DIME),
            hold_until: at(1),
            estimated_tokens: 10,
            reason: None,
            sent: None,
        }),
        result: EventBody::LlmResult(az_core::journal::ModelResult {
            outcome: az_core::journal::ModelOutcome::Replied { reply },
            settlement: Settlement::paid(Some(CENT), Usage::tokens(1, 1)),
            millis: 1,
        }),
    }
}

async fn resume(store: &MemoryStore, toolbox: &FakeToolbox, on_unknown: OnUnknown) -> Task {
    let mut options = options();
    options.on_unknown = on_unknown;
    let engine = Engine::new(Arc::new(store.clone()), agent([reply("done")]), options)
        .with_toolbox(Arc::new(toolbox.clone()));
    engine.resume_until(&task_id("a"), Stop::new()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_call_is_resumed_by_its_effect_class() {
    for (tool, happened, outcome, effects) in [
        ("look", true, ToolOutcome::Done, 0),
        ("put", false, ToolOutcome::Done, 1),
        ("put", true, ToolOutcome::Done, 1),
        ("append", false, ToolOutcome::Done, 1),
        ("append", true, ToolOutcome::Done, 1),
        ("send", false, ToolOutcome::Unknown, 0),
        ("send", true, ToolOutcome::Unknown, 1),
    ] {
        let (store, toolbox) = (MemoryStore::new(), tools());
        crashed_in(&store, &toolbox, tool, happened).await;
        let done = resume(&store, &toolbox, OnUnknown::Continue).await;
        assert_eq!(done.status, TaskStatus::Completed, "{tool}");
        let history = fold(&store.tail(&task_id("a")).await.unwrap()).unwrap();
        let state = &history.calls.values().next().unwrap().state;
        assert!(
            matches!(state, CallState::Ended { outcome: o, .. } if *o == outcome),
            "{tool}, which happened: {happened}, is {state:?}"
        );
        assert_eq!(toolbox.effects().values().sum::<usize>(), effects, "{tool} {happened}");
        assert_eq!(toolbox.abandoned().len(), 1, "the interrupted call is stopped first");
    }
}

/// The state of the task's only call.
async fn state_of_call(store: &MemoryStore) -> CallState {
    let history = fold(&store.tail(&task_id("a")).await.unwrap()).unwrap();
    history.calls.values().next().expect("a call").state.clone()
}

/// Runs a task whose only call does not end, and shuts the worker down meanwhile.
async fn shut_down_in(store: &MemoryStore, toolbox: &FakeToolbox) {
    let stop = Stop::new();
    let engine = Engine::new(Arc::new(store.clone()), agent([calls(&["hang"])]), options())
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(AllowEverything));
    let stopping = async {
        while toolbox.invoked().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.request(az_core::engine::StopReason::Shutdown);
    };
    let running = engine.execute_until(task("a", 0), stop.clone());
    let (released, ()) = tokio::join!(running, stopping);
    assert_eq!(released.unwrap().status, TaskStatus::Pending);
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_call_cut_short_by_a_shutdown_is_unknown_and_not_made_again() {
    let hang = FakeTool::new("hang").with_effect(EffectClass::Unsafe).without_end();
    let (store, toolbox) = (MemoryStore::new(), FakeToolbox::new().with(hang));
    shut_down_in(&store, &toolbox).await;
    let CallState::Ended { outcome, text, .. } = state_of_call(&store).await else {
        panic!("the call has no result")
    };
    assert_eq!(outcome, ToolOutcome::Unknown);
    assert_eq!(text.render(), "cancelled; the outcome is unknown");
    let done = resume(&store, &toolbox, OnUnknown::Continue).await;
    assert_eq!((done.status, toolbox.invoked().len()), (TaskStatus::Completed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_cut_short_by_a_shutdown_is_made_again_if_that_is_safe() {
    for effect in [EffectClass::Read, EffectClass::Idempotent] {
        let hang = |tool: FakeTool| FakeToolbox::new().with(tool.with_effect(effect));
        let (store, endless) = (MemoryStore::new(), hang(FakeTool::new("hang").without_end()));
        shut_down_in(&store, &endless).await;
        assert!(matches!(state_of_call(&store).await, CallState::Begun { .. }));
        let toolbox = hang(FakeTool::new("hang"));
        let done = resume(&store, &toolbox, OnUnknown::Continue).await;
        assert_eq!((done.status, toolbox.invoked().len()), (TaskStatus::Completed, 1));
        assert!(toolbox.invoked().iter().all(|call| call.repeated));
        let state = state_of_call(&store).await;
        assert!(matches!(state, CallState::Ended { outcome: ToolOutcome::Done, .. }), "{state:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_that_became_stricter_since_the_intent_applies() {
    let (store, toolbox) = (MemoryStore::new(), tools());
    crashed_in(&store, &toolbox, "put", true).await;
    let stricter = FakeTool::new("put").with_effect(EffectClass::Unsafe);
    let done = resume(&store, &FakeToolbox::new().with(stricter), OnUnknown::Continue).await;
    assert_eq!(done.status, TaskStatus::Completed);
    let state = state_of_call(&store).await;
    assert!(matches!(state, CallState::Ended { outcome: ToolOutcome::Unknown, .. }), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_can_fail_the_task_once() {
    let (store, toolbox) = (MemoryStore::new(), tools());
    crashed_in(&store, &toolbox, "send", true).await;
    let failed = resume(&store, &toolbox, OnUnknown::Fail).await;
    assert_eq!(failed.status, TaskStatus::Failed);
    assert!(failed.failure.unwrap().message.contains("send"));
    let done = resume(&store, &toolbox, OnUnknown::Fail).await;
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!(toolbox.effects().values().sum::<usize>(), 1);
}

/// Checks `ExecutionEngine` 1.
#[tokio::test(start_paused = true)]
async fn a_model_call_without_a_result_is_booked_in_full_and_repeated() {
    let store = MemoryStore::new();
    store.create(&task("a", 0)).await.unwrap();
    let lease = store.claim(&claim_of("a", "dead", 0, 1)).await.unwrap().unwrap().lease;
    let intent = NewEvent::about(az_core::CallId::model(1), model_parts("look").intent);
    store.append(&lease, 0, vec![run_started("dead"), intent], at(0)).await.unwrap();
    let done = resume(&store, &tools(), OnUnknown::Continue).await;
    assert_eq!((done.status, done.cost), (TaskStatus::Completed, DIME.plus(CENT)));
    assert_eq!(store.open_holds().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_a_policy_makes_no_unsafe_call_without_approval() {
    let store = MemoryStore::new();
    let toolbox = tools()
        .with(FakeTool::new("fetch").with_scope(ToolScope::Network))
        .with(FakeTool::new("scan").with_scope(ToolScope::System));
    for tool in ["send", "fetch", "scan"] {
        let engine = Engine::new(Arc::new(store.clone()), agent([calls(&[tool])]), options())
            .with_toolbox(Arc::new(toolbox.clone()));
        let failed = engine.execute(task(tool, 0), None).await.unwrap();
        assert_eq!(failed.failure.unwrap().kind, ErrorKind::Approval, "{tool}");
    }
    assert_eq!(toolbox.invoked().len(), 0);
    let lines = [calls(&["look", "put", "append", "send"]), reply("done")];
    let engine = Engine::new(Arc::new(store.clone()), agent(lines), options())
        .with_toolbox(Arc::new(toolbox.clone()));
    let allow = TaskOptions::default().with_allow(["send"]);
    let done = engine.execute(task("allowed", 0).with_options(allow), None).await.unwrap();
    assert_eq!(done.answer.as_deref(), Some("done"));
    assert_eq!(toolbox.invoked().len(), 4, "the calls in the workspace and the allowed one");
}

#[tokio::test(start_paused = true)]
async fn without_an_approver_the_task_fails_and_resumes_at_the_same_call() {
    let store = MemoryStore::new();
    let asking = || Arc::new(FakePolicy::asking("it sends"));
    let first = engine(&store, [calls(&["send"])]).with_policy(asking());
    let failed = first.execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Approval);
    let person = FakeApprover::new([true]);
    let second = engine(&store, [reply("sent")])
        .with_policy(asking())
        .with_approver(Arc::new(person.clone()));
    let done = second.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(done.answer.as_deref(), Some("sent"), "the model was not asked again");
    assert_eq!(person.asked(), ["send"]);
}

/// Approves every call, and all further calls of its tool by the task.
#[derive(Debug, Default)]
struct ApprovesForTheTask(AtomicUsize);

#[async_trait]
impl Approver for ApprovesForTheTask {
    async fn ask(&self, _: &Task, _: &PreparedCall, _: &ApprovalTerms) -> Result<Approval> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Approval::Granted { by: "tester".to_owned(), scope: GrantScope::Task })
    }
}

#[tokio::test(start_paused = true)]
async fn an_approval_for_the_task_covers_later_calls_of_the_tool_also_after_a_resume() {
    let terms = || ApprovalTerms::new("it sends");
    for (terms, asked) in [(terms(), 1), (terms().per_call(), 3)] {
        let store = MemoryStore::new();
        let person = Arc::new(ApprovesForTheTask::default());
        let policy = Arc::new(FakePolicy::always(PolicyDecision::Ask(terms)));
        let asking = |lines: Vec<_>| {
            let engine = engine(&store, lines).with_policy(Arc::<FakePolicy>::clone(&policy));
            engine.with_approver(Arc::<ApprovesForTheTask>::clone(&person))
        };
        let first = asking(vec![calls(&["send"]), calls(&["send"])]);
        first.execute(task("a", 0), None).await.unwrap();
        let second = asking(vec![calls(&["send"]), reply("sent")]);
        let done = second.resume_until(&task_id("a"), Stop::new()).await.unwrap();
        assert_eq!(done.answer.as_deref(), Some("sent"));
        assert_eq!(person.0.load(Ordering::Relaxed), asked);
    }
}

/// The results of the calls of a turn are recorded together: the run ends before that of the first one.
#[tokio::test(start_paused = true)]
async fn a_denied_call_stays_denied_when_everything_is_allowed_later() {
    let store = MemoryStore::new();
    let person = FakeApprover::new([false]);
    let first = engine(&store, [calls(&["send", "put"])])
        .with_policy(Arc::new(FakePolicy::asking("it sends")))
        .with_approver(Arc::new(person.clone()));
    let failed = first.execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Approval);
    let toolbox = tools();
    let second = engine(&store, [reply("done")])
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(AllowEverything));
    let done = second.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(done.answer.as_deref(), Some("done"));
    let made: Vec<_> = toolbox.invoked().into_iter().map(|call| call.tool).collect();
    assert_eq!(made, ["put"], "the denied call was made");
}

#[tokio::test(start_paused = true)]
async fn a_call_by_choice_that_waits_for_approval_is_continued() {
    let store = MemoryStore::new();
    let sender = Arc::new(FnAgent::new(|run: &mut Run| {
        async move {
            run.act("send", json!({"to": "you"})).await?;
            run.act("send", json!({"to": "you"})).await?;
            Ok(Answer(format!("{:?}", run.history().calls.keys().collect::<Vec<_>>())))
        }
        .boxed()
    }));
    let toolbox = tools();
    let engine = Engine::new(Arc::new(store.clone()), sender, options())
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(FakePolicy::asking("it sends")));
    let failed = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Approval);
    let person = FakeApprover::new([true, true]);
    let engine = engine.with_approver(Arc::new(person.clone()));
    let done = engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(done.answer.as_deref(), Some(r#"["a0", "a1"]"#));
    assert_eq!((person.asked().len(), toolbox.invoked().len()), (2, 2));
}

/// Runs one step of a task that is stopped while its tool hangs, or not.
async fn act_once(store: &MemoryStore, toolbox: &FakeToolbox, tool: &'static str, shutdown: bool) {
    let actor = Arc::new(FnAgent::new(move |run: &mut Run| {
        async move {
            run.act(tool, json!({"for": "you"})).await?;
            Ok(Answer("acted".to_owned()))
        }
        .boxed()
    }));
    let engine = Engine::new(Arc::new(store.clone()), actor, options())
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(AllowEverything));
    let stop = Stop::new();
    let run = engine.execute_until(task("a", 0), stop.clone());
    let shut_down = async {
        while shutdown && toolbox.invoked().is_empty() {
            tokio::task::yield_now().await;
        }
        if shutdown {
            stop.request(az_core::engine::StopReason::Shutdown);
        }
    };
    tokio::join!(run, shut_down).0.ok();
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_call_by_choice_keeps_its_idempotency_key() {
    let pay = |tool: FakeTool| FakeToolbox::new().with(tool.with_effect(EffectClass::Idempotent));
    let store = MemoryStore::new();
    let endless = pay(FakeTool::new("pay").without_end());
    act_once(&store, &endless, "pay", true).await;
    let toolbox = pay(FakeTool::new("pay"));
    act_once(&store, &toolbox, "pay", false).await;
    let keys = |toolbox: &FakeToolbox| -> Vec<_> {
        toolbox.invoked().iter().map(|call| (call.key.clone(), call.repeated)).collect()
    };
    assert_eq!(keys(&endless), [("a:1".to_owned(), false)]);
    assert_eq!(keys(&toolbox), [("a:1".to_owned(), true)]);
    let history = fold(&store.tail(&task_id("a")).await.unwrap()).unwrap();
    assert_eq!(history.calls.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_by_choice_does_not_take_the_request_for_approval_of_another() {
    let (store, toolbox) = (MemoryStore::new(), tools());
    let acting = |tool: &'static str| {
        let actor = Arc::new(FnAgent::new(move |run: &mut Run| {
            async move {
                run.act(tool, json!({})).await?;
                Ok(Answer("acted".to_owned()))
            }
            .boxed()
        }));
        Engine::new(Arc::new(store.clone()), actor, options())
            .with_toolbox(Arc::new(toolbox.clone()))
            .with_policy(Arc::new(FakePolicy::asking("it sends")))
    };
    let failed = acting("send").execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Approval);
    let engine = acting("put").with_approver(Arc::new(FakeApprover::new([true])));
    engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    let events = store.tail(&task_id("a")).await.unwrap();
    let asked = events.iter().filter_map(|event| match &event.event.body {
        EventBody::ApprovalAsked { tool, .. } => {
            Some((event.event.call.as_ref()?.as_str(), &**tool))
        }
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [("a0", "send"), ("a1", "put")]);
}

#[tokio::test(start_paused = true)]
async fn a_declined_call_that_may_have_been_made_is_unknown() {
    for (effect, expected) in
        [(EffectClass::Idempotent, ToolOutcome::Unknown), (EffectClass::Read, ToolOutcome::Refused)]
    {
        let hang = FakeTool::new("hang").with_effect(effect).without_end();
        let (store, toolbox) = (MemoryStore::new(), FakeToolbox::new().with(hang));
        shut_down_in(&store, &toolbox).await;
        let decliner = Arc::new(FnAgent::new(|run: &mut Run| {
            async move {
                run.decline_pending("not now").await?;
                Ok(Answer("declined".to_owned()))
            }
            .boxed()
        }));
        let engine = Engine::new(Arc::new(store.clone()), decliner, options())
            .with_toolbox(Arc::new(toolbox));
        engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
        let state = state_of_call(&store).await;
        assert!(
            matches!(state, CallState::Ended { outcome, .. } if outcome == expected),
            "{state:?}"
        );
    }
}

/// Checks `ExecutionEngine` 3.
#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_exist_is_refused_before_anything_is_stored() {
    let store = MemoryStore::new();
    let refused = async |engine: Engine, tools: &[&str]| {
        let tools = tools.iter().map(ToString::to_string).collect();
        let (id, error) = (task("a", 0), engine.execute(task("a", 0), Some(tools)).await);
        assert_eq!(store.get(&id.id).await.unwrap(), None);
        error.unwrap_err().to_string()
    };
    assert_eq!(
        refused(engine(&store, []), &["look", "lok"]).await,
        "invalid tools: there is no tool \"lok\"; the tools are look, put, send, append, hang"
    );
    let bare = Engine::new(Arc::new(store.clone()), agent([]), options());
    assert_eq!(
        refused(bare, &["look"]).await,
        "invalid tools: there is no tool \"look\"; the engine has no tools"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_by_a_name_that_means_only_it_and_the_model_gets_a_note() {
    let (store, toolbox) = (MemoryStore::new(), tools().with(FakeTool::new("files.put")));
    let named = ["functions.look", "files_put", "functions.files-put", "PUT", "got", "send"];
    let engine = engine(&store, [calls(&named), reply("done")]);
    let engine = engine.with_toolbox(Arc::new(toolbox.clone()));
    let may_use = ["look", "put", "files.put"].map(str::to_owned);
    let done = engine.execute(task("a", 0), Some(may_use.to_vec())).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed);
    let made = toolbox.invoked().into_iter().map(|call| (call.tool, call.corrections));
    let note = |written: &str, tool: &str| {
        let text = format!("there is no tool {written:?}; {tool:?} was called; use this name");
        (tool.to_owned(), vec![text])
    };
    let expected = [
        note("functions.look", "look"),
        note("files_put", "files.put"),
        note("functions.files-put", "files.put"),
        note("PUT", "put"),
    ];
    assert_eq!(made.collect::<Vec<_>>(), expected, "nothing is called that the task may not use");
    let history = fold(&store.tail(&task_id("a")).await.unwrap()).unwrap();
    let refused = history.calls.values().filter_map(|record| match &record.state {
        CallState::Ended { outcome: ToolOutcome::Refused, text, .. } => Some(text.render()),
        _ => None,
    });
    let tools = "the tools are look, put, files.put";
    let unknown = |name: &str| format!("invalid tool: there is no tool {name:?}; {tools}");
    assert_eq!(refused.collect::<Vec<_>>(), [unknown("got"), unknown("send")]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_is_reported_to_the_model_and_never_made() {
    let deny = PolicyDecision::Deny { reason: "not today".to_owned() };
    let by_policy =
        (FakePolicy::always(deny), &[][..], &["tool_result"][..], "not allowed: not today");
    let by_person = (
        FakePolicy::asking("it sends"),
        &[false][..],
        &["approval_asked", "approval_given", "tool_result"][..],
        "not approved: continue without it, or call another tool",
    );
    for (policy, answers, expected, reason) in [by_policy, by_person] {
        let (store, toolbox) = (MemoryStore::new(), tools());
        let engine = engine(&store, [calls(&["send"]), reply("as you wish")])
            .with_toolbox(Arc::new(toolbox.clone()))
            .with_policy(Arc::new(policy))
            .with_approver(Arc::new(FakeApprover::new(answers.iter().copied())));
        let done = engine.execute(task("a", 0), None).await.unwrap();
        assert_eq!(done.status, TaskStatus::Completed);
        assert_eq!(toolbox.invoked().len(), 0);
        assert_eq!(names(&store, "a").await[3..3 + expected.len()], *expected);
        let history = fold(&store.tail(&task_id("a")).await.unwrap()).unwrap();
        let state = &history.calls.values().next().unwrap().state;
        let CallState::Ended { outcome, text, .. } = state else { panic!("{state:?}") };
        assert_eq!((*outcome, text.render()), (ToolOutcome::Refused, reason.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_progress_of_a_call_is_emitted_while_it_runs() {
    let store = MemoryStore::new();
    let events = Recorder::new();
    let report = |n| Progress::message(format!("line {n}")).with_count(n, Some(3));
    let copy = FakeTool::new("copy").reporting(report(1)).reporting(report(2)).reporting(report(3));
    let engine = engine(&store, [calls(&["copy"]), reply("done")])
        .with_toolbox(Arc::new(FakeToolbox::new().with(copy)))
        .with_sink(Arc::new(events.clone()));
    engine.execute(task("a", 0), None).await.unwrap();
    let progress: Vec<_> = events
        .kinds()
        .into_iter()
        .filter(|kind| matches!(kind, RunEventKind::ToolProgress { .. }))
        .collect();
    let [RunEventKind::ToolProgress { tool, progress, .. }] = progress.as_slice() else {
        panic!("reports in quick succession are not emitted one by one: {progress:?}");
    };
    assert_eq!((tool.as_str(), progress), ("copy", &report(1)));
}

#[tokio::test(start_paused = true)]
async fn tools_that_the_task_may_not_use_are_refused_with_a_reason() {
    let store = MemoryStore::new();
    let toolbox = tools();
    let engine = engine(&store, [calls(&["send", "nonsense"]), reply("done")])
        .with_toolbox(Arc::new(toolbox.clone()));
    let only = Some(vec!["look".to_owned()]);
    let done = engine.execute(task("a", 0), only).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!(toolbox.invoked().len(), 0);
}

/// Checks `ExecutionEngine` 3.
#[tokio::test(start_paused = true)]
async fn tools_given_for_a_stored_task_restrict_it_too() {
    let store = MemoryStore::new();
    let toolbox = tools();
    store.create(&task("a", 0)).await.unwrap();
    let engine =
        engine(&store, [calls(&["send"]), reply("done")]).with_toolbox(Arc::new(toolbox.clone()));
    let done = engine.execute(task("a", 0), Some(vec!["look".to_owned()])).await.unwrap();
    assert_eq!((done.status, toolbox.invoked().len()), (TaskStatus::Completed, 0));
}

/// Reports one worker as gone.
#[derive(Debug)]
struct Gone(WorkerId);

impl Liveness for Gone {
    fn is_gone(&self, worker: &WorkerId) -> bool {
        *worker == self.0
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_continues_the_task_of_a_worker_that_has_ended() {
    let store = MemoryStore::new();
    store.create(&task("a", 0)).await.unwrap();
    let far = 60 * 24 * 365 * 100;
    store.claim(&claim_of("a", "dead", 0, far)).await.unwrap().unwrap();
    let engine = engine(&store, [reply("done")]).with_liveness(Arc::new(Gone(worker("dead"))));
    let report = Worker::new(engine, worker_options(4)).run(Stop::new()).await.unwrap();
    assert_eq!(report, WorkerReport { completed: 1, ..WorkerReport::default() });
}

/// Checks `ExecutionEngine` 6.
#[tokio::test(start_paused = true)]
async fn cancelling_a_task_with_a_recorded_end_reports_that_it_ended() {
    let store = MemoryStore::new();
    store.create(&task("a", 0)).await.unwrap();
    let far = 60 * 24 * 365 * 100;
    store.claim(&claim_of("a", "dead", 0, far)).await.unwrap().unwrap();
    let finished = FnAgent::new(|_: &mut Run| async { Ok(Answer("done".to_owned())) }.boxed());
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(finished), options())
        .with_liveness(Arc::new(Gone(worker("dead"))));
    let outcome = engine.cancel(&task_id("a")).await.unwrap();
    assert_eq!(outcome, CancelOutcome::AlreadyEnded(TaskStatus::Completed));
}

/// Drops itself during an append, as a cancelled agent does.
#[tokio::test]
async fn an_abandoned_append_that_was_written_does_not_lose_the_lease() {
    let store = MemoryStore::new();
    let other = store.clone();
    let hasty = FnAgent::new(move |run: &mut Run| {
        let other = other.clone();
        async move {
            // The append that the store made although its future was dropped.
            let lease = other.lease(&run.task().id).await?.expect("a lease");
            let note = NewEvent::new(EventBody::Note { text: "written nevertheless".to_owned() });
            other.append(&lease, run.history().next_seq, vec![note], at(0)).await?;
            Err(Error::Cancelled)
        }
        .boxed()
    });
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(hasty), options());
    let ended = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Cancelled);
    assert_eq!(names(&store, "a").await, ["run_started", "note", "run_finished"]);
}

/// Checks `ExecutionEngine` 2.
#[tokio::test(start_paused = true)]
async fn a_leased_task_is_refused_unless_its_worker_has_ended() {
    let store = MemoryStore::new();
    store.create(&task("a", 0)).await.unwrap();
    let far = 60 * 24 * 365 * 100;
    store.claim(&claim_of("a", "other", 0, far)).await.unwrap().unwrap();
    let engine = engine(&store, [reply("done")]);
    let refused = engine.execute(task("a", 0), None).await.unwrap_err();
    assert!(matches!(&refused, Error::LeaseHeld { owner, .. } if *owner == worker("other")));
    let engine = engine.with_liveness(Arc::new(Gone(worker("other"))));
    let done = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed);
}

/// Checks `ExecutionEngine` 6.
#[tokio::test(start_paused = true)]
async fn a_superseded_worker_writes_nothing() {
    let store = MemoryStore::new();
    let other = store.clone();
    let thief = FnAgent::new(move |run: &mut Run| {
        let other = other.clone();
        async move {
            let claim = claim_of("a", "thief", 0, 1).presuming_dead(worker("engine"));
            other.claim(&claim).await?;
            run.note("mine").await?;
            Ok(Answer("never".to_owned()))
        }
        .boxed()
    });
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(thief), options());
    let lost = engine.execute(task("a", 0), None).await.unwrap_err();
    assert!(matches!(lost, Error::LeaseLost { .. }), "{lost}");
    assert_eq!(names(&store, "a").await, ["run_started"]);
}

/// Checks `ExecutionEngine` 5.
#[tokio::test(start_paused = true)]
async fn a_stream_yields_every_event_and_ends_with_the_last() {
    let store = MemoryStore::new();
    let engine = engine(&store, [calls(&["look"]), reply("done")]);
    let stream = engine.execute_stream(task("a", 0), None).await.unwrap();
    let events: Vec<_> = stream.map(Result::unwrap).collect().await;
    let kinds: Vec<_> = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "run_started",
            "llm_intent",
            "llm_result",
            "tool_intent",
            "tool_result",
            "llm_intent",
            "llm_result",
            "run_finished"
        ]
    );
}

/// Checks `EventSink` 1. The stream receives the events of the run by its sink.
#[tokio::test]
async fn a_stream_that_is_not_read_does_not_delay_the_run() {
    let store = MemoryStore::new();
    let turns = (0..40).map(|_| calls(&["look"])).chain([reply("done")]);
    let engine = engine(&store, turns);
    let stream = engine.execute_stream(task("a", 0), None).await.unwrap();
    let status = async || store.get(&task_id("a")).await.unwrap().map(|task| task.status);
    let completed = async {
        while status().await != Some(TaskStatus::Completed) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), completed).await.unwrap();
    assert!(stream.count().await > 150);
}

#[tokio::test(start_paused = true)]
async fn a_named_call_of_the_agent_is_made_once_per_task() {
    let store = MemoryStore::new();
    let toolbox = tools();
    let own = || {
        Arc::new(FnAgent::new(|run: &mut Run| {
            async move {
                let record = run.call_tool("fetch", "send", json!({"x": 1})).await?;
                assert!(matches!(record.state, CallState::Ended { .. }));
                if run.history().runs == 1 {
                    return Err(Error::Agent { reason: "gives up".to_owned() });
                }
                Ok(Answer("done".to_owned()))
            }
            .boxed()
        }))
    };
    let engine = Engine::new(Arc::new(store.clone()), own(), options())
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(AllowEverything));
    assert_eq!(engine.execute(task("a", 0), None).await.unwrap().status, TaskStatus::Failed);
    let done = engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!(toolbox.invoked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shortens_the_tail_and_changes_nothing_else() {
    let store = MemoryStore::new();
    let mut options = options();
    options.snapshot_every = 4;
    let lines = [calls(&["look"]), calls(&["look"]), calls(&["look"]), reply("done")];
    let engine =
        Engine::new(Arc::new(store.clone()), agent(lines), options).with_toolbox(Arc::new(tools()));
    engine.execute(task("a", 0), None).await.unwrap();
    let (all, tail) = (
        store.read(&task_id("a"), 0, 1000).await.unwrap(),
        store.tail(&task_id("a")).await.unwrap(),
    );
    assert!(tail.len() < all.len(), "the tail begins at a snapshot");
    assert_eq!(fold(&tail).unwrap(), fold(&all).unwrap());
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_a_long_task_are_at_most_one_and_a_half_times_as_large_as_its_record() {
    let store = MemoryStore::new();
    let mut options = options();
    (options.snapshot_every, options.max_steps) = (4, 1_000);
    let lines = (0..300).map(|_| calls(&["look"])).chain([reply("done")]);
    let look = FakeTool::new("look").answering(ToolOutput::done("seen ".repeat(200)));
    let engine = Engine::new(Arc::new(store.clone()), agent(lines), options)
        .with_toolbox(Arc::new(FakeToolbox::new().with(look)));
    engine.execute(task("a", 0), None).await.unwrap();
    let (mut record, mut snapshots, mut count) = (0, 0, 0);
    for event in store.read(&task_id("a"), 0, usize::MAX).await.unwrap() {
        let size = json_size(&event.event.body);
        if event.event.body.name() == "snapshot" {
            (snapshots, count) = (snapshots + size, count + 1);
        } else {
            record += size;
        }
    }
    assert!(snapshots <= record + record / 2, "{snapshots} bytes for a record of {record}");
    assert!(count >= 3, "{count} snapshots");
}

fn worker_options(concurrency: usize) -> WorkerOptions {
    WorkerOptions { concurrency, when_idle: WhenIdle::End, poll: Duration::from_millis(10) }
}

#[tokio::test(start_paused = true)]
async fn a_worker_runs_every_task_once_by_priority() {
    let store = MemoryStore::new();
    for (i, priority) in TaskPriority::ALL.iter().enumerate() {
        let task = task(priority.as_str(), i64::try_from(i).unwrap()).with_priority(*priority);
        store.enqueue(&task, at(9)).await.unwrap();
    }
    let ends = Recorder::default();
    let engine = engine(&store, (0..4).map(|_| reply("done"))).with_sink(Arc::new(ends.clone()));
    let report = Worker::new(engine, worker_options(1)).run(Stop::new()).await.unwrap();
    assert_eq!(report, WorkerReport { completed: 4, ..WorkerReport::default() });
    let order: Vec<_> = ends
        .events()
        .iter()
        .filter(|event| matches!(event.kind.recorded(), Some(EventBody::RunFinished { .. })))
        .map(|event| event.task.to_string())
        .collect();
    assert_eq!(order, ["urgent", "high", "medium", "low"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_worker_releases_its_tasks() {
    let store = MemoryStore::new();
    store.enqueue(&task("a", 0), at(0)).await.unwrap();
    let engine = engine(&store, [ScriptedReply::Never]);
    let stop = Stop::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { Worker::new(engine, worker_options(8)).run(stop).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.request(az_core::engine::StopReason::Shutdown);
    let report = running.await.unwrap().unwrap();
    assert_eq!(report, WorkerReport { released: 1, ..WorkerReport::default() });
    let task = store.get(&task_id("a")).await.unwrap().unwrap();
    assert_eq!((task.status, task.cost), (TaskStatus::Pending, DIME));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_worker_releases_its_tasks() {
    let store = MemoryStore::new();
    store.enqueue(&task("a", 0), at(0)).await.unwrap();
    let worker = Worker::new(engine(&store, [ScriptedReply::Never]), worker_options(8));
    let running = worker.run(Stop::new());
    tokio::time::timeout(Duration::from_millis(100), running).await.unwrap_err();
    until_released(&store, "a").await;
    let task = store.get(&task_id("a")).await.unwrap().unwrap();
    assert_eq!((task.status, task.cost), (TaskStatus::Pending, DIME));
    assert_eq!(store.open_holds().await.unwrap(), []);
}

#[tokio::test]
async fn a_thousand_tasks_run_concurrently() {
    let store = MemoryStore::new();
    for i in 0..1000 {
        store.enqueue(&task(&format!("t{i}"), i), at(0)).await.unwrap();
    }
    let engine = engine(&store, (0..1000).map(|_| reply("done")));
    let report = Worker::new(engine, worker_options(1000)).run(Stop::new()).await.unwrap();
    assert_eq!(report, WorkerReport { completed: 1000, ..WorkerReport::default() });
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_retries_makes_one_attempt() {
    let store = MemoryStore::new();
    let mut options = options();
    options.retry = RetryPolicy::never();
    let broken = ScriptedReply::Failure(ErrorKind::Unavailable, None, Settlement::Full);
    let engine = Engine::new(Arc::new(store.clone()), agent([broken]), options);
    let failed = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(failed.failure.unwrap().kind, ErrorKind::Unavailable);
    assert_eq!(failed.cost, DIME);
    assert!(ToolOutput::done("x").ok);
}

/// Returns what the calls of a tool had seen of the file `f`: nothing if they were not told.
fn seen_by(toolbox: &FakeToolbox, tool: &str) -> Vec<Option<bool>> {
    let calls = toolbox.invoked().into_iter().filter(|call| call.tool == tool);
    calls.map(|call| call.seen.map(|seen| seen.is_complete("f"))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_model_has_what_the_task_has_seen_of_files_until_then() {
    let shown = ToolOutput::done("text").with_seen(SeenFile::new("f", "digest", 4).complete());
    let toolbox = tools().with(FakeTool::new("show").answering(shown));
    let store = MemoryStore::new();
    let with_tools =
        |lines: Vec<ScriptedReply>| engine(&store, lines).with_toolbox(Arc::new(toolbox.clone()));
    let turn = calls(&["send", "show", "send"]);
    let failed = with_tools(vec![
        turn,
        ScriptedReply::Failure(ErrorKind::BadRequest, None, Settlement::Nothing),
    ]);
    failed.execute(task("a", 0), None).await.unwrap();
    assert_eq!(seen_by(&toolbox, "send"), [Some(false), Some(true)]);
    let resumed = with_tools(vec![calls(&["send"]), reply("done")]);
    resumed.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(seen_by(&toolbox, "send"), [Some(false), Some(true), Some(true)]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_an_agent_and_of_a_program_that_plans_are_not_told_what_was_seen() {
    let toolbox = tools();
    let planner = Arc::new(FnAgent::new(move |run: &mut Run| {
        async move {
            let model = Model(Arc::new(Mutex::new([calls(&["put"]), calls(&["send"])].into())));
            let request = ModelRequest::new("test", "m").with_estimate(Some(DIME), 10);
            run.call_tool("own", "put", json!({})).await?;
            run.act("put", json!({"for": "you"})).await?;
            run.call_model(&request, &model).await?;
            run.set_planned_calls(true);
            run.call_pending().await?;
            run.call_model(&request, &model).await?;
            run.set_planned_calls(false);
            run.call_pending().await?;
            Ok(Answer("done".to_owned()))
        }
        .boxed()
    }));
    let engine = Engine::new(Arc::new(MemoryStore::new()), planner, options())
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(AllowEverything));
    let done = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(done.answer.as_deref(), Some("done"), "{done:?}");
    assert_eq!(seen_by(&toolbox, "put"), [None, None, None]);
    assert_eq!(seen_by(&toolbox, "send"), [Some(false)]);
}
