//! Tests of `task.spawn` and `task.wait` on a port.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::call::ModelNames;
use az_core::testing::toolbox::{Example, ExpectedOutcome, ToolboxFixture};
use az_core::testing::{Capabilities, Fixture};
use az_core::tool::{ChildReport, ChildTasks, Invocation, SpawnRequest, SpawnTasks, Toolbox};
use az_core::{Error, Result, TaskId, TaskStatus, Usd};
use az_mcp::ToolRegistry;
use az_mcp::builtin::task::{SpawnTool, WaitTool};
use serde_json::{Value, json};

/// Knows one model.
#[derive(Debug)]
struct OneModel;

#[async_trait]
impl ModelNames for OneModel {
    async fn full_name(&self, name: &str) -> Result<String> {
        match name {
            "small" => Ok("local/small".to_owned()),
            _ => Err(Error::invalid("model", format!("there is no model {name:?}"))),
        }
    }
}

/// Has one child that has ended, and keeps the requests.
#[derive(Debug, Default, Clone)]
struct Children(Arc<Mutex<Vec<(String, SpawnRequest)>>>);

fn child(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

#[async_trait]
impl SpawnTasks for Children {
    async fn spawn(&self, key: &str, request: &SpawnRequest) -> Result<TaskId> {
        self.0.lock().unwrap().push((key.to_owned(), request.clone()));
        Ok(child("c1"))
    }

    async fn wait(&self, tasks: &[TaskId], limit: Duration) -> Result<Vec<ChildReport>> {
        if tasks.contains(&child("other")) {
            return Err(Error::invalid("tasks", "other is not a child task of this task"));
        }
        if tasks.contains(&child("endless")) {
            return std::future::pending().await;
        }
        let running = limit < Duration::from_secs(60);
        Ok(match running {
            true => vec![
                ChildReport::new(child("c1"), TaskStatus::Completed, "42\n"),
                ChildReport::new(child("c2"), TaskStatus::Running, ""),
            ],
            false => vec![ChildReport::new(child("c1"), TaskStatus::Failed, "no more credit")],
        })
    }
}

fn tools() -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    tools.add(SpawnTool::new(Arc::new(OneModel))).unwrap();
    tools.add(WaitTool).unwrap();
    tools
}

fn call(children: &Children, tool: &str, arguments: Value) -> Invocation {
    let call = Invocation::bare(tool, arguments).unwrap().with_key("t:7");
    call.with_children(ChildTasks::new(Arc::new(children.clone())))
}

/// The two tools, on which the kit of toolboxes runs.
struct Both;

#[async_trait]
impl Fixture<dyn Toolbox> for Both {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::new(tools())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

impl ToolboxFixture for Both {
    fn examples(&self) -> Vec<Example> {
        let children = Children::default();
        let example =
            |tool, arguments, expected| Example::new(call(&children, tool, arguments), expected);
        vec![
            example("task.spawn", json!({"command": "count"}), ExpectedOutcome::Done),
            example("task.spawn", json!({"budget": 1}), ExpectedOutcome::Invalid),
            example("task.wait", json!({}), ExpectedOutcome::Done),
            example("task.wait", json!({"tasks": "c1"}), ExpectedOutcome::Invalid),
            example("task.wait", json!({"tasks": ["endless"]}), ExpectedOutcome::Endless),
        ]
    }
}

mod kit {
    az_core::toolbox_conformance! {
        make: || super::Both,
        skips: [
            "a_failed_call_returns_an_output_that_is_not_ok",
            "a_model_replaces_nothing_that_it_has_not_seen",
            "background_processes_live_until_their_task_ends"
        ]
    }
}

#[tokio::test]
async fn a_request_is_passed_on_with_the_key_of_the_call_and_the_full_name_of_the_model() {
    let children = Children::default();
    let arguments = json!({"command": "count", "tools": ["a"], "model": "small", "budget": 0.25});
    let output = tools().call(call(&children, "task.spawn", arguments)).await.unwrap();
    assert_eq!((output.ok, output.data.clone()), (true, Some(json!("c1"))));
    assert_eq!(output.text(), "c1\n[task.wait waits for its result]");
    let expected = SpawnRequest::new("count")
        .with_tools(Some(vec!["a".to_owned()]))
        .with_model(Some("local/small".to_owned()))
        .with_budget(Some(Usd::from_nanos(250_000_000)));
    assert_eq!(*children.0.lock().unwrap(), [("t:7".to_owned(), expected)]);
}

#[tokio::test]
async fn the_state_of_each_child_is_returned_and_what_to_do_about_those_that_run() {
    let children = Children::default();
    let wait =
        async |arguments| tools().call(call(&children, "task.wait", arguments)).await.unwrap();
    let output = wait(json!({"timeout": 5})).await;
    assert_eq!(
        output.text(),
        "c1 completed:\n42\nc2 running\n[after 5 s, 1 of 2 have not ended; wait again]"
    );
    let output = wait(json!({"tasks": ["c1"]})).await;
    assert_eq!(output.text(), "c1 failed:\nno more credit");
    let expected = json!({"tasks": [{"task": "c1", "status": "failed", "text": "no more credit"}]});
    assert_eq!(output.data, Some(expected));
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    let children = Children::default();
    for (tool, arguments, reason) in [
        ("task.spawn", json!({"command": " "}), "arguments.command: must not be empty"),
        ("task.spawn", json!({"command": "x", "budget": 0}), "greater than 0, got 0"),
        ("task.spawn", json!({"command": "x", "model": "large"}), "there is no model \"large\""),
        ("task.wait", json!({"tasks": ["a b"]}), "\"a b\" is not the id of a task"),
        ("task.wait", json!({"timeout": 100_000}), "must be at most 86400, got 100000"),
        ("task.wait", json!({"tasks": ["other"]}), "other is not a child task of this task"),
    ] {
        let said = match tools().call(call(&children, tool, arguments)).await {
            Ok(output) => output.text().into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(reason), "{said}");
    }
    let alone = Invocation::bare("task.wait", json!({})).unwrap();
    let said = tools().call(alone).await.unwrap_err().to_string();
    assert!(said.contains("only a task that runs has child tasks"), "{said}");
}
