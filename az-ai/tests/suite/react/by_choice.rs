//! Agents that call the steps of the loop by their own choice.

use std::sync::Arc;

use az_ai::chat::Message;
use az_ai::react::ReActEngine;
use az_ai::scripted::ScriptedReply;
use az_core::agent::{Answer, FnAgent};
use az_core::cost::Usage;
use az_core::journal::{CallRecord, CallState, EventBody, ToolOutcome};
use az_core::task::TaskStatus;
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::{EffectClass, ToolOutput};
use az_core::{Error, ErrorKind, Run, Usd};
use serde_json::json;

use super::shop::Priced;
use super::{Stage, read, reader, result};

/// Returns the outcome and the text of a call that ended.
fn ended(call: &CallRecord) -> (ToolOutcome, String) {
    match &call.state {
        CallState::Ended { outcome, text, .. } => (*outcome, text.render()),
        state => panic!("the call has no result: {state:?}"),
    }
}

fn asked(stage: &Stage, request: usize) -> Vec<Message> {
    stage.requests()[request].messages[2..].to_vec()
}

/// Checks `ReActEngine` 3.
#[tokio::test]
async fn an_agent_acts_first_and_passes_on_the_observation() {
    let stage = Stage::new([ScriptedReply::text("It says A.")]).with_tools(reader("A"));
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            let call = react.act(run, "filesystem.read", json!({"path": "a"})).await?;
            let observation = react.observe(run, &call).unwrap_or_default();
            Ok(Answer(react.reason(run, &observation).await?.text))
        })
    });
    let task = stage.run_agent(agent, "what does a say?").await;
    assert_eq!((task.status, task.answer.as_deref()), (TaskStatus::Completed, Some("It says A.")));
    assert_eq!(asked(&stage, 0), [Message::user("Observation: A")]);
    assert_eq!(
        stage.recorder.names().join(" "),
        "run_started tool_intent tool_result observation context llm_intent text_delta text_delta \
         text_delta llm_result run_finished"
    );
}

/// Checks `ReActEngine` 4.
#[tokio::test]
async fn acting_on_a_requested_call_gives_its_result() {
    let stage = Stage::new([read("a"), ScriptedReply::text("It says A.")]).with_tools(reader("A"));
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            let reply = react.reason(run, "").await?;
            let call = reply.calls.first().ok_or(Error::Cancelled)?;
            react.act(run, &call.name, call.arguments.clone()).await?;
            Ok(Answer(react.reason(run, "").await?.text))
        })
    });
    let task = stage.run_agent(agent, "what does a say?").await;
    assert_eq!(task.answer.as_deref(), Some("It says A."));
    assert_eq!(stage.tools.invoked().len(), 1);
    assert_eq!(asked(&stage, 1)[1], result("call_0_0", ToolOutcome::Done, "A"));
}

#[tokio::test]
async fn reasoning_with_calls_that_have_no_result_is_refused_until_they_are_declined() {
    let stage = Stage::new([read("a"), ScriptedReply::text("Then not.")]).with_tools(reader("A"));
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            react.reason(run, "").await?;
            let refused = react.reason(run, "go on").await.map(|reply| reply.text);
            run.decline_pending("not now").await?;
            let reply = react.reason(run, "go on").await?;
            Ok(Answer(format!("{}\n{}", refused.unwrap_err(), reply.text)))
        })
    });
    let task = stage.run_agent(agent, "read a").await;
    assert_eq!(
        task.answer.as_deref(),
        Some(
            "invalid step: 1 tool calls of the last turn have no result; make or decline them \
             first\nThen not."
        )
    );
    assert_eq!(stage.tools.invoked().len(), 0);
    let declined = result("call_0_0", ToolOutcome::Refused, "not now");
    assert_eq!(asked(&stage, 1)[1..], [declined, Message::user("Observation: go on")]);
}

/// Checks `ReActEngine` 3.
#[tokio::test]
async fn a_step_that_is_repeated_after_a_failure_records_its_observation_once() {
    let line = ScriptedReply::text("done").with_usage(Usage::tokens(9, 9), Usd::from_nanos(9));
    let stage = Stage::with_client(Arc::new(Priced::new([line])));
    stage.cap(1_000).await;
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move { Ok(Answer(react.reason(run, "it rains").await?.text)) })
    });
    let failed = stage.run_agent(agent.clone(), "go").await;
    assert_eq!(failed.failure.as_ref().map(|failure| failure.kind), Some(ErrorKind::Budget));
    stage.cap(1_000_000).await;
    let task = stage.resume_agent(agent, &failed).await;
    assert_eq!(task.answer.as_deref(), Some("done"));
    let events = stage.events(&task).await;
    let observed = events.iter().filter_map(|event| match &event.event.body {
        EventBody::Observation { text } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(observed.collect::<Vec<_>>(), ["it rains"]);
}

#[tokio::test]
async fn an_observation_after_an_answer_is_answered_by_the_loop() {
    let stage = Stage::new([ScriptedReply::text("It is dry."), ScriptedReply::text("It rains.")]);
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            let first = react.execute_react(run, "").await?;
            run.observe("drops on the window").await?;
            let second = react.execute_react(run, "").await?;
            Ok(Answer(format!("{} {}", first.0, second.0)))
        })
    });
    let task = stage.run_agent(agent, "how is the weather?").await;
    assert_eq!(task.answer.as_deref(), Some("It is dry. It rains."));
}

/// Checks `ReActEngine` 5.
#[tokio::test]
async fn observations_are_text_within_the_limit() {
    let long = "x".repeat(100_000);
    let stage = Stage::new([]).with_tools(reader(&long));
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            let call = react.act(run, "filesystem.read", json!({"path": "a"})).await?;
            Ok(Answer(react.observe(run, &call).unwrap_or_default()))
        })
    });
    let answer = stage.run_agent(agent, "read a").await.answer.unwrap();
    assert!(answer.len() < 25_000 && answer.contains(" bytes left out …]"), "{}", answer.len());
}

/// Checks `ReActEngine` 4.
#[tokio::test]
async fn each_act_is_a_call_of_its_own() {
    let send = FakeTool::new("send").with_effect(EffectClass::Unsafe);
    let tools = FakeToolbox::new().with(send.answering(ToolOutput::done("sent")));
    let stage = Stage::new([]).with_tools(tools);
    let react = stage.react();
    let agent = FnAgent::new(move |run: &mut Run| {
        let react = react.clone();
        Box::pin(async move {
            let mut outcomes = Vec::new();
            for tool in ["send", "send", "none"] {
                outcomes.push(ended(&react.act(run, tool, json!({})).await?));
            }
            Ok(Answer(format!("{outcomes:?}")))
        })
    });
    let answer = stage.run_agent(agent, "send twice").await.answer;
    let expected = [
        (ToolOutcome::Done, "sent".to_owned()),
        (ToolOutcome::Done, "sent".to_owned()),
        (
            ToolOutcome::Refused,
            "invalid tool: there is no tool \"none\"; the tools are send".to_owned(),
        ),
    ];
    assert_eq!(answer, Some(format!("{expected:?}")));
    assert_eq!(stage.tools.invoked().len(), 2);
}
