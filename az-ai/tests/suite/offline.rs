//! The offline planner as the agent's model, on a real engine.

use std::sync::Arc;

use az_ai::client::LlmClient;
use az_ai::provider::offline::OfflineClient;
use az_core::task::TaskStatus;
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::{EffectClass, ToolOutput};
use az_core::{ErrorKind, Task, Usd};
use serde_json::json;

use crate::support::stage::Stage;

async fn run(command: &str, tools: FakeToolbox) -> (Task, Stage) {
    let client: Arc<dyn LlmClient> = Arc::new(OfflineClient::new());
    let stage = Stage::with_client(client).with_tools(tools);
    (stage.run(command).await, stage)
}

fn tools() -> FakeToolbox {
    let listing = ToolOutput::done("a.txt\nb.txt\nsrc/");
    FakeToolbox::new()
        .with(FakeTool::new("filesystem.list").answering(listing))
        .with(FakeTool::new("filesystem.write").with_effect(EffectClass::Idempotent))
        .with(FakeTool::new("filesystem.read").answering(ToolOutput::failed("no such file")))
}

#[tokio::test]
async fn a_command_is_carried_out_step_by_step_for_nothing() {
    let command = "list the files here, then write how many there are to count.txt";
    let (task, stage) = run(command, tools()).await;
    assert_eq!(task.status, TaskStatus::Completed, "{:?}", task.failure);
    assert_eq!(
        task.answer.as_deref(),
        Some("1. list the files in .: 2 files\n2. write count.txt: 2")
    );
    assert_eq!((task.cost, task.actual_tokens), (Usd::ZERO, 0));
    let written = stage.tools.invoked().pop().unwrap();
    assert_eq!(written.arguments, json!({"path": "count.txt", "content": "2", "append": false}));
}

#[tokio::test]
async fn what_is_not_understood_fails_before_anything_is_done() {
    let (task, stage) = run("list the files here, then frobnicate them", tools()).await;
    let failure = task.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::BadRequest);
    assert!(failure.message.contains("frobnicate them"), "{}", failure.message);
    assert_eq!(stage.tools.invoked().len(), 0);
}

#[tokio::test]
async fn a_step_that_fails_ends_the_task() {
    let (task, stage) = run("read a.txt and write it to b.txt", tools()).await;
    let failure = task.failure.unwrap();
    assert_eq!(failure.message, "step 1 (read a.txt) failed: no such file");
    assert_eq!((failure.kind, stage.tools.invoked().len()), (ErrorKind::Agent, 1));
}

#[tokio::test]
async fn a_tool_that_is_missing_is_named() {
    let (task, _) = run("search for \"budgets\"", tools()).await;
    let message = task.failure.unwrap().message;
    assert!(message.contains("it needs semantic.search"), "{message}");
}
