//! An engine with everything that a task needs, in memory.

use std::sync::Arc;

use az_ai::chat::ChatRequest;
use az_ai::client::LlmClient;
use az_ai::react::{ReActAgent, ReActOptions};
use az_ai::resolver::{ModelResolver, Models};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::approval::{Approver, Unattended};
use az_core::clock::SystemClock;
use az_core::cost::{Budget, BudgetKeeper, Limit, Period, Scope};
use az_core::engine::{Engine, EngineOptions, ExecutionEngine, Stop, StopReason};
use az_core::journal::{Event, Journal};
use az_core::memory::MemoryStore;
use az_core::policy::{AllowEverything, Policy};
use az_core::testing::{FakePolicy, FakeToolbox, Recorder};
use az_core::{Agent, Clock, Task, TaskId, Usd, WorkerId};

/// The fixture of a test.
pub(crate) struct Stage {
    models: Arc<dyn ModelResolver>,
    script: Option<ScriptedClient>,
    options: ReActOptions,
    pub(crate) store: MemoryStore,
    policy: Arc<dyn Policy>,
    approver: Arc<dyn Approver>,
    clock: Arc<dyn Clock>,
    pub(crate) tools: FakeToolbox,
    pub(crate) recorder: Recorder,
}

impl Stage {
    pub(crate) fn new(lines: impl IntoIterator<Item = ScriptedReply>) -> Self {
        Self::of(ScriptedClient::new(lines))
    }

    pub(crate) fn of(client: ScriptedClient) -> Self {
        let client = client.recording();
        let mut stage = Self::with_client(Arc::new(client.clone()));
        stage.script = Some(client);
        stage
    }

    pub(crate) fn with_client(client: Arc<dyn LlmClient>) -> Self {
        Self::with_models(Arc::new(Models::new("scripted", client, "script-1")))
    }

    pub(crate) fn with_models(models: Arc<dyn ModelResolver>) -> Self {
        Self {
            models,
            script: None,
            options: ReActOptions::default(),
            store: MemoryStore::new(),
            policy: Arc::new(AllowEverything),
            approver: Arc::new(Unattended),
            clock: Arc::new(SystemClock),
            tools: FakeToolbox::new(),
            recorder: Recorder::new(),
        }
    }

    pub(crate) fn with_tools(mut self, tools: FakeToolbox) -> Self {
        self.tools = tools;
        self
    }

    pub(crate) fn with_options(mut self, options: ReActOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Asks about every call.
    pub(crate) fn with_approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.policy = Arc::new(FakePolicy::asking("a test"));
        self.approver = approver;
        self
    }

    /// Returns the requests to a scripted model.
    pub(crate) fn requests(&self) -> Vec<ChatRequest> {
        self.script.as_ref().map(ScriptedClient::requests).unwrap_or_default()
    }

    /// Sets a budget of nano-dollars a day.
    pub(crate) async fn cap(&self, nanos: i64) {
        let budget = Budget {
            scope: Scope::Global,
            period: Period::Daily,
            amount: Usd::from_nanos(nanos),
            alerts: Vec::new(),
            limit: Limit::Hard,
        };
        self.store.set_budget(&budget, SystemClock.now()).await.unwrap();
    }

    /// Returns a task's journal.
    pub(crate) async fn events(&self, task: &Task) -> Vec<Event> {
        self.store.read(&task.id, 0, 10_000).await.unwrap()
    }

    pub(crate) async fn run(&self, command: &str) -> Task {
        self.run_named("t1".to_owned(), command).await
    }

    pub(crate) async fn run_named(&self, id: String, command: &str) -> Task {
        self.engine().execute(task(id, command), None).await.unwrap()
    }

    pub(crate) async fn run_with_model(&self, command: &str, model: &str) -> Task {
        let task = task("t1".to_owned(), command).with_model(model);
        self.engine().execute(task, None).await.unwrap()
    }

    /// Runs a task until it has started this many calls, and cancels it then.
    pub(crate) async fn cancel_after(&self, calls: usize, command: &str) -> Task {
        let stop = Stop::new();
        let cancel = async {
            while self.tools.invoked().len() < calls {
                tokio::task::yield_now().await;
            }
            stop.request(StopReason::Cancelled);
        };
        let engine = self.engine();
        let run = engine.execute_until(task("t1".to_owned(), command), stop.clone());
        tokio::join!(run, cancel).0.unwrap()
    }

    pub(crate) async fn resume(&self, task: &Task) -> Task {
        self.engine().resume_until(&task.id, Stop::default()).await.unwrap()
    }

    /// Returns the agent that runs the tasks.
    pub(crate) fn react(&self) -> ReActAgent {
        ReActAgent::new(Arc::clone(&self.models)).with_options(self.options.clone())
    }

    /// Runs another agent on a new task.
    pub(crate) async fn run_agent(&self, agent: impl Agent, command: &str) -> Task {
        let engine = self.engine_of(Arc::new(agent));
        engine.execute(task("t1".to_owned(), command), None).await.unwrap()
    }

    /// Runs another agent on a task that ended before.
    pub(crate) async fn resume_agent(&self, agent: impl Agent, task: &Task) -> Task {
        let engine = self.engine_of(Arc::new(agent));
        engine.resume_until(&task.id, Stop::default()).await.unwrap()
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_of(Arc::new(self.react()))
    }

    fn engine_of(&self, agent: Arc<dyn Agent>) -> Engine {
        let options = EngineOptions::new(WorkerId::new("tester").unwrap());
        Engine::new(Arc::new(self.store.clone()), agent, options)
            .with_toolbox(Arc::new(self.tools.clone()))
            .with_policy(Arc::clone(&self.policy))
            .with_approver(Arc::clone(&self.approver))
            .with_clock(Arc::clone(&self.clock))
            .with_sink(Arc::new(self.recorder.clone()))
    }
}

pub(crate) fn task(id: String, command: &str) -> Task {
    Task::new(TaskId::new(id).unwrap(), command, SystemClock.now()).unwrap()
}
