//! A task keeps the model that was chosen for it.

use std::sync::Arc;

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::config::RoutingRule;
use az_ai::react::{ReActOptions, Sticky};
use az_ai::resolver::{CallReport, ModelResolver, Models};
use az_ai::routing::{RoutingEngine, RuleRouter};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::clock::{Clock, ManualClock, SystemClock};
use az_core::journal::{ContextChange, EventBody};
use az_core::{ErrorKind, Task};
use futures_util::FutureExt;

use super::{Stage, read, reader};

/// A scripted client with a provider of its own, because routers avoid providers.
#[derive(Debug)]
struct Named(&'static str, ScriptedClient);

#[async_trait]
impl LlmClient for Named {
    fn provider(&self) -> &str {
        self.0
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.1.capabilities(model)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        self.1.estimate_cost(request)
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        self.1.complete(request).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        self.1.stream(request)
    }
}

/// A router with two models of two providers.
struct Fleet {
    router: Arc<RuleRouter>,
    clock: Arc<ManualClock>,
    clients: [ScriptedClient; 2],
}

fn rules(rules: &[(&str, &str)]) -> Vec<RoutingRule> {
    rules.iter().map(|(condition, name)| RoutingRule::new(*condition, *name)).collect()
}

impl Fleet {
    fn new(lines: [Vec<ScriptedReply>; 2], windows: [u64; 2]) -> Self {
        Self::with(lines, windows.map(|window| Capabilities::FULL.with_context_window(window)))
    }

    fn with(lines: [Vec<ScriptedReply>; 2], capabilities: [Capabilities; 2]) -> Self {
        let [one, two] = lines;
        let client = |lines: Vec<ScriptedReply>, can| {
            ScriptedClient::new(lines).with_capabilities(can).recording()
        };
        let clients = [client(one, capabilities[0]), client(two, capabilities[1])];
        let shared = |index: usize| -> Arc<dyn LlmClient> {
            Arc::new(Named(["one", "two"][index], clients[index].clone()))
        };
        let models = Models::new("one", shared(0), "one-1").with("two", shared(1), "two-1");
        let clock = Arc::new(ManualClock::at(SystemClock.now()).with_boot("boot"));
        let names = ["one", "two"].map(str::to_owned).to_vec();
        let router =
            RuleRouter::new(Arc::new(models), names, "one", Arc::<ManualClock>::clone(&clock));
        let router = router.with_rules(rules(&[("tokens > 0", "one"), ("fallback", "two")]));
        Self { router: Arc::new(router.unwrap()), clock, clients }
    }

    fn stage(&self) -> Stage {
        Stage::with_models(Arc::<RuleRouter>::clone(&self.router))
    }

    fn requests(&self) -> [usize; 2] {
        [0, 1].map(|index| self.clients[index].requests().len())
    }
}

fn lines() -> Vec<ScriptedReply> {
    vec![read("a"), read("b"), ScriptedReply::text("done")]
}

async fn choices(stage: &Stage, task: &Task) -> Vec<String> {
    let events = stage.events(task).await.into_iter();
    let choices = events.filter_map(|event| match event.event.body {
        EventBody::Context(ContextChange::Model(choice)) => Some(choice.name),
        _ => None,
    });
    choices.collect()
}

/// Runs a task during which other rules are set, and another task after it.
async fn with_new_rules(sticky: Sticky) -> ([usize; 2], [usize; 2]) {
    let fleet = Fleet::new([lines(), lines()], [100_000; 2]);
    let router = Arc::clone(&fleet.router);
    let tools = reader("A").before_invoking(Arc::new(move || {
        let other = rules(&[("tokens > 0", "two"), ("fallback", "one")]);
        router.update_routing_rules(other).now_or_never().unwrap().unwrap();
    }));
    let stage = fleet.stage().with_tools(tools);
    let stage = stage.with_options(ReActOptions::default().with_sticky(sticky));
    stage.run("read both").await;
    let first = fleet.requests();
    stage.run_named("t2".to_owned(), "read both").await;
    let [one, two] = fleet.requests();
    (first, [one - first[0], two - first[1]])
}

#[tokio::test]
async fn new_rules_reach_new_tasks_at_once_and_running_ones_at_their_next_choice() {
    assert_eq!(with_new_rules(Sticky::Task).await, ([3, 0], [0, 3]));
    assert_eq!(with_new_rules(Sticky::Step).await, ([1, 2], [0, 3]));
}

#[tokio::test]
async fn a_resumed_task_keeps_its_model() {
    let mut one = lines();
    one[1].error = ScriptedReply::error(ErrorKind::Agent, "stop").error;
    one[1].error.as_mut().unwrap().times = Some(1);
    let fleet = Fleet::new([one, lines()], [100_000; 2]);
    let stage = fleet.stage().with_tools(reader("A"));
    let failed = stage.run("read both").await;
    assert!(failed.failure.is_some());
    let other = rules(&[("tokens > 0", "two")]);
    fleet.router.update_routing_rules(other).await.unwrap();
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));
    assert_eq!(fleet.requests(), [4, 0]);
    assert_eq!(choices(&stage, &failed).await, ["one"]);
}

/// Its calls are checked against what was read, also where a planner would have made them.
#[tokio::test]
async fn the_turns_of_a_model_that_replaces_a_planner_are_not_a_plan() {
    let mut one = lines();
    one[1].error = ScriptedReply::error(ErrorKind::Unauthorized, "no more").error;
    let planner = Capabilities::FULL.with_planned_steps();
    let fleet = Fleet::with([one, lines()], [planner, Capabilities::FULL]);
    let stage = fleet.stage().with_tools(reader("A"));
    assert_eq!(stage.run("read both").await.answer.as_deref(), Some("done"));
    let calls = stage.tools.invoked();
    let checked: Vec<_> = calls.iter().map(|call| call.seen.is_some()).collect();
    assert_eq!((fleet.requests(), &*checked), ([2, 2], &[false, true][..]));
}

/// What the tool returns does not fit into the window of the first model, even alone.
#[tokio::test]
async fn a_larger_window_is_a_new_choice() {
    let wide = |n: usize| {
        (1..8).fold(read(&format!("{n}.0")), |reply, i| {
            let path = serde_json::json!({"path": format!("{n}.{i}")});
            reply.with_call("filesystem.read", path)
        })
    };
    let lines = || vec![read("a"), wide(1), wide(2), ScriptedReply::text("done")];
    let fleet = Fleet::new([lines(), lines()], [4_000, 100_000]);
    let stage = fleet.stage().with_tools(reader(&"x".repeat(6_000)));
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let [one, two] = fleet.requests();
    assert!(one > 0 && two > 0, "{one} {two}");
    assert_eq!(choices(&stage, &task).await, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_failed_is_returned_to() {
    let mut one = lines();
    one[1].error = ScriptedReply::error(ErrorKind::Unavailable, "down").error;
    one[1].error.as_mut().unwrap().times = Some(9);
    let fleet = Fleet::new([one, lines()], [100_000; 2]);
    let (clock, router) = (Arc::clone(&fleet.clock), Arc::clone(&fleet.router));
    let tools = reader("A").before_invoking(Arc::new(move || {
        clock.advance(std::time::Duration::from_secs(60));
        let one = router.resolve(Some("one")).unwrap();
        RoutingEngine::report(&*router, &one, CallReport::Replied);
    }));
    let stage = fleet.stage().with_tools(tools);
    let task = stage.run("read both").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let last = fleet.clients[0].requests().pop().unwrap();
    assert_eq!(last.messages.len(), 6, "the last request went to the first model");
    assert_eq!(choices(&stage, &task).await, ["one"]);
}
