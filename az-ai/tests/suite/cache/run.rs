//! Runs of a task with a simulated provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use az_ai::react::{ReActAgent, ReActOptions};
use az_ai::resolver::{ModelResolver, Models};
use az_core::clock::{Clock, ManualClock, SystemClock};
use az_core::engine::{Engine, EngineOptions, Stop};
use az_core::journal::{ContextChange, ContextCut, EventBody, Journal, PrefixChange, fold};
use az_core::memory::MemoryStore;
use az_core::policy::AllowEverything;
use az_core::task::{TaskRepository, TaskStatus};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::ToolOutput;
use az_core::{Task, TaskId, WorkerId};

use super::client::{Billed, CacheClient, Kill};
use super::provider::Prices;

/// The lease of a run, after which another one may continue it.
const LEASE: Duration = Duration::from_secs(30);

/// A task in a store, and what its runs need.
pub(super) struct Work {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    models: Arc<dyn ModelResolver>,
    options: ReActOptions,
    tools: Vec<(&'static str, usize)>,
    is_sorted: bool,
    runs: AtomicUsize,
}

impl Work {
    pub(super) fn new(client: &CacheClient) -> Self {
        Self::with_models(Arc::new(Models::new("main", Arc::new(client.clone()), client.model())))
    }

    pub(super) fn with_models(models: Arc<dyn ModelResolver>) -> Self {
        Self {
            store: MemoryStore::new(),
            clock: Arc::new(ManualClock::at(SystemClock.now()).with_boot("boot")),
            models,
            options: ReActOptions::default(),
            tools: vec![
                ("filesystem.read", 7_000),
                ("filesystem.list", 300),
                ("shell.execute", 600),
                ("output.read", 500),
            ],
            is_sorted: true,
            runs: AtomicUsize::new(0),
        }
    }

    /// Continues with a binary that has another prompt.
    pub(super) fn newer(mut self) -> Self {
        let runs = self.runs.load(Ordering::SeqCst);
        self.options = self.options.with_instructions(format!("This is version {runs}."));
        self
    }

    /// Continues with the tools in another order.
    pub(super) fn reordered(mut self) -> Self {
        self.is_sorted = !self.is_sorted;
        self
    }

    /// Continues with one more tool.
    pub(super) fn with_another_tool(mut self, name: &'static str) -> Self {
        self.tools.insert(0, (name, 100));
        self
    }

    fn toolbox(&self) -> FakeToolbox {
        let mut tools = self.tools.clone();
        if !self.is_sorted {
            tools.reverse();
        }
        tools.into_iter().fold(FakeToolbox::new(), |all, (name, bytes)| {
            let line = "let value = compute(&input, index + 1)?;\n";
            let text: String = line.chars().cycle().take(bytes).collect();
            all.with(FakeTool::new(name).answering(ToolOutput::done(text)))
        })
    }

    fn engine(&self, toolbox: FakeToolbox) -> Engine {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        let agent = ReActAgent::new(Arc::clone(&self.models)).with_options(self.options.clone());
        let options = EngineOptions::new(WorkerId::new(format!("worker-{run}")).unwrap());
        Engine::new(Arc::new(self.store.clone()), Arc::new(agent), options)
            .with_toolbox(Arc::new(toolbox))
            .with_policy(Arc::new(AllowEverything))
            .with_clock(Arc::<ManualClock>::clone(&self.clock))
    }

    /// Runs the task to its end.
    pub(super) async fn finish(&self) -> Task {
        let engine = self.engine(self.toolbox());
        let id = TaskId::new("t").unwrap();
        let task = match self.store.get(&id).await.unwrap() {
            Some(_) => engine.resume_until(&id, Stop::default()).await.unwrap(),
            None => engine.execute_until(self.task(), Stop::default()).await.unwrap(),
        };
        assert_eq!(task.status, TaskStatus::Completed, "{:?}", task.failure);
        task
    }

    /// Runs the task until the request with this number of earlier turns, and then drops everything, as
    /// `kill -9` does.
    pub(super) async fn kill_at(&self, client: &CacheClient, turn: usize, kill: Kill) {
        client.kill_at(turn, kill);
        tokio::select! {
            biased;
            () = client.killed() => {}
            task = self.finish() => panic!("the task ended before it was killed: {task:?}"),
        }
        self.clock.advance(2 * LEASE);
    }

    fn task(&self) -> Task {
        let id = TaskId::new("t").unwrap();
        let mut task = Task::new(id, "Read all files and report.", self.clock.now()).unwrap();
        // As much as the instructions of a project.
        let input = "Follow the rules of the project.\n".repeat(500);
        task.options.max_steps = Some(1_000);
        task.options.max_calls = Some(10_000);
        task.options.input = Some(input);
        task
    }

    /// Returns the requests that did not begin with the one before, without a recorded cut.
    pub(super) async fn prefix_changes(&self) -> Vec<PrefixChange> {
        let events = self.store.read(&TaskId::new("t").unwrap(), 0, 100_000).await.unwrap();
        fold(&events).unwrap().context.prefix_changes
    }

    /// Returns the recorded cuts.
    pub(super) async fn cuts(&self) -> Vec<ContextCut> {
        let events = self.store.read(&TaskId::new("t").unwrap(), 0, 100_000).await.unwrap();
        let cuts = events.into_iter().filter_map(|event| match event.event.body {
            EventBody::Context(ContextChange::Cut(cut)) => Some(cut),
            _ => None,
        });
        cuts.collect()
    }
}

/// The sums of a bill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    pub(super) requests: usize,
    pub(super) summaries: usize,
    pub(super) input: u64,
    pub(super) read: u64,
    /// In thousandths of the price of a token of input that is not cached.
    pub(super) cost: u64,
}

impl Sums {
    pub(super) fn of<'a>(bills: impl IntoIterator<Item = &'a Billed>, prices: Prices) -> Self {
        let mut sums = Self { requests: 0, summaries: 0, input: 0, read: 0, cost: 0 };
        for Billed { usage, is_summary, .. } in bills {
            sums.requests += 1;
            sums.summaries += usize::from(*is_summary);
            sums.input += usage.total_input();
            sums.read += usage.cache_read;
            sums.cost += prices.cost(usage);
        }
        sums
    }

    /// Returns the share of the input that was read from the cache, in tenths of a percent.
    pub(super) fn share(self) -> u64 {
        self.read * 1_000 / self.input.max(1)
    }
}

/// Returns the cost of the same requests if the provider read all that the request before had, and wrote
/// only what was added.
pub(super) fn ideal(bill: &[Billed], prices: Prices) -> u64 {
    let mut before = 0;
    let mut cost = 0;
    for Billed { usage, .. } in bill {
        let tokens = usage.total_input();
        let read = tokens.min(before);
        cost += read * prices.read + (tokens - read) * prices.write;
        before = tokens;
    }
    cost
}
