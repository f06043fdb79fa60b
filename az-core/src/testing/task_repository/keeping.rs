//! Clauses 1, 2, 3, 6 and 7: creating, finding and deleting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Tasks;
use crate::content::ImageContent;
use crate::error::{Error, ErrorKind};
use crate::money::Usd;
use crate::task::{
    Failure, FailureDetail, GoalCheck, LARGEST_COMMAND, OutputSchema, ReasoningEffort, Spawned,
    Task, TaskFilter, TaskImage, TaskInstructions, TaskOptions, TaskOrigin, TaskPriority,
    TaskStatus, UnattendedMode, Waiting,
};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, odd_time, task, task_id, waiting};
use crate::{ensure, ensure_eq, ensure_refused};

/// Returns a task with a value in every field.
fn full(id: &str) -> Task {
    let early = |minute: i64| odd_time(minute - 50_000_000);
    Task {
        command: "日本語 \u{1F980} ' \" \\ \r\n\u{7}%_".to_owned(),
        status: TaskStatus::Failed,
        priority: TaskPriority::Urgent,
        model: Some("anbieter/m:free".to_owned()),
        cost: Usd::from_nanos(9_007_199_254_740_993),
        estimated_tokens: 12,
        actual_tokens: 34,
        created_at: early(0),
        started_at: Some(early(1)),
        completed_at: Some(early(2)),
        updated_at: early(3),
        parent_task_id: Some(task_id("parent:1/a+b@c")),
        options: TaskOptions {
            tools: Some(vec!["a.b".to_owned()]),
            allow: vec!["shell.execute".to_owned()],
            deny: vec!["shell.execute".to_owned()],
            max_steps: Some(7),
            max_calls: Some(70),
            timeout: Some(Duration::from_millis(1500)),
            workspace: Some("/tmp/ä b".to_owned()),
            env: vec!["SSH_AUTH_SOCK".to_owned()],
            unattended: Some(UnattendedMode::Wait),
            effort: Some(ReasoningEffort::Low),
            input: Some("one\ntwo\n".to_owned()),
            images: Arc::from([image()]),
            instructions: Some(TaskInstructions::new("use tabs", vec!["AGENTS.md".to_owned()])),
            until: vec![check()],
            origin: Some(origin()),
            output_schema: OutputSchema::parse(r#"{"minimum": 0.5, "title": "ä"}"#).ok(),
            spawned: Some(Spawned::at_level(2).with_budget(Some(Usd::from_nanos(9)))),
        },
        answer: Some("42\n".to_owned()),
        failure: Some(failure()),
        waiting: Some(Box::new(Waiting {
            since: early(4),
            ..waiting().with_deny_at(Some(early(5)))
        })),
        ..task(id, 0)
    }
}

fn image() -> TaskImage {
    let content = ImageContent { mime_type: "image/png".to_owned(), data: "aGVsbG8=".to_owned() };
    TaskImage::new("ä b.png", content)
}

fn origin() -> TaskOrigin {
    let (origin, _) = TaskOrigin::new(&task("other", 0), 3, 17, Some("and now".to_owned()));
    origin
}

fn check() -> GoalCheck {
    let files = BTreeMap::from([("tests/ä.rs".to_owned(), "0af1".to_owned())]);
    GoalCheck { command: "cargo test".to_owned(), files }
}

fn failure() -> Failure {
    let detail = FailureDetail::ModelCall {
        provider: "p".to_owned(),
        model: "m".to_owned(),
        retry_after_millis: Some(2000),
    };
    Failure::new(ErrorKind::RateLimited, "slow down").with_detail(Some(detail))
}

/// Checks `TaskRepository` 1.
pub(super) async fn a_created_task_is_returned_as_given(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    for given in [task("plain", 0), full("full")] {
        let stored = tasks.create(&given).await?;
        ensure_eq!(stored, given, "the stored task");
        let found = tasks.get(&given.id).await?;
        ensure_eq!(found, Some(given), "the task");
    }
    Ok(())
}

/// Checks `TaskRepository` 1.
pub(super) async fn a_large_command_in_any_script_is_returned_unchanged(
    fixture: Tasks<'_>,
) -> Checked {
    let tasks = fixture.open().await;
    let mut large = task("large", 0);
    large.command = "日本語 \u{1F980} ' \" \\ \r\n\u{7}% ".repeat(LARGEST_COMMAND / 32);
    tasks.create(&large).await?;
    let found = tasks.get(&large.id).await?;
    ensure!(found.is_some_and(|t| t.command == large.command), "a large command was changed");
    Ok(())
}

/// Checks `TaskRepository` 2.
pub(super) async fn creating_a_task_again_changes_nothing(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let first = tasks.create(&full("t")).await?;
    let again = tasks.create(&full("t")).await?;
    ensure_eq!(again, first, "creating a task again changed it");
    let all = tasks.list(&TaskFilter::default()).await?;
    ensure_eq!(all, [first], "the tasks after one was created twice");
    Ok(())
}

/// Checks `TaskRepository` 2.
pub(super) async fn creating_a_changed_task_again_keeps_the_change(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let given = task("t", 0);
    let mut changed = tasks.create(&given).await?;
    changed.priority = TaskPriority::High;
    changed.status = TaskStatus::Pending;
    let changed = tasks.update(&changed, at(1)).await?;
    // As from a caller that received no acknowledgement.
    let again = tasks.create(&given).await?;
    ensure_eq!(again, changed, "creating a changed task again");
    Ok(())
}

/// Checks `TaskRepository` 2.
pub(super) async fn another_task_with_a_stored_id_is_refused(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    let first = tasks.create(&task("t", 0)).await?;
    let mut other = task("t", 5);
    other.command = "something else".to_owned();
    let refused = tasks.create(&other).await;
    ensure_refused!(refused, Error::AlreadyExists { .. }, "two tasks share an id");
    let found = tasks.get(&task_id("t")).await?;
    ensure_eq!(found, Some(first), "the refused task was stored");
    Ok(())
}

/// Checks `TaskRepository` 3.
pub(super) async fn an_unknown_id_is_none_not_found_or_false(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    tasks.create(&task("known", 0)).await?;
    let unknown = task("unknown", 0);
    ensure_eq!(tasks.get(&unknown.id).await?, None, "an unknown task was found");
    let updated = tasks.update(&unknown, at(1)).await;
    ensure_refused!(updated, Error::NotFound { .. }, "an unknown task was updated");
    let deleted = tasks.delete(&unknown.id, at(1)).await?;
    ensure!(!deleted, "an unknown task was deleted");
    ensure_eq!(tasks.get(&unknown.id).await?, None, "a refused update was stored");
    Ok(())
}

/// Checks `TaskRepository` 6.
pub(super) async fn a_deleted_task_is_gone(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    tasks.create(&task("t", 0)).await?;
    let other = tasks.create(&task("other", 0)).await?;
    ensure!(tasks.delete(&task_id("t"), at(1)).await?, "deleting a task returned false");
    ensure!(!tasks.delete(&task_id("t"), at(1)).await?, "deleting a deleted task returned true");
    ensure_eq!(tasks.get(&task_id("t")).await?, None, "a deleted task was found");
    let left = tasks.list(&TaskFilter::default()).await?;
    ensure_eq!(left, [other], "the remaining tasks");
    Ok(())
}

/// Checks `TaskRepository` 7.
pub(super) async fn tasks_survive_a_restart(fixture: Tasks<'_>) -> Checked {
    let tasks = fixture.open().await;
    tasks.create(&full("t")).await?;
    tasks.create(&task("gone", 0)).await?;
    tasks.delete(&task_id("gone"), at(1)).await?;
    let mut changed = tasks.create(&task("u", 0)).await?;
    changed.priority = TaskPriority::Low;
    let changed = tasks.update(&changed, at(2)).await?;
    drop(tasks);
    let tasks = fixture.open().await;
    let found = tasks.list(&TaskFilter::default()).await?;
    ensure_eq!(found, [changed, full("t")], "acknowledged tasks were lost or changed");
    Ok(())
}
