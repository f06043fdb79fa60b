//! The prompt of a task is recorded at its first step, and sent again byte for byte.

use az_ai::chat::{ChatRequest, Message};
use az_ai::client::Capabilities;
use az_ai::react::{ReActEngine, ReActOptions};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::agent::{Answer, FnAgent};
use az_core::journal::{ContextChange, EventBody, Protocol};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::{Error, ErrorKind, Run, Task};
use serde_json::json;

use super::{Stage, read};

fn toolbox(names: impl IntoIterator<Item = &'static str>) -> FakeToolbox {
    names.into_iter().fold(FakeToolbox::new(), |tools, name| tools.with(FakeTool::new(name)))
}

/// Returns a reply that fails once, so that the task ends and can be resumed.
fn refused_once(mut reply: ScriptedReply) -> ScriptedReply {
    reply.error = ScriptedReply::error(ErrorKind::Unauthorized, "no more credit").error;
    reply.error.as_mut().unwrap().times = Some(1);
    reply
}

fn system(request: &ChatRequest) -> &str {
    match &request.messages[0] {
        Message::System { text } => text,
        other => panic!("{other:?} instead of a system text"),
    }
}

/// Returns the texts of the messages of the user that begin with some words.
fn texts_about<'r>(begin: &str, request: &'r ChatRequest) -> Vec<&'r str> {
    let texts = request.messages.iter().filter_map(|message| match message {
        Message::User { text, .. } if text.starts_with(begin) => Some(&**text),
        _ => None,
    });
    texts.collect()
}

fn tool_names(request: &ChatRequest) -> Vec<&str> {
    request.tools.iter().map(|tool| tool.name.as_str()).collect()
}

async fn changes(stage: &Stage, task: &Task) -> Vec<ContextChange> {
    let events = stage.events(task).await.into_iter();
    let changes = events.filter_map(|event| match event.event.body {
        EventBody::Context(change) => Some(change),
        _ => None,
    });
    changes.collect()
}

#[tokio::test]
async fn a_newer_version_sends_the_recorded_prompt_and_tools() {
    let stage = Stage::new([read("a"), refused_once(ScriptedReply::text("done"))]);
    let stage = stage.with_tools(toolbox(["filesystem.read", "b", "c"]));
    let failed = stage.run("go").await;

    let newer = ReActOptions::default().with_instructions("Speak like a newer version.");
    let stage = stage.with_options(newer).with_tools(toolbox(["c", "b", "filesystem.read"]));
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));

    let asked = stage.requests();
    assert_eq!(asked.len(), 3);
    for request in &asked {
        assert_eq!(system(request), system(&asked[0]));
        assert_eq!(request.tools, asked[0].tools);
    }
    let recorded = changes(&stage, &failed).await;
    let [ContextChange::Prompt(prompt)] = &*recorded else { panic!("{recorded:?}") };
    assert_eq!((prompt.protocol, &*prompt.system), (Protocol::Native, system(&asked[0])));
    assert_eq!(prompt.tools, asked[0].tools);
}

#[tokio::test]
async fn tools_that_appear_later_are_announced_once_and_can_be_called() {
    let call = ScriptedReply::call("web_fetch", json!({"url": "x"}));
    let stage = Stage::new([read("a"), refused_once(call), read("b"), ScriptedReply::text("done")]);
    let stage = stage.with_tools(toolbox(["filesystem.read"]));
    let failed = stage.run("go").await;

    let stage = stage.with_tools(toolbox(["web.fetch", "filesystem.read"]));
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));
    let invoked: Vec<_> = stage.tools.invoked().into_iter().map(|call| call.tool).collect();
    assert_eq!(invoked, ["web.fetch", "filesystem.read"]);

    let asked = stage.requests();
    for request in &asked {
        assert_eq!(tool_names(request), ["filesystem.read"]);
    }
    let about = "These tools have been added since the conversation began, or have other";
    assert_eq!(texts_about(about, asked.last().unwrap()).len(), 1);
    let Message::User { text, .. } = &asked[2].messages[4] else { panic!("{:?}", asked[2]) };
    assert!(text.contains("- web.fetch: "), "{text}");
    assert_eq!(asked[2].messages[..4], asked[1].messages, "what was sent before is unchanged");
}

/// A newer binary may have a tool with other arguments than the recorded prompt.
#[tokio::test]
async fn a_tool_that_has_other_arguments_now_is_announced_once() {
    let stage =
        Stage::new([read("a"), refused_once(read("b")), read("c"), ScriptedReply::text("done")]);
    let stage = stage.with_tools(toolbox(["filesystem.read"]));
    let failed = stage.run("go").await;

    let changed = FakeTool::new("filesystem.read").requiring("path");
    let stage = stage.with_tools(FakeToolbox::new().with(changed));
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));
    let asked = stage.requests();
    let told = texts_about("These tools have been added", asked.last().unwrap());
    let [told] = &*told else { panic!("{told:?}") };
    let described = told.lines().skip_while(|line| !line.starts_with("- filesystem.read: "));
    assert!(described.skip(1).any(|schema| schema.contains(r#""required":["path"]"#)), "{told}");
    assert_eq!(asked.last().unwrap().tools, asked[0].tools, "the prompt is as it was");
}

#[tokio::test]
async fn each_protocol_has_a_prompt_of_its_own_with_the_same_tools() {
    let client = ScriptedClient::new([ScriptedReply::text("Final Answer: done")]);
    let stage = Stage::of(client.with_capabilities(Capabilities::TEXT));
    let stage = stage.with_tools(toolbox(["filesystem.read"]));
    let task = stage.run("go").await;
    let recorded = changes(&stage, &task).await;
    let [ContextChange::Prompt(prompt)] = &*recorded else { panic!("{recorded:?}") };
    assert_eq!(prompt.protocol, Protocol::Text);
    assert!(prompt.system.contains("- filesystem.read: "), "{}", prompt.system);
    assert_eq!(prompt.tools.len(), 1);
}

/// Journals of earlier versions have no prompt.
#[tokio::test]
async fn a_task_without_a_recorded_prompt_records_it_at_its_next_step() {
    let stage = Stage::new([ScriptedReply::text("done")]).with_tools(toolbox(["b"]));
    let older = FnAgent::new(|run: &mut Run| {
        Box::pin(async move {
            run.observe("as an earlier version would").await?;
            Err::<Answer, _>(Error::Agent { reason: "stopped".to_owned() })
        })
    });
    let failed = stage.run_agent(older, "go").await;
    assert_eq!(changes(&stage, &failed).await, []);
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));
    assert_eq!(changes(&stage, &failed).await.len(), 1);
}

#[tokio::test]
async fn an_agent_that_reasons_by_its_own_choice_has_its_prompt_recorded() {
    let stage = Stage::new([ScriptedReply::text("one"), ScriptedReply::text("two")]);
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            react.reason(run, "").await?;
            Ok(Answer(react.reason(run, "go on").await?.text))
        })
    });
    let task = stage.run_agent(agent, "go").await;
    assert_eq!(task.answer.as_deref(), Some("two"));
    assert_eq!(changes(&stage, &task).await.len(), 1);
}
