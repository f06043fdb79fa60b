//! An agent with more tools than are sent to the model.

use az_ai::scripted::ScriptedReply;
use az_core::content::text_of;
use az_core::engine::ExecutionEngine;
use az_core::journal::{EventBody, ToolOutcome};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::ToolOutput;
use serde_json::{Value, json};

use crate::support::stage::{Stage, task};

/// Returns two hundred tools, and those that find them.
fn many() -> FakeToolbox {
    let tools = (0..200).map(|i| format!("crm.t{i}"));
    let tools = tools.chain(["tool_search", "tool_call"].map(str::to_owned));
    tools.fold(FakeToolbox::new(), |tools, name| {
        tools.with(FakeTool::new(&name).answering(ToolOutput::done(format!("by {name}"))))
    })
}

fn by_name(arguments: Value) -> ScriptedReply {
    ScriptedReply::call("tool_call", arguments)
}

#[tokio::test]
async fn a_tool_that_is_not_sent_is_called_by_its_name() {
    let stage = Stage::new([
        ScriptedReply::call("tool_search", json!({"query": "the seventh"})),
        by_name(json!({"name": "crm.t7", "arguments": {"x": 1}})),
        ScriptedReply::call("crm.t8", json!({"x": 2})),
        ScriptedReply::text("done"),
    ])
    .with_tools(many());
    let task = stage.run("go").await;
    assert_eq!(task.answer.as_deref(), Some("done"));

    let calls = stage.tools.invoked();
    let made: Vec<_> = calls.iter().map(|call| (&*call.tool, call.arguments.clone())).collect();
    let searched = json!({"query": "the seventh"});
    let (seven, eight) = (json!({"x": 1}), json!({"x": 2}));
    assert_eq!(made, [("tool_search", searched), ("crm.t7", seven), ("crm.t8", eight)]);
    assert_eq!(calls[0].tools.len(), 202, "a search is over the tools of the task");
    // The list of tools is the same in all requests, so that a provider's cache of it is used.
    for request in stage.requests() {
        let sent: Vec<_> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(sent, ["tool_search", "tool_call"]);
    }
    // What is recorded, and approved, is the call that is made.
    let events = stage.events(&task).await;
    let recorded = events.iter().filter_map(|event| match &event.event.body {
        EventBody::ToolIntent(intent) => Some(intent.tool.clone()),
        EventBody::ToolResult(result) => Some(result.tool.clone()),
        _ => None,
    });
    let expected = ["tool_search", "tool_search", "crm.t7", "crm.t7", "crm.t8", "crm.t8"];
    assert_eq!(recorded.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_call_of_an_unknown_tool_names_the_nearest_ones() {
    let stage = Stage::new([
        by_name(json!({"name": "t7", "arguments": {}})),
        by_name(json!({"name": "weather"})),
        by_name(json!({"arguments": {}})),
        ScriptedReply::text("done"),
    ])
    .with_tools(many());
    let task = stage.run("go").await;
    let events = stage.events(&task).await;
    let refused: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.event.body {
            EventBody::ToolResult(result) => {
                let text = text_of(&result.content).into_owned();
                Some((result.tool.as_str(), result.outcome, text))
            }
            _ => None,
        })
        .collect();
    let reason = |tool, text: &str| (tool, ToolOutcome::Refused, text.to_owned());
    let find = "find others with tool_search";
    assert_eq!(
        refused,
        [
            reason(
                "t7",
                &format!("invalid tool: there is no tool \"t7\"; similar ones are crm.t7; {find}")
            ),
            reason(
                "weather",
                "invalid tool: there is no tool \"weather\"; find one with tool_search"
            ),
            reason(
                "tool_call",
                "invalid tool_call: name: must be the name of a tool; the arguments of tool_call are \
                 {\"name\": \"TOOL\", \"arguments\": {…}}"
            ),
        ]
    );
    assert_eq!(stage.tools.invoked().len(), 0);
}

#[tokio::test]
async fn a_task_that_may_use_few_of_many_tools_gets_all_of_those() {
    let stage = Stage::new([by_name(json!({"name": "crm.t9"})), ScriptedReply::text("done")])
        .with_tools(many());
    let allowed = Some(vec!["crm.t7".to_owned(), "crm.t8".to_owned()]);
    let task = stage.engine().execute(task("t1".to_owned(), "go"), allowed).await.unwrap();
    let sent: Vec<_> = stage.requests()[0].tools.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(sent, ["crm.t7", "crm.t8"]);
    assert_eq!((task.answer.as_deref(), stage.tools.invoked().len()), (Some("done"), 0));
}
