//! Tests of the processes that calls leave running, and of recorded results.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::{Arc, Mutex};

use az_core::agent::{Answer, FnAgent};
use az_core::engine::{Engine, EngineOptions, ExecutionEngine, Stop, StopReason};
use az_core::journal::{EventBody, Journal};
use az_core::memory::MemoryStore;
use az_core::policy::AllowEverything;
use az_core::task::{TaskQueue, TaskRepository};
use az_core::testing::sample::{at, claim_of, run_started, task, task_id, worker};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::{BackgroundProcess, Invocation, ToolOutput, Toolbox};
use az_core::{CallId, Error, Run, TaskStatus};
use serde_json::json;

fn tools() -> FakeToolbox {
    FakeToolbox::new()
        .with(FakeTool::new("serve").leaving_running("server").answering(ToolOutput::done("up")))
        .with(FakeTool::new("look"))
}

/// Returns an engine whose agent starts a server and then does `then`.
fn engine(
    store: &MemoryStore,
    toolbox: &FakeToolbox,
    then: impl Fn(&Run) -> az_core::Result<()> + Send + Sync + Clone + 'static,
) -> Engine {
    let agent = FnAgent::new(move |run: &mut Run| {
        let then = then.clone();
        Box::pin(async move {
            run.call_tool("server", "serve", json!({})).await?;
            then(run)?;
            Ok(Answer("done".to_owned()))
        })
    });
    Engine::new(Arc::new(store.clone()), Arc::new(agent), EngineOptions::new(worker("engine")))
        .with_toolbox(Arc::new(toolbox.clone()))
        .with_policy(Arc::new(AllowEverything))
}

async fn running(toolbox: &FakeToolbox) -> Vec<BackgroundProcess> {
    toolbox.background(&task_id("a")).await.unwrap()
}

#[tokio::test]
async fn background_processes_live_during_a_run_and_end_with_it_however_it_ends() {
    for (ending, status) in [
        (None, TaskStatus::Completed),
        (Some(StopReason::Cancelled), TaskStatus::Cancelled),
        (Some(StopReason::Shutdown), TaskStatus::Pending),
    ] {
        let (store, toolbox) = (MemoryStore::new(), tools());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, watched, noted) = (Stop::new(), toolbox.clone(), Arc::clone(&seen));
        let stopping = stop.clone();
        let engine = engine(&store, &toolbox, move |_run| {
            let now =
                futures_util::future::FutureExt::now_or_never(watched.background(&task_id("a")));
            noted.lock().unwrap().extend(now.unwrap().unwrap());
            match ending {
                None => Ok(()),
                Some(reason) => {
                    stopping.request(reason);
                    Err(Error::Cancelled)
                }
            }
        });
        let ended = engine.execute_until(task("a", 0), stop).await.unwrap();
        assert_eq!(ended.status, status);
        assert_eq!(*seen.lock().unwrap(), [BackgroundProcess::new(1, "server")]);
        assert_eq!(running(&toolbox).await, [], "after {status}");
    }
}

#[tokio::test]
async fn a_resumed_task_ends_what_the_crashed_run_left_running_and_records_that() {
    let (store, toolbox) = (MemoryStore::new(), tools());
    store.create(&task("a", 0)).await.unwrap();
    let lease = store.claim(&claim_of("a", "dead", 0, 1)).await.unwrap().unwrap().lease;
    let refused = az_core::journal::ToolResult::new(
        "serve",
        az_core::journal::ToolOutcome::Done,
        ToolOutput::done("up"),
    );
    let result =
        az_core::journal::NewEvent::about(CallId::tool(0, 0), EventBody::ToolResult(refused));
    store.append(&lease, 0, vec![run_started("dead"), result], at(0)).await.unwrap();
    let call = Invocation::new(task_id("a"), CallId::tool(0, 0), "serve", json!({}));
    toolbox.call(call).await.unwrap();
    let done = FnAgent::new(|_run| Box::pin(async { Ok(Answer("done".to_owned())) }));
    let engine =
        Engine::new(Arc::new(store.clone()), Arc::new(done), EngineOptions::new(worker("engine")))
            .with_toolbox(Arc::new(toolbox.clone()));
    engine.resume_until(&task_id("a"), Stop::new()).await.unwrap();
    assert_eq!(running(&toolbox).await, []);
    let events = store.read(&task_id("a"), 0, 100).await.unwrap();
    let notes = events.iter().filter_map(|event| match &event.event.body {
        EventBody::Note { text } => Some(text.as_str()),
        _ => None,
    });
    let expect = "ended the background processes of the interrupted run: 1 `server`";
    assert_eq!(notes.collect::<Vec<_>>(), [expect]);
}

/// Checks `ReadResults` 1 and 2.
#[tokio::test]
async fn a_tool_can_read_the_recorded_results_of_its_task() {
    let (store, toolbox) = (MemoryStore::new(), tools());
    let agent = FnAgent::new(|run: &mut Run| {
        Box::pin(async move {
            run.call_tool("server", "serve", json!({})).await?;
            run.call_tool("look", "look", json!({})).await?;
            Ok(Answer("done".to_owned()))
        })
    });
    let engine =
        Engine::new(Arc::new(store), Arc::new(agent), EngineOptions::new(worker("engine")))
            .with_toolbox(Arc::new(toolbox.clone()))
            .with_policy(Arc::new(AllowEverything));
    engine.execute(task("a", 0), None).await.unwrap();
    let last = toolbox.invoked().pop().unwrap();
    let found = last.results.get(&CallId::new("e:server").unwrap()).await.unwrap();
    assert_eq!(found, Some(ToolOutput::done("up")));
    assert_eq!(last.results.get(&CallId::tool(0, 0)).await.unwrap(), None);
}
