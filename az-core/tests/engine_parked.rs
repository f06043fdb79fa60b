//! Tests of tasks that are parked until a call is answered.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::approval::{Approval, Approver};
use az_core::clock::{ManualClock, later};
use az_core::engine::{
    Engine, EngineOptions, ExecutionEngine, RunEventKind, Stop, WhenIdle, Worker, WorkerOptions,
    WorkerReport,
};
use az_core::journal::{CallState, EventBody, Journal};
use az_core::memory::MemoryStore;
use az_core::policy::{ApprovalTerms, PolicyDecision};
use az_core::task::{
    TaskFilter, TaskOptions, TaskQueue, TaskRepository, UnattendedMode, WaitAnswer, WaitReply,
};
use az_core::testing::sample::{at, task, task_id, worker};
use az_core::testing::{FakeApprover, FakePolicy, FakeTool, FakeToolbox, Recorder};
use az_core::tool::{EffectClass, PreparedCall};
use az_core::{Clock, Error, ErrorKind, Result, Run, Task, TaskStatus};
use serde_json::json;

/// A store, a clock and a tool that needs approval.
struct Scene {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    toolbox: FakeToolbox,
    terms: ApprovalTerms,
}

impl Scene {
    fn new() -> Self {
        let send = FakeTool::new("send").with_effect(EffectClass::Unsafe);
        Self {
            store: MemoryStore::new(),
            clock: Arc::new(ManualClock::at(at(0)).with_boot("boot")),
            toolbox: FakeToolbox::new().with(send),
            terms: ApprovalTerms::new("it sends"),
        }
    }

    fn with_limit(mut self, limit: Duration) -> Self {
        self.terms = self.terms.with_deny_after(Some(limit));
        self
    }

    /// Returns an engine whose agent calls the tool, and answers with what the model would see.
    fn engine(&self, unattended: UnattendedMode) -> Engine {
        let agent = FnAgent::new(|run: &mut Run| {
            Box::pin(async move {
                let record = run.call_tool("send", "send", json!({"to": "you"})).await?;
                let CallState::Ended { text, .. } = record.state else {
                    return Err(Error::Internal("the call has no result".to_owned()));
                };
                Ok(Answer(text.render()))
            })
        });
        let mut options = EngineOptions::new(worker("engine"));
        options.unattended = unattended;
        Engine::new(Arc::new(self.store.clone()), Arc::new(agent), options)
            .with_toolbox(Arc::new(self.toolbox.clone()))
            .with_clock(Arc::<ManualClock>::clone(&self.clock))
            .with_policy(Arc::new(FakePolicy::always(PolicyDecision::Ask(self.terms.clone()))))
    }

    async fn park(&self) -> Task {
        self.engine(UnattendedMode::Wait).execute(task("a", 0), None).await.unwrap()
    }

    async fn answer(&self, reply: WaitReply) -> Result<Task> {
        let waiting = self.store.get(&task_id("a")).await.unwrap().unwrap().waiting.unwrap();
        let answer = WaitAnswer::new(&waiting, "me", reply);
        self.store.answer(&task_id("a"), &answer, self.clock.now()).await
    }

    async fn resume(&self) -> Task {
        let engine = self.engine(UnattendedMode::Deny);
        engine.resume_until(&task_id("a"), Stop::new()).await.unwrap()
    }

