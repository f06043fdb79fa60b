//! The offline planner as the agent's model, on a real engine.

use std::sync::Arc;

use az_ai::client::LlmClient;
use az_ai::offline::OfflineClient;
use az_core::task::TaskStatus;
use az_core::testing::{FakeApprover, FakeTool, FakeToolbox};
use az_core::tool::{EffectClass, ToolOutput};
use az_core::{ErrorKind, Task, Usd};
use serde_json::json;

use crate::support::stage::Stage;

fn stage(tools: FakeToolbox) -> Stage {
    let client: Arc<dyn LlmClient> = Arc::new(OfflineClient::new());
    Stage::with_client(client).with_tools(tools)
}

async fn run(command: &str, tools: FakeToolbox) -> (Task, Stage) {
    let stage = stage(tools);
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
async fn a_command_is_executed_step_by_step_at_no_cost() {
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
async fn an_unknown_command_fails_before_the_first_step() {
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
async fn a_missing_tool_is_named() {
    let (task, _) = run("search for \"budgets\"", tools()).await;
    let message = task.failure.unwrap().message;
    assert!(message.contains("it needs semantic.search"), "{message}");
}

fn shell(outputs: impl IntoIterator<Item = ToolOutput>) -> FakeToolbox {
    let list = FakeTool::new("filesystem.list").answering(ToolOutput::done("a.txt"));
    let shell = FakeTool::new("shell.execute").with_effect(EffectClass::Unsafe);
    FakeToolbox::new().with(list).with(outputs.into_iter().fold(shell, FakeTool::answering))
}

const JOB: &str = "list the files here, then run 'make'";

fn made(stage: &Stage) -> usize {
    let invoked = stage.tools.invoked();
    invoked.iter().filter(|call| call.tool == "shell.execute").count()
}

#[tokio::test]
async fn a_failed_step_is_repeated_when_the_task_is_resumed() {
    let outputs = [ToolOutput::failed("no rule"), ToolOutput::failed("no disk")];
    let stage = stage(shell(outputs.into_iter().chain([ToolOutput::done("made")])));
    let failed = stage.run(JOB).await;
    assert_eq!(failed.failure.as_ref().unwrap().message, "step 2 (run `make`) failed: no rule");
    let failed = stage.resume(&failed).await;
    assert_eq!(failed.failure.as_ref().unwrap().message, "step 2 (run `make`) failed: no disk");
    assert_eq!(made(&stage), 2, "taken again once for each time, and no more");

    let task = stage.resume(&failed).await;
    assert_eq!(
        task.answer.as_deref(),
        Some(
            "1. list the files in .: 1 file\n2. run `make`: 1 line\n\n1. list the files in .\n\
             a.txt\n\n2. run `make`\nmade"
        )
    );
    assert_eq!(stage.tools.invoked().len(), 4, "what was done stays done");
}

#[tokio::test]
async fn a_denied_step_is_asked_about_again_when_the_task_is_resumed() {
    let answers = Arc::new(FakeApprover::new([true, false, true]));
    let stage = stage(shell([ToolOutput::done("made")])).with_approver(answers);
    let denied = stage.run(JOB).await;
    let why = &denied.failure.as_ref().unwrap().message;
    assert!(why.starts_with("step 2 (run `make`) failed: not approved"), "{why}");
    assert_eq!(made(&stage), 0);

    let task = stage.resume(&denied).await;
    assert_eq!((task.status, made(&stage)), (TaskStatus::Completed, 1));
}

#[tokio::test]
async fn a_command_that_was_cut_short_is_not_run_again_when_the_task_is_resumed() {
    let list = FakeTool::new("filesystem.list").answering(ToolOutput::done("a.txt"));
    let endless = FakeTool::new("shell.execute").with_effect(EffectClass::Unsafe).without_end();
    let mut stage = stage(FakeToolbox::new().with(list).with(endless));
    let cancelled = stage.cancel_after(2, JOB).await;
    assert_eq!(cancelled.status, TaskStatus::Cancelled);

    stage.tools = shell([ToolOutput::done("made")]);
    let task = stage.resume(&cancelled).await;
    assert_eq!((task.status, made(&stage)), (TaskStatus::Completed, 0), "{:?}", task.failure);
    let unknown = "2. run `make`: interrupted, outcome unknown: verify before repeating it";
    assert!(task.answer.is_some_and(|answer| answer.contains(unknown)));
    assert_eq!(stage.tools.invoked().len(), 0, "what was done stays done");
}

#[tokio::test]
async fn repeated_planned_steps_are_not_a_loop() {
    let steps = ["append \"a\" to f"; 9].join(" then ");
    let (task, stage) = run(&steps, tools()).await;
    assert_eq!(task.status, TaskStatus::Completed, "{:?}", task.failure);
    assert_eq!(stage.tools.invoked().len(), 9);
}

fn files(text: &str) -> FakeToolbox {
    FakeToolbox::new()
        .with(FakeTool::new("filesystem.read").answering(ToolOutput::done(text)))
        .with(FakeTool::new("filesystem.write").with_effect(EffectClass::Idempotent))
}

#[tokio::test]
async fn whole_files_are_counted_and_copied_up_to_the_journals_limit() {
    let text = "ten bytes\n".repeat(6_500);
    let (task, _) = run("count the lines in notes.txt", files(&text)).await;
    assert_eq!(task.answer.as_deref(), Some("1. count the lines in notes.txt: 6500"));

    let (_, stage) = run("read notes.txt then write it to copy.txt", files(&text)).await;
    assert_eq!(stage.tools.invoked().pop().unwrap().arguments["content"], text);
}

#[tokio::test]
async fn a_file_above_the_limit_needs_the_shell() {
    let text = "ten bytes\n".repeat(7_000);
    for (command, advice) in [
        ("count the lines in notes.txt", r#"use the shell: run "wc -l notes.txt""#),
        ("read 'a b' then append it to c", r#"run "cat 'a b' >> c""#),
    ] {
        let (task, _) = run(command, files(&text)).await;
        let why = task.failure.unwrap().message;
        assert!(why.contains("bytes of what it works on are not shown"), "{why}");
        assert!(why.ends_with(advice), "{why}");
    }
}

#[tokio::test]
async fn a_step_that_fails_after_a_resume_is_not_repeated_in_the_same_run() {
    let outputs = [ToolOutput::failed("no rule"), ToolOutput::done("made")];
    let stage = stage(shell(outputs)).with_approver(Arc::new(FakeApprover::new([true])));
    let waiting = stage.run(JOB).await;
    assert_eq!(waiting.failure.as_ref().unwrap().kind, ErrorKind::Approval);

    let failed = stage.with_approver(Arc::new(FakeApprover::new([true, true])));
    let task = failed.resume(&waiting).await;
    assert_eq!(task.failure.unwrap().message, "step 2 (run `make`) failed: no rule");
    assert_eq!(made(&failed), 1);
}
