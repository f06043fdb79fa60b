//! Child tasks: spawned by a run, run beside it, and ended with it.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::call::{Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, Restart};
use az_core::cost::{Budget, BudgetKeeper, Charge, Period, Scope, Usage};
use az_core::engine::{Engine, EngineOptions, ExecutionEngine, Stop, StopReason};
use az_core::journal::{CallRecord, CallState, Journal, ModelReply};
use az_core::memory::MemoryStore;
use az_core::task::{
    CancelOutcome, Lease, Spawned, TaskFilter, TaskInstructions, TaskOptions, TaskQueue,
    TaskRepository, UnattendedMode,
};
use az_core::testing::sample::{
    at, budget, claim_of, completed, payer, spawned, task, task_id, waiting, worker,
};
use az_core::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, SpawnRequest, TASK_SPAWN,
    TASK_WAIT, ToolOutput, ToolScope, ToolSpec, Toolbox,
};
use az_core::{Error, Result, Run, Task, TaskId, TaskStatus, Usd};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Calls that take a second, and the most of them that were made at once.
#[derive(Debug, Default, Clone)]
struct SlowCalls {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl SlowCalls {
    #[expect(clippy::disallowed_methods, reason = "the tests pause the clock")]
    async fn make(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ModelEffect for SlowCalls {
    async fn call(&self, _meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        self.make().await;
        let charge = Charge::new(Usage::tokens(10, 5), Some(Usd::from_nanos(10)));
        Ok(ModelCompletion { reply: ModelReply::text("read"), charge })
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}

/// The two tools, with the arguments that the tests need, and one that is slow.
#[derive(Debug, Default, Clone)]
struct ChildTools(SlowCalls);

#[async_trait]
impl Toolbox for ChildTools {
    fn specs(&self) -> Arc<[ToolSpec]> {
        let spec = |name, effect| {
            ToolSpec::new(name, "", json!({"type": "object"}))
                .with_effect(effect)
                .with_scope(ToolScope::Workspace)
        };
        Arc::new([
            spec(TASK_SPAWN, EffectClass::Idempotent),
            spec(TASK_WAIT, EffectClass::Read),
            spec("read", EffectClass::Read),
        ])
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let specs = self.specs();
        let spec = specs.iter().find(|spec| spec.name == call.tool).unwrap();
        Ok(PreparedCall::new(call, spec.effect))
    }

    async fn witness(&self, _call: &PreparedCall) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        let call = call.invocation;
        let (arguments, children) = (&call.arguments, call.children.get()?);
        let texts = |name: &str| -> Vec<String> {
            serde_json::from_value(arguments[name].clone()).unwrap_or_default()
        };
        if call.tool == "read" {
            self.0.make().await;
            return Ok(ToolOutput::done("read"));
        }
        if call.tool == TASK_SPAWN {
            let request = SpawnRequest::new(arguments["command"].as_str().unwrap())
                .with_tools(arguments.get("tools").map(|_| texts("tools")))
                .with_model(arguments["model"].as_str().map(str::to_owned))
                .with_budget(arguments["budget"].as_i64().map(Usd::from_nanos));
            let id = children.spawn(&call.key, &request).await?;
            assert_eq!(children.spawn(&call.key, &request).await?, id, "it is made once per key");
            return Ok(ToolOutput::done(id.to_string()));
        }
        let ids: Vec<TaskId> = texts("tasks").iter().map(|id| task_id(id)).collect();
        let limit = Duration::from_secs(arguments["timeout"].as_u64().unwrap_or(3600));
        let tasks = children.wait(&ids, limit).await?;
        let text = tasks.iter().map(|report| format!("{} {}", report.status, report.text));
        let text = text.collect::<Vec<_>>().join("; ");
        Ok(ToolOutput::done(text).with_data(json!({"tasks": tasks})))
    }

    async fn probe(&self, _call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> Result<()> {
        Ok(())
    }

    async fn background(&self, _task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }

    async fn end_background(&self, _task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }
}

fn text(record: CallRecord) -> Result<String> {
    match record.state {
        CallState::Ended { text, .. } => Ok(text.render()),
        state => Err(Error::Internal(format!("{state:?}"))),
    }
}

/// A store, and how often each kind of child was run to its end.
struct Scene {
    store: MemoryStore,
    options: EngineOptions,
    said: Arc<AtomicUsize>,
    slow: SlowCalls,
}

impl Scene {
    fn new() -> Self {
        let options = EngineOptions::new(worker("engine"));
        let (said, slow) = (Arc::default(), SlowCalls::default());
        Self { store: MemoryStore::new(), options, said, slow }
    }

    /// Returns an engine whose agent works off its command: lines of `spawn ARGUMENTS`, `wait ARGUMENTS`, `read`, which
    /// calls a tool, `ask`, which calls a model, `say TEXT`, `sleep`, and `lose` and `cancel`, which another process does
    /// to the task. The answer is the last result.
    fn engine(&self) -> Engine {
        let (said, store, slow) = (Arc::clone(&self.said), self.store.clone(), self.slow.clone());
        let agent = FnAgent::new(move |run: &mut Run| {
            let (said, store, slow) = (Arc::clone(&said), store.clone(), slow.clone());
            Box::pin(async move {
                let mut last = String::new();
                for (number, line) in run.task().command.clone().lines().enumerate() {
                    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
                    let arguments = serde_json::from_str(rest).unwrap_or_default();
                    let tool = match verb {
                        "spawn" => TASK_SPAWN,
                        "wait" => TASK_WAIT,
                        "read" => "read",
                        "ask" => {
                            let request = ModelRequest::new("test", "m")
                                .with_estimate(Some(Usd::from_nanos(10)), 10);
                            last = run.call_model(&request, &slow).await?.text;
                            continue;
                        }
                        "say" => {
                            said.fetch_add(1, Ordering::SeqCst);
                            last = rest.to_owned();
                            continue;
                        }
                        "lose" => {
                            let other = claim_of(run.task().id.as_str(), "other", 0, 60);
                            store.claim(&other.presuming_dead(worker("engine"))).await?;
                            continue;
                        }
                        "cancel" => {
                            store.request_cancel(&run.task().id, at(0)).await?;
                            continue;
                        }
                        _ => {
                            run.pause(Duration::from_secs(1_000)).await?;
                            continue;
                        }
                    };
                    last = text(run.call_tool(&format!("{number}"), tool, arguments).await?)?;
                }
                Ok(Answer(last))
            })
        });
        Engine::new(Arc::new(self.store.clone()), Arc::new(agent), self.options.clone())
            .with_toolbox(Arc::new(ChildTools(self.slow.clone())))
    }

    async fn run(&self, command: &str) -> Task {
        let parent = Task::new(task_id("parent"), command, at(0)).unwrap();
        self.engine().execute(parent, None).await.unwrap()
    }

    /// Starts a task in the background.
    fn start(&self, command: &str) -> JoinHandle<Task> {
        let parent = Task::new(task_id("parent"), command, at(0)).unwrap();
        let engine = self.engine();
        tokio::spawn(async move { engine.execute(parent, None).await.unwrap() })
    }

    /// Runs a task until as many tasks are running, and stops its worker then.
    async fn interrupted(&self, command: &str, running: usize) {
        let parent = Task::new(task_id("parent"), command, at(0)).unwrap();
        let (engine, stop) = (self.engine(), Stop::new());
        let own = stop.clone();
        let run = tokio::spawn(async move { engine.execute_until(parent, own).await });
        self.until_running(running).await;
        stop.request(StopReason::Shutdown);
        assert_eq!(run.await.unwrap().unwrap().status, TaskStatus::Pending);
    }

    /// Resumes the task in the background.
    fn resume(&self) -> JoinHandle<Task> {
        let engine = self.engine();
        let id = task_id("parent");
        tokio::spawn(async move { engine.resume_until(&id, Stop::new()).await.unwrap() })
    }

    /// Creates a task that a worker ran that is gone; returns its lease, which has expired.
    async fn left(&self, id: &str, parent: Option<&Lease>) -> Lease {
        match parent {
            None => self.store.enqueue(&task(id, 0), at(0)).await.unwrap(),
            Some(parent) => {
                let mut task = spawned(id, parent.task.as_str());
                let above = self.store.get(&parent.task).await.unwrap().unwrap().options.spawned;
                let level = above.map_or(0, |above| above.level) + 1;
                task.options.spawned = Some(Spawned::at_level(level));
                self.store.spawn(parent, &task, at(0)).await.unwrap()
            }
        };
        self.store.claim(&claim_of(id, "gone", 0, 60)).await.unwrap().unwrap().lease
    }

    /// Waits until as many tasks are running.
    async fn until_running(&self, tasks: usize) {
        let running = TaskFilter { status: Some(TaskStatus::Running), ..TaskFilter::default() };
        while self.store.list(&running).await.unwrap().len() != tasks {
            tokio::time::advance(Duration::from_millis(10)).await;
        }
    }

    async fn budgets(&self) -> Vec<Budget> {
        let budgets = self.store.budgets(at(1)).await.unwrap();
        budgets.into_iter().map(|status| status.budget).collect()
    }

    async fn children(&self) -> Vec<Task> {
        let parent = Some(task_id("parent"));
        let children = TaskFilter { parent, ..TaskFilter::default() };
        self.store.list(&children).await.unwrap()
    }

    async fn statuses(&self) -> Vec<TaskStatus> {
        self.children().await.iter().map(|child| child.status).collect()
    }
}

/// Checks `SpawnTasks` 4.
#[tokio::test(start_paused = true)]
async fn a_wait_without_names_reports_children_that_ended_before_it() {
    let ended = Scene::new().run("spawn {\"command\": \"say one\"}\nsleep\nwait {}").await;
    assert_eq!(ended.answer.as_deref(), Some("completed one"));
}

/// Checks `SpawnTasks` 1 and 4.
#[tokio::test(start_paused = true)]
async fn children_run_beside_their_parent_which_is_told_their_answers_in_order() {
    let scene = Scene::new();
    let spawns = "spawn {\"command\": \"say one\"}\nspawn {\"command\": \"say two\"}";
    let ended = scene.run(&format!("{spawns}\nwait {{}}\nsay done")).await;
    assert_eq!((ended.status, ended.answer.as_deref()), (TaskStatus::Completed, Some("done")));
    assert_eq!(scene.statuses().await, [TaskStatus::Completed; 2]);
    assert_eq!(scene.said.load(Ordering::SeqCst), 3, "each ran once");

    // Ids depend on the task and the place of the call in its journal only.
    let first = scene.children().await.pop().unwrap();
    let scene = Scene::new();
    scene.run(spawns).await;
    assert!(scene.children().await.iter().any(|child| child.id == first.id));
}

/// Checks `SpawnTasks` 4.
#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_time_and_can_be_repeated() {
    let scene = Scene::new();
    let ended = scene.run("spawn {\"command\": \"sleep\"}\nwait {\"timeout\": 5}").await;
    assert_eq!(ended.answer.as_deref(), Some("running "));
    let scene = Scene::new();
    let wait = "wait {\"timeout\": 5}";
    let ended =
        scene.run(&format!("spawn {{\"command\": \"sleep\\nsay late\"}}\n{wait}\nwait {{}}")).await;
    assert_eq!(ended.answer.as_deref(), Some("completed late"));
}

/// Checks `SpawnTasks` 2.
#[tokio::test(start_paused = true)]
async fn a_child_has_the_permissions_of_its_parent_and_the_tools_that_it_is_given() {
    let scene = Scene::new();
    let mut options = TaskOptions::default()
        .with_tools([TASK_SPAWN, TASK_WAIT, "read"])
        .with_allow(["read"])
        .with_deny(["shell.execute"])
        .with_max_steps(7)
        .with_max_calls(70)
        .with_timeout(Duration::from_secs(600_000))
        .with_workspace("/work")
        .with_env(["TERM"])
        .with_unattended(UnattendedMode::Wait)
        .with_instructions(TaskInstructions::new("be brief", vec!["AGENTS.md".to_owned()]))
        .with_input("data");
    let command = "spawn {\"command\": \"say a\"}\nspawn {\"command\": \"say b\", \"tools\": [\"read\"], \"budget\": 5}\nwait {}";
    let parent = Task::new(task_id("parent"), command, at(0)).unwrap().with_model("scripted:x");
    let parent = parent.with_options(options.clone());
    let ended = scene.engine().execute(parent, None).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Completed, "{:?}", ended.failure);
    options.input = None;
    let mut children = scene.children().await;
    children.sort_by(|a, b| a.command.cmp(&b.command));
    let found: Vec<_> =
        children.iter().map(|child| (child.options.clone(), &child.model)).collect();
    let model = Some("scripted:x".to_owned());
    let of_a = options.clone().with_spawned(Spawned::at_level(1));
    let with_budget = Spawned::at_level(1).with_budget(Some(Usd::from_nanos(5)));
    let of_b = options.with_tools(["read"]).with_spawned(with_budget);
    assert_eq!(found, [(of_a, &model), (of_b, &model)]);
    assert_eq!(scene.store.budgets(at(1)).await.unwrap(), [], "that of a completed child is gone");
}

/// Checks `SpawnTasks` 3.
#[tokio::test(start_paused = true)]
async fn the_budget_of_a_child_is_set_while_it_has_not_ended() {
    let scene = Scene::new();
    let command = "spawn {\"command\": \"sleep\\nsay it\", \"budget\": 5}\nwait {}";
    let run = scene.start(command);
    scene.until_running(2).await;
    let child = scene.children().await.remove(0);
    let own = [budget(Scope::Payer((&child.id).into()), Period::Total, 5)];
    assert_eq!(scene.budgets().await, own);
    scene.engine().cancel(&task_id("parent")).await.unwrap();
    assert_eq!(run.await.unwrap().status, TaskStatus::Cancelled);
    assert_eq!(scene.budgets().await, [], "it was cancelled");
    let resumed = scene.resume();
    scene.until_running(2).await;
    assert_eq!(scene.budgets().await, own, "it was resumed");
    assert_eq!(resumed.await.unwrap().answer.as_deref(), Some("completed it"));
    assert_eq!(scene.budgets().await, [], "it is completed");
}

/// Checks `SpawnTasks` 2, 3 and 5.
#[tokio::test(start_paused = true)]
async fn what_a_child_may_not_be_is_refused_with_advice_and_nothing_is_created() {
    for (line, reason) in [
        (
            r#"spawn {"command": "x", "tools": ["raed"]}"#,
            "there is no tool \"raed\"; the tools that it may get are task.spawn, task.wait",
        ),
        (
            r#"spawn {"command": "x", "tools": ["read"]}"#,
            "this task may not use \"read\", and neither may a child task",
        ),
        (
            r#"spawn {"command": "x", "budget": 11}"#,
            "is more than the $0.00000001 that this task has left",
        ),
        (r#"spawn {"command": "x", "model": "replay:x"}"#, "a child task cannot run on replay:x"),
        (r#"spawn {"command": " "}"#, "invalid command: must not be empty"),
        (r#"wait {"tasks": ["other"]}"#, "other is not a child task of this task; it has none"),
        (r#"wait {"tasks": ["parent"]}"#, "parent is not a child task of this task"),
    ] {
        let scene = Scene::new();
        scene.store.create(&task("other", 0)).await.unwrap();
        let of_parent = Scope::Payer(payer("task:parent"));
        scene.store.set_budget(&budget(of_parent, Period::Total, 10), at(0)).await.unwrap();
        let options = TaskOptions::default().with_tools([TASK_SPAWN, TASK_WAIT]);
        let parent = Task::new(task_id("parent"), line, at(0)).unwrap().with_options(options);
        let ended = scene.engine().execute(parent, None).await.unwrap();
        let answer = ended.answer.unwrap();
        assert!(answer.contains(reason), "{line}: {answer}");
        assert_eq!(scene.children().await, [], "{line}");
        assert_eq!(scene.store.budgets(at(1)).await.unwrap().len(), 1, "{line}");
    }
}

/// Checks `SpawnTasks` 3.
#[tokio::test(start_paused = true)]
async fn the_number_of_children_and_of_levels_is_limited() {
    let mut scene = Scene::new();
    scene.options.max_children = 2;
    let sleeper = "spawn {\"command\": \"sleep\"}";
    let ended = scene.run(&[sleeper; 3].join("\n")).await;
    let expected =
        "2 child tasks have not ended, and at most 2 may run at once; wait for some with task.wait";
    assert!(ended.answer.unwrap().contains(expected));
    assert_eq!(scene.children().await.len(), 2);

    let mut scene = Scene::new();
    scene.options.max_child_levels = 2;
    let below = |command: &str| json!({"command": format!("spawn {}\nwait {{}}", json!({"command": command}))});
    let third = below("say too deep");
    let second = json!({"command": format!("spawn {third}\nwait {{}}")});
    let ended = scene.run(&format!("spawn {second}\nwait {{}}")).await;
    assert_eq!(ended.status, TaskStatus::Completed);
    let all = scene.store.list(&TaskFilter::default()).await.unwrap();
    let levels = all.iter().filter_map(|task| Some(task.options.spawned.as_ref()?.level));
    assert_eq!(levels.max(), Some(2));
    assert_eq!(scene.said.load(Ordering::SeqCst), 0);
}

/// Returns a line that spawns a task with these lines.
fn spawn(lines: &str) -> String {
    format!("spawn {}", json!({"command": lines}))
}

/// Checks `SpawnTasks` 3.
#[tokio::test(start_paused = true)]
async fn the_tasks_below_the_first_one_are_limited_together() {
    let two = [&*spawn("say a"), &spawn("say b"), "wait {}"].join("\n");
    let four = [&*spawn(&two), &spawn(&two), "wait {}"].join("\n");
    let sleepers = [&*spawn("sleep"), &spawn(&[&*spawn("say a"), "sleep"].join("\n")), "wait {}"];
    let all = "completed completed a; completed b; completed completed a; completed b";
    let many = vec![spawn("sleep"); 12].join("\n");
    for (command, most, unfinished, expected, stored) in [
        (&many, 10, 16, "10 child tasks were started below the first task, which is the most", 11),
        (&many, 16, 10, "10 child tasks below the first task have not ended", 11),
        (&four, 6, 6, all, 7),
        (&four, 5, 6, "5 child tasks were started below the first task, which is the most", 6),
        (
            &sleepers.join("\n"),
            6,
            2,
            "2 child tasks below the first task have not ended, which is the most; wait for some with task.wait",
            3,
        ),
    ] {
        let mut scene = Scene::new();
        scene.options.max_descendants = most;
        scene.options.max_unfinished_descendants = unfinished;
        scene.run(command).await;
        let all = scene.store.list(&TaskFilter::default()).await.unwrap();
        let mut said = String::new();
        for task in &all {
            said.push_str(&format!("{:?}", scene.store.read(&task.id, 0, 100).await.unwrap()));
        }
        assert!(said.contains(expected), "{said}");
        assert_eq!(all.len(), stored);
    }
}

#[tokio::test(start_paused = true)]
async fn child_tasks_make_so_many_calls_at_once_and_tasks_that_wait_take_no_slot() {
    let parents = spawn(&[&*spawn("read"), &spawn("ask"), "wait {}"].join("\n"));
    let command = [&*parents, &parents, &parents, "wait {}"].join("\n");
    for (slots, most) in [(1, 1), (2, 2), (16, 6)] {
        let mut scene = Scene::new();
        scene.options.max_child_calls = slots;
        let ended = scene.run(&command).await;
        let read = "completed completed read; completed read";
        assert_eq!(ended.answer.unwrap(), [read; 3].join("; "));
        assert_eq!(scene.slow.most.load(Ordering::SeqCst), most, "of {slots}");
    }
}

/// Checks `SpawnTasks` 6.
#[tokio::test(start_paused = true)]
async fn children_are_cancelled_with_their_parent_and_resumed_with_it() {
    let scene = Scene::new();
    let (engine, stop) = (scene.engine(), Stop::new());
    let child = json!({"command": "spawn {\"command\": \"sleep\\nsay below\"}\nwait {}"});
    let command = format!("spawn {child}\nwait {{}}");
    let parent = Task::new(task_id("parent"), command, at(0)).unwrap();
    let run = tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { engine.execute_until(parent, stop).await }
    });
    let running = TaskFilter { status: Some(TaskStatus::Running), ..TaskFilter::default() };
    while scene.store.list(&running).await.unwrap().len() < 3 {
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    assert_eq!(engine.cancel(&task_id("parent")).await.unwrap(), CancelOutcome::Requested);
    assert_eq!(run.await.unwrap().unwrap().status, TaskStatus::Cancelled);
    let all = scene.store.list(&TaskFilter::default()).await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|task| task.status == TaskStatus::Cancelled), "{all:?}");

    let resumed = engine.resume_until(&task_id("parent"), Stop::new()).await.unwrap();
    assert_eq!(resumed.answer.as_deref(), Some("completed completed below"));
    let all = scene.store.list(&TaskFilter::default()).await.unwrap();
    assert_eq!(all.len(), 3, "no task was spawned again");
    assert_eq!(scene.said.load(Ordering::SeqCst), 1);
}

/// Checks `SpawnTasks` 6.
#[tokio::test(start_paused = true)]
async fn the_children_of_a_task_that_is_released_are_left_to_the_queue() {
    let scene = Scene::new();
    let (engine, stop) = (scene.engine(), Stop::new());
    let parent =
        Task::new(task_id("parent"), "spawn {\"command\": \"sleep\\nsay it\"}\nwait {}", at(0));
    let run = tokio::spawn({
        let (engine, stop, parent) = (engine.clone(), stop.clone(), parent.unwrap());
        async move { engine.execute_until(parent, stop).await }
    });
    while scene.statuses().await != [TaskStatus::Running] {
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    stop.request(StopReason::Shutdown);
    assert_eq!(run.await.unwrap().unwrap().status, TaskStatus::Pending);
    assert_eq!(scene.statuses().await, [TaskStatus::Pending]);
    let resumed = engine.resume_until(&task_id("parent"), Stop::new()).await.unwrap();
    assert_eq!(resumed.answer.as_deref(), Some("completed it"));
    assert_eq!(scene.said.load(Ordering::SeqCst), 1);
}

/// Checks `SpawnTasks` 6.
#[tokio::test(start_paused = true)]
async fn children_without_a_wait_end_with_their_parent() {
    let scene = Scene::new();
    let ended = scene.run("spawn {\"command\": \"sleep\"}\nsay done").await;
    assert_eq!(ended.status, TaskStatus::Completed);
    assert_eq!(scene.statuses().await, [TaskStatus::Cancelled]);
}

/// Checks `SpawnTasks` 6.
#[tokio::test(start_paused = true)]
async fn a_child_that_was_cancelled_alone_is_not_resumed_with_its_parent() {
    let scene = Scene::new();
    let spawns = ["one", "two"]
        .map(|name| json!({"command": format!("sleep\nsay {name}")}))
        .map(|child| format!("spawn {child}\n"));
    let run = scene.start(&format!("{}wait {{}}", spawns.concat()));
    scene.until_running(3).await;
    let mut children = scene.children().await;
    children.sort_by_key(|child| child.created_at);
    let engine = scene.engine();
    assert_eq!(engine.cancel(&children[0].id).await.unwrap(), CancelOutcome::Requested);
    scene.until_running(2).await;
    engine.cancel(&task_id("parent")).await.unwrap();
    assert_eq!(run.await.unwrap().status, TaskStatus::Cancelled);
    let resumed = scene.resume().await.unwrap();
    assert_eq!(resumed.answer.as_deref(), Some("cancelled cancelled; completed two"));
    assert_eq!(scene.said.load(Ordering::SeqCst), 1);
}

/// Checks `SpawnTasks` 6.
#[tokio::test(start_paused = true)]
async fn a_child_that_was_cancelled_alone_is_not_resumed_if_its_worker_was_gone() {
    let scene = Scene::new();
    scene.interrupted("spawn {\"command\": \"sleep\"}\nwait {}", 2).await;
    let child = scene.children().await.remove(0).id;
    scene.store.claim(&claim_of(child.as_str(), "gone", 0, 60)).await.unwrap().unwrap();
    assert_eq!(scene.engine().cancel(&child).await.unwrap(), CancelOutcome::Cancelled);
    let resumed = scene.resume().await.unwrap();
    assert_eq!(resumed.answer.as_deref(), Some("cancelled cancelled"));
}

/// Checks `SpawnTasks` 6.
#[tokio::test(start_paused = true)]
async fn cancelling_a_task_ends_what_dead_workers_ran_at_any_depth() {
    for has_ended in [false, true] {
        let scene = Scene::new();
        let parent = scene.left("parent", None).await;
        let child = scene.left("child", Some(&parent)).await;
        scene.left("grandchild", Some(&child)).await;
        scene.store.park(&child, &waiting(), at(2)).await.unwrap();
        let expected = if has_ended {
            scene.store.finish(&parent, &completed("42"), at(3)).await.unwrap();
            CancelOutcome::AlreadyEnded(TaskStatus::Completed)
        } else {
            CancelOutcome::Cancelled
        };
        assert_eq!(scene.engine().cancel(&task_id("parent")).await.unwrap(), expected);
        let below = Some(task_id("parent"));
        let below = TaskFilter { below, ..TaskFilter::default() };
        let below = scene.store.list(&below).await.unwrap();
        let statuses: Vec<_> = below.iter().map(|task| task.status).collect();
        assert_eq!(statuses, [TaskStatus::Cancelled; 2], "its parent has ended: {has_ended}");
    }
}

/// Checks `SpawnTasks` 2.
#[tokio::test(start_paused = true)]
async fn what_a_resumed_task_may_not_do_its_children_may_not_do_either() {
    let scene = Scene::new();
    let child = json!({"command": "spawn {\"command\": \"sleep\"}\nwait {}"});
    scene.interrupted(&format!("spawn {child}\nwait {{}}"), 3).await;
    let child = scene.children().await.remove(0).id;
    let below = TaskFilter { parent: Some(child.clone()), ..TaskFilter::default() };
    let grandchild = scene.store.list(&below).await.unwrap().remove(0).id;
    let before =
        TaskOptions::default().with_deny(["b"]).with_allow(["r", "s"]).with_env(["X", "Y"]);
    let now = TaskOptions::default().with_deny(["a"]).with_allow(["r"]).with_env(["X"]);
    let now = now.with_tools([TASK_SPAWN, TASK_WAIT]);
    for (id, options) in [(&child, &before), (&grandchild, &before), (&task_id("parent"), &now)] {
        let mut task = scene.store.get(id).await.unwrap().unwrap();
        let spawned = task.options.spawned.take();
        task.options = options.clone();
        task.options.spawned = spawned;
        scene.store.update(&task, at(3)).await.unwrap();
    }
    let options = |id: &TaskId| {
        let (store, id) = (scene.store.clone(), id.clone());
        async move { store.get(&id).await.unwrap().unwrap().options }
    };

    // A worker that claims one makes no call that a task above it may not make.
    scene.engine().resume_until(&grandchild, Stop::new()).await.unwrap();
    let banned = before.with_deny(["b", "a"]).with_tools([TASK_SPAWN, TASK_WAIT]);
    assert_eq!(options(&grandchild).await, banned.clone().with_spawned(Spawned::at_level(2)));
    scene.resume().await.unwrap();
    let restricted = banned.with_allow(["r"]).with_env(["X"]);
    assert_eq!(options(&child).await, restricted.with_spawned(Spawned::at_level(1)));
}

/// Checks `SpawnTasks` 1.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_superseded_or_is_to_be_cancelled_spawns_nothing() {
    let scene = Scene::new();
    let parent = Task::new(task_id("parent"), "lose\nspawn {\"command\": \"say it\"}", at(0));
    let ended = scene.engine().execute(parent.unwrap(), None).await;
    assert!(matches!(ended, Err(Error::LeaseLost { .. })), "{ended:?}");
    assert_eq!(scene.children().await, []);
    let scene = Scene::new();
    let ended = scene.run("cancel\nspawn {\"command\": \"say it\"}\nwait {}").await;
    assert_eq!(ended.status, TaskStatus::Cancelled);
    assert_eq!(scene.children().await, []);
}