    async fn asked(&self) -> usize {
        let events = self.store.read(&task_id("a"), 0, usize::MAX).await.unwrap();
        let asks = |body: &EventBody| matches!(body, EventBody::ApprovalAsked { .. });
        events.iter().filter(|event| asks(&event.event.body)).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_to_wait_is_parked_at_its_call_and_continues_after_the_answer() {
    let scene = Scene::new();
    let recorder = Recorder::new();
    let engine = scene.engine(UnattendedMode::Wait).with_sink(Arc::new(recorder.clone()));
    let parked = engine.execute(task("a", 0), None).await.unwrap();
    let waiting = parked.waiting.unwrap();
    assert_eq!(parked.status, TaskStatus::Pending);
    assert_eq!((waiting.tool.as_str(), waiting.reason.as_str()), ("send", "it sends"));
    let last = recorder.events().pop().unwrap().kind;
    assert_eq!(last, RunEventKind::Parked(waiting));
    assert_eq!(scene.store.lease(&task_id("a")).await.unwrap(), None);

    let refused = engine.resume_until(&task_id("a"), Stop::new()).await.unwrap_err();
    assert_eq!(refused.to_string(), "task a waits for approval of send");

    scene.answer(WaitReply::Granted).await.unwrap();
    let done = scene.resume().await;
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!((scene.asked().await, scene.toolbox.invoked().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_mode_of_the_task_precedes_that_of_the_engine() {
    for (of_task, of_engine, expected) in [
        (None, UnattendedMode::Deny, TaskStatus::Failed),
        (None, UnattendedMode::Wait, TaskStatus::Pending),
        (Some(UnattendedMode::Deny), UnattendedMode::Wait, TaskStatus::Failed),
        (Some(UnattendedMode::Wait), UnattendedMode::Deny, TaskStatus::Pending),
    ] {
        let scene = Scene::new();
        let mut options = TaskOptions::default();
        options.unattended = of_task;
        let given = task("a", 0).with_options(options);
        let ended = scene.engine(of_engine).execute(given, None).await.unwrap();
        assert_eq!(ended.status, expected, "{of_task:?} {of_engine:?}");
        let kind = ended.failure.map(|failure| failure.kind);
        assert_eq!(kind, (expected == TaskStatus::Failed).then_some(ErrorKind::Approval));
    }
}

#[tokio::test(start_paused = true)]
async fn the_model_sees_the_reason_for_a_denial() {
    let scene = Scene::new();
    scene.park().await;
    scene.answer(WaitReply::Denied { reason: Some("use the draft".to_owned()) }).await.unwrap();
    let done = scene.resume().await;
    assert_eq!(done.answer.as_deref(), Some("not approved: use the draft"));
    assert_eq!((scene.asked().await, scene.toolbox.invoked().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_denied_when_its_time_has_passed_without_an_answer() {
    let limit = Duration::from_secs(3600);
    let scene = Scene::new().with_limit(limit);
    let parked = scene.park().await;
    assert_eq!(parked.waiting.unwrap().deny_at, Some(later(at(0), limit)));
    scene.clock.advance(limit);
    let late = scene.answer(WaitReply::Granted).await.unwrap_err();
    assert!(late.to_string().ends_with("it counts as denied"), "{late}");
    let done = scene.resume().await;
    assert_eq!(done.answer.as_deref(), Some("not approved: there was no answer in time"));
    assert_eq!((scene.asked().await, scene.toolbox.invoked().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_person_at_the_terminal_has_no_longer_than_the_limit() {
    let scene = Scene::new().with_limit(Duration::from_secs(60));
    let engine = scene.engine(UnattendedMode::Wait).with_approver(Arc::new(Silent));
    let done = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!(done.answer.as_deref(), Some("not approved: there was no answer in time"));
}

/// A person who does not answer.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Approver for Silent {
    async fn ask(&self, _: &Task, _: &PreparedCall, _: &ApprovalTerms) -> Result<Approval> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_person_at_the_terminal_nothing_is_parked() {
    let scene = Scene::new();
    let person = FakeApprover::new([true]);
    let engine = scene.engine(UnattendedMode::Wait).with_approver(Arc::new(person.clone()));
    let done = engine.execute(task("a", 0), None).await.unwrap();
    assert_eq!((done.status, person.asked().len()), (TaskStatus::Completed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_worker_parks_tasks_is_idle_then_and_continues_those_that_are_answered() {
    let scene = Scene::new();
    let many = ["a", "b", "c"];
    for id in many {
        scene.store.enqueue(&task(id, 0), at(0)).await.unwrap();
    }
    let options = WorkerOptions {
        concurrency: 2,
        when_idle: WhenIdle::End,
        poll: Duration::from_millis(500),
    };
    let engine = scene.engine(UnattendedMode::Wait);
    let work = || Worker::new(engine.clone(), options.clone());
    let report = work().run(Stop::new()).await.unwrap();
    assert_eq!(report, WorkerReport { parked: 3, ..WorkerReport::default() });
    let parked = TaskFilter { waiting: true, ..TaskFilter::default() };
    assert_eq!(scene.store.list(&parked).await.unwrap().len(), 3);

    scene.answer(WaitReply::Granted).await.unwrap();
    let report = work().run(Stop::new()).await.unwrap();
    assert_eq!(report, WorkerReport { completed: 1, ..WorkerReport::default() });
}
