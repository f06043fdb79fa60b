//! Models that lack something, and small context windows.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream, Message};
use az_ai::client::{Capabilities, CostEstimate, Fact, LlmClient};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::ErrorKind;
use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::{ContextChange, EventBody};
use serde_json::json;

use super::{Stage, read, reader};

/// A reply that is refused once, and then is this text.
fn refused(kind: ErrorKind, message: &str, status: u16, then: &str) -> ScriptedReply {
    let mut reply = ScriptedReply::error(kind, message);
    let error = reply.error.as_mut().unwrap();
    (error.times, error.status) = (Some(1), Some(status));
    reply.text = then.to_owned();
    reply
}

fn of_window(lines: impl IntoIterator<Item = ScriptedReply>, window: u64) -> Stage {
    let capabilities = Capabilities::FULL.with_context_window(window);
    Stage::of(ScriptedClient::new(lines).with_capabilities(capabilities))
}

fn results(request: &ChatRequest) -> Vec<usize> {
    let results = request.messages.iter().filter_map(|message| match message {
        Message::Tool(result) => Some(result.text.len()),
        _ => None,
    });
    results.collect()
}

fn notes(stage: &Stage) -> Vec<String> {
    let recorded = stage.recorder.recorded().into_iter();
    let notes = recorded.filter_map(|body| match body {
        EventBody::Note { text } => Some(text),
        _ => None,
    });
    notes.collect()
}

#[tokio::test]
async fn a_rejected_parameter_is_left_out_of_all_later_requests() {
    let message = "`temperature` is deprecated for this model.";
    let first = refused(ErrorKind::BadRequest, message, 400, "");
    let first = first.with_call("filesystem.read", json!({"path": "a"}));
    let stage = Stage::new([first, ScriptedReply::text("done")]).with_tools(reader("A"));
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("done"));
    let sent: Vec<_> = stage.requests().iter().map(|sent| sent.temperature.is_some()).collect();
    assert_eq!(sent, [true, false, false]);
    let note = "script-1 of scripted does not accept temperature: it is left out from now on";
    assert_eq!(notes(&stage), [note]);
}

#[tokio::test]
async fn tools_that_are_refused_are_described_in_the_prompt() {
    let call = "Action: filesystem.read\nAction Input: {\"path\": \"a\"}";
    let first = refused(ErrorKind::Unavailable, "tools param requires --jinja flag", 500, call);
    let stage = Stage::new([first, ScriptedReply::text("Final Answer: done")]);
    let stage = stage.with_tools(reader("A"));
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("done"));
    let tools: Vec<_> = stage.requests().iter().map(|sent| sent.tools.len()).collect();
    assert_eq!(tools, [1, 0, 0], "one request is refused, whatever the kind of the refusal");
    assert_eq!(stage.tools.invoked().len(), 1);
    assert_eq!(notes(&stage).len(), 1, "{:?}", notes(&stage));
}

#[tokio::test]
async fn a_reply_is_limited_to_what_a_small_window_leaves() {
    let stage = of_window([ScriptedReply::text("hi")], 1_500).with_tools(reader("A"));
    assert_eq!(stage.run("Say hi").await.answer.as_deref(), Some("hi"));
    let max_tokens = stage.requests()[0].max_tokens;
    assert!((256..1_200).contains(&max_tokens), "{max_tokens}");
    let is_cut = |body: &EventBody| matches!(body, EventBody::Context(ContextChange::Cut(_)));
    assert!(!stage.recorder.recorded().iter().any(is_cut), "there was nothing to cut");
}

#[tokio::test]
async fn results_of_the_last_turn_are_shortened_when_nothing_else_helps() {
    let nine = (1..9).fold(read("f0"), |reply, i| {
        reply.with_call("filesystem.read", json!({"path": format!("f{i}")}))
    });
    let stage = of_window([nine, ScriptedReply::text("done")], 8_192);
    let stage = stage.with_tools(reader(&"A".repeat(8_000)));
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let results = results(&stage.requests()[1]);
    assert_eq!(results.len(), 9);
    assert!(results.iter().all(|length| (900..3_000).contains(length)), "{results:?}");

    let stage = of_window([read("a"), ScriptedReply::text("done")], 8_192);
    let stage = stage.with_tools(reader(&"A".repeat(8_000)));
    assert_eq!(stage.run("read it").await.answer.as_deref(), Some("done"));
    let whole = self::results(&stage.requests()[1]);
    assert_eq!(whole, [8_000], "one result fits with a shorter reply");
}

/// The call is made with all of its arguments.
#[tokio::test]
async fn arguments_of_the_last_turn_are_shortened_when_nothing_else_helps() {
    for capabilities in [Capabilities::FULL, Capabilities::TEXT] {
        let content = "A".repeat(3_000_000);
        let arguments = json!({"path": "a", "content": content});
        let call = match capabilities.tools {
            true => ScriptedReply::call("filesystem.read", arguments.clone()),
            false => {
                ScriptedReply::text(format!("Action: filesystem.read\nAction Input: {arguments}"))
            }
        };
        let script = ScriptedClient::new([call, ScriptedReply::text("done")]);
        let stage = Stage::of(script.with_capabilities(capabilities.with_context_window(8_192)));
        let stage = stage.with_tools(reader("A"));
        let task = stage.run("write it").await;
        assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
        assert_eq!(stage.tools.invoked()[0].arguments, arguments, "the call has all of them");
        let sent = serde_json::to_string(&stage.requests()[1].messages).unwrap();
        assert!(sent.len() < 20_000, "{}", sent.len());
        assert!(sent.contains("bytes of this argument left out here, not in the call"), "{sent}");
    }
}

/// The second request is as long as the window that the first reply has shown allows.
#[tokio::test]
async fn a_full_context_is_learnt_and_the_request_is_made_shorter() {
    let mut full = ScriptedReply::text("Though");
    full.stop = Some("length".to_owned());
    let full = full.with_usage(Usage::tokens(4_090, 1), Usd::from_nanos(1));
    let stage = Stage::new([read("a"), full]).with_tools(reader(&"A".repeat(8_000)));
    let task = stage.run("read it").await;
    // The script gives the same reply to the shorter request, which then is not made again.
    let failure = task.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::ContextWindow);
    let lengths: Vec<_> = stage.requests().iter().skip(1).flat_map(results).collect();
    assert_eq!(lengths.len(), 2, "{lengths:?}");
    assert!(lengths[1] < lengths[0], "{lengths:?}");
    let note = "script-1 of scripted has a context window of";
    assert!(notes(&stage).iter().any(|text| text.starts_with(note)), "{:?}", notes(&stage));
}

/// A server may end a reply early for a reason of its own; later requests are not fitted into so few
/// tokens.
#[tokio::test]
async fn a_reply_that_ends_very_early_shows_no_window() {
    let mut full = ScriptedReply::text("Though");
    full.stop = Some("length".to_owned());
    let full = full.with_usage(Usage::tokens(300, 1), Usd::from_nanos(1));
    let stage = Stage::new([full]);
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::ContextWindow);
    assert_eq!(notes(&stage), Vec::<String>::new());
}

/// A client that learns a fact from another task after the request was built.
#[derive(Debug)]
struct Learning {
    script: ScriptedClient,
    fact: Mutex<Option<Fact>>,
}

#[async_trait]
impl LlmClient for Learning {
    fn provider(&self) -> &str {
        self.script.provider()
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.script.capabilities(model)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        self.script.estimate_cost(request)
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        self.script.complete(request).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        if let Some(fact) = self.fact.lock().unwrap().take() {
            self.script.learn(&request.model, fact);
        }
        self.script.stream(request)
    }
}

#[tokio::test]
async fn a_request_is_built_anew_after_another_task_has_learned_a_fact() {
    for fact in [Fact::NoTools, Fact::MaxOutput(512)] {
        let script = ScriptedClient::new([ScriptedReply::text("Final Answer: done")]).recording();
        let client = Learning { script: script.clone(), fact: Mutex::new(Some(fact)) };
        let stage = Stage::with_client(Arc::new(client)).with_tools(reader("A"));
        let task = stage.run("go").await;
        assert_eq!(task.failure, None, "{fact:?}");
        let requests = script.requests();
        assert_eq!(requests.len(), 1, "the request that does not fit is not sent");
        let has_tools = !requests[0].tools.is_empty();
        let expected = if fact == Fact::NoTools { (false, 2_048) } else { (true, 512) };
        assert_eq!((has_tools, requests[0].max_tokens), expected);
    }
}

#[tokio::test]
async fn a_call_that_is_written_as_text_is_made() {
    let json = r#"{"name": "filesystem_read", "arguments": {"path": "a"}}"#;
    for capabilities in [Capabilities::FULL, Capabilities::TEXT] {
        let lines = [ScriptedReply::text(json), ScriptedReply::text("done")];
        let client = ScriptedClient::new(lines).with_capabilities(capabilities);
        let stage = Stage::of(client).with_tools(reader("A"));
        assert_eq!(stage.run("go").await.answer.as_deref(), Some("done"));
        assert_eq!(stage.tools.invoked().len(), 1);
    }
}
