//! The agent on a real engine, with scripted models and simple tools.

mod budget;
mod by_choice;
mod context_cut;
mod continued;
mod cut;
mod fallback;
mod limits;
mod many_tools;
mod pause;
mod prefix;
mod prompt;
pub(crate) mod shop;
mod sticky;

use crate::support::stage::{Stage, task};
use az_ai::chat::{Image, Message, ToolMessage};
use az_ai::client::Capabilities;
use az_ai::react::{ReActOptions, ResultLimits};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::clock::SystemClock;
use az_core::cost::Usage;
use az_core::journal::{EventBody, FinishReason, Hint, HintQueue, ModelReply, ToolOutcome};
use az_core::task::{TaskRepository, TaskStatus};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::{EffectClass, ToolOutput};
use az_core::{CallId, Clock, ErrorKind, Usd};
use serde_json::json;

fn reader(text: &str) -> FakeToolbox {
    let tool = FakeTool::new("filesystem.read").requiring("path").answering(ToolOutput::done(text));
    FakeToolbox::new().with(tool)
}

fn read(path: &str) -> ScriptedReply {
    ScriptedReply::call("filesystem.read", json!({"path": path}))
}

fn result(call_id: &str, outcome: ToolOutcome, text: &str) -> Message {
    Message::Tool(ToolMessage {
        call_id: call_id.to_owned(),
        tool: "filesystem.read".to_owned(),
        outcome,
        text: text.to_owned(),
        omitted: 0,
        images: Vec::new(),
        data: None,
    })
}

#[tokio::test]
async fn the_model_acts_observes_and_answers() {
    let paid = |line: ScriptedReply| line.with_usage(Usage::tokens(10, 5), Usd::from_nanos(100));
    let mut look = paid(read("a"));
    look.text = "I look.".to_owned();
    let stage = Stage::new([look, paid(ScriptedReply::text("It says A."))]).with_tools(reader("A"));
    let task = stage.run("what does a say?").await;

    assert_eq!((task.status, task.answer.as_deref()), (TaskStatus::Completed, Some("It says A.")));
    assert_eq!((task.cost, task.actual_tokens), (Usd::from_nanos(200), 30));
    assert_eq!(
        stage.recorder.names().join(" "),
        "run_started context llm_intent text_delta text_delta llm_result tool_intent tool_result \
         llm_intent text_delta text_delta text_delta llm_result run_finished"
    );
    let asked = stage.requests();
    let turn = ModelReply::text("I look.").with_finish(FinishReason::ToolCalls);
    let mut turn = turn.with_call("filesystem.read", json!({"path": "a"}));
    turn.calls[0].id = "call_0_0".to_owned();
    let system = asked[0].messages[0].clone();
    assert_eq!(asked[0].messages, [system.clone(), Message::user("what does a say?")]);
    assert_eq!(
        asked[1].messages,
        [
            system,
            Message::user("what does a say?"),
            Message::assistant(turn),
            result("call_0_0", ToolOutcome::Done, "A"),
        ]
    );
    assert_eq!(asked[0].tools[0].name, "filesystem.read");
}

#[tokio::test]
async fn hints_are_messages_of_the_user_before_the_next_turn() {
    let stage = Stage::new([read("a"), ScriptedReply::text("done")]).with_tools(reader("A"));
    let task = task("t1".to_owned(), "what does a say?");
    stage.store.create(&task).await.unwrap();
    let hint = Hint::new(CallId::new("h1").unwrap(), "be brief").unwrap();
    stage.store.send_hint(&task.id, &hint, SystemClock.now()).await.unwrap();
    let task = stage.run("what does a say?").await;

    assert_eq!(task.answer.as_deref(), Some("done"));
    let asked = stage.requests();
    let hint = Message::Hint { text: "be brief".to_owned() };
    let expected = [Message::user("what does a say?"), hint];
    assert_eq!(asked[0].messages[1..], expected);
    assert_eq!(asked[1].messages[1..3], expected, "it stays where it was");
    let hints = stage.recorder.names().into_iter().filter(|name| *name == "hint").count();
    assert_eq!(hints, 1);
    assert_eq!(stage.store.hints(&task.id).await.unwrap(), []);
}

#[tokio::test]
async fn a_model_without_native_tools_calls_them_in_its_text() {
    let text =
        "Thought: look\nAction: filesystem.read\nAction Input: {\"path\": \"a\"}\nObservation: B";
    let client = ScriptedClient::new([
        ScriptedReply::text(text),
        ScriptedReply::text("Thought: so that is it\nFinal Answer: It says A."),
    ]);
    let stage = Stage::of(client.with_capabilities(Capabilities::TEXT)).with_tools(reader("A"));
    let task = stage.run("what does a say?").await;

    assert_eq!(task.answer.as_deref(), Some("It says A."));
    let asked = stage.requests();
    assert!(asked[0].tools.is_empty());
    assert_eq!(asked[0].stop, ["\nObservation:"]);
    let Message::System { text } = &asked[0].messages[0] else { panic!("no system prompt") };
    assert!(text.contains("- filesystem.read: "), "{text}");
    assert_eq!(
        asked[1].messages[2..],
        [
            Message::assistant(ModelReply::text(
                "Thought: look\nAction: filesystem.read\nAction Input: {\"path\":\"a\"}"
            )),
            Message::user("Observation: A"),
        ]
    );
}

#[tokio::test]
async fn invalid_arguments_are_returned_to_the_model_as_an_error() {
    let broken = ScriptedReply::call("filesystem.read", json!("{\"path\": "));
    let stage = Stage::new([broken, read("a"), ScriptedReply::text("A")]).with_tools(reader("A"));
    let task = stage.run("read a").await;

    assert_eq!(task.answer.as_deref(), Some("A"));
    let told = &stage.requests()[1].messages[3];
    let advice = "invalid arguments: must be an object";
    assert_eq!(told, &result("call_0_0", ToolOutcome::Refused, advice));
    assert_eq!(stage.tools.invoked().len(), 1);
}

/// Checks `ReActEngine` 6.
#[tokio::test]
async fn a_model_that_repeats_itself_is_warned_and_then_stopped() {
    let stage = Stage::new((0..9).map(|_| read("a"))).with_tools(reader("A"));
    let task = stage.run("read a").await;

    let failure = task.failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::Agent);
    assert_eq!(
        failure.message,
        "the model repeats the same calls (filesystem.read) without progress"
    );
    assert_eq!(stage.tools.invoked().len(), 3, "the fourth is not made");
    let nudged = stage.requests().into_iter().map(|request| {
        let Some(Message::Tool(result)) = request.messages.last() else { return false };
        result.text.contains("You have made the same calls three times over")
    });
    assert_eq!(nudged.collect::<Vec<_>>(), [false, false, false, true]);

    let again = stage.resume(&task).await;
    assert_eq!(again.failure.unwrap().kind, ErrorKind::Agent);
    assert_eq!(stage.tools.invoked().len(), 4, "taken up again, it gets one more chance");
}

/// Checks `ReActEngine` 6 and `Prompt` 3.
#[tokio::test]
async fn an_empty_reply_is_retried_once() {
    let stage = Stage::new([ScriptedReply::default(), ScriptedReply::text("sorry")]);
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("sorry"));

    let stage = Stage::new([
        ScriptedReply::default(),
        ScriptedReply::text(" \n"),
        ScriptedReply::text("too late"),
    ]);
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Agent, "the model returned two empty replies")
    );
}

/// Checks `ReActEngine` 5.
#[tokio::test]
async fn a_long_result_is_shortened_in_the_middle() {
    let long = format!("{}{}", "h".repeat(20_000), "t".repeat(20_000));
    let stage = Stage::new([read("a"), ScriptedReply::text("long")]).with_tools(reader(&long));
    stage.run("read a").await;

    let Message::Tool(shown) = stage.requests()[1].messages[3].clone() else { panic!("no result") };
    assert!(shown.text.len() < 25_000 && shown.omitted > 15_000, "{}", shown.text.len());
    assert!(shown.text.starts_with("hhh") && shown.text.ends_with("ttt"));
    assert!(shown.text.contains(&format!("[… {} bytes left out …]", shown.omitted)));
}

#[tokio::test]
async fn a_model_with_output_read_is_told_how_to_read_what_is_left_out() {
    let tools = reader(&"x".repeat(30_000)).with(FakeTool::new("output.read"));
    let stage = Stage::new([read("a"), ScriptedReply::text("long")]).with_tools(tools);
    stage.run("read a").await;
    let Message::Tool(shown) = stage.requests()[1].messages[3].clone() else { panic!("no result") };
    let note = "\n[output.read with the call \"t0.0\" reads all of it]";
    assert!(shown.text.ends_with(note), "{}", shown.text);
}

#[tokio::test]
async fn results_are_shortened_to_the_option() {
    let stage =
        Stage::new([read("a"), ScriptedReply::text("long")]).with_tools(reader(&"x".repeat(9_000)));
    let stage =
        stage.with_options(ReActOptions::default().with_result_limits(ResultLimits::of_any(600)));
    stage.run("read a").await;
    let Message::Tool(shown) = stage.requests()[1].messages[3].clone() else { panic!("no result") };
    assert_eq!((shown.text.matches('x').count(), shown.omitted), (600, 8_400));
}

fn small_window() -> ReActOptions {
    ReActOptions::default().with_context_window(6_000).with_max_tokens(500).with_keep_turns(2)
}

#[tokio::test]
async fn old_results_are_shortened_before_a_summary_is_made() {
    let lines = (0..5).map(|n| read(&format!("f{n}"))).chain([ScriptedReply::text("done")]);
    let stage =
        Stage::new(lines).with_tools(reader(&"x".repeat(3_000))).with_options(small_window());
    assert_eq!(stage.run("read all").await.answer.as_deref(), Some("done"));

    let asked = stage.requests();
    assert_eq!(asked.len(), 6, "no summary was asked for");
    let sizes = asked[5].messages.iter().filter_map(|message| match message {
        Message::Tool(result) => Some(result.text.len() > 1_000),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [false, false, false, false, true]);
}

#[tokio::test]
async fn a_conversation_that_does_not_fit_is_summarised_and_continues() {
    let mut lines: Vec<ScriptedReply> = (0..12)
        .map(|n| {
            let mut line = read(&format!("f{n}"));
            line.text = format!("{n}: {}", "thinking ".repeat(100));
            line
        })
        .collect();
    lines.push(ScriptedReply::text("done"));
    lines.push(ScriptedReply::text("I read the first files.").when("Summarise the work so far"));
    let stage = Stage::new(lines).with_tools(reader("A")).with_options(small_window());
    let task = stage.run("read all").await;

    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    assert_eq!(stage.tools.invoked().len(), 12, "no call is made twice");
    let last = stage.requests().pop().unwrap();
    let summary = "What you did so far, in your own words:\nI read the first files.".to_owned();
    assert!(
        matches!(&last.messages[2], Message::Summary { turns, text } if *turns > 0 && *text == summary)
    );
    let summaries = stage.events(&task).await.into_iter().filter(|event| {
        matches!(&event.event.body, EventBody::LlmIntent(intent)
            if matches!(intent.purpose, az_core::journal::Purpose::Summary { .. }))
    });
    assert!((1..4).contains(&summaries.count()));
    for request in stage.requests() {
        let tokens = az_ai::estimate::tokens(&request) + u64::from(request.max_tokens);
        let is_summary = request.last_user_text().starts_with("Summarise the work so far");
        let most = if is_summary { 6_000 } else { 4_800 };
        assert!(tokens <= most, "{tokens} tokens do not fit");
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_compacted_fails_with_context_window() {
    let options = small_window().with_context_window(300);
    let failure = Stage::new([]).with_options(options).run("go").await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::ContextWindow);

    // Results and arguments are shortened, and what the model says is not.
    let said = |n| ScriptedReply { text: "x".repeat(900), ..read(&format!("{n}")) };
    let mut lines: Vec<ScriptedReply> = (0..12).map(said).collect();
    let summary = ScriptedReply::text("no shorter than before: ".repeat(900));
    lines.push(summary.when("Summarise the work so far"));
    let stage = Stage::new(lines).with_tools(reader("A")).with_options(small_window());
    let failure = stage.run("read all").await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::ContextWindow);
    assert!(failure.message.contains("a summary left"), "{}", failure.message);
}

#[tokio::test]
async fn a_providers_context_error_starts_compaction() {
    let mut full = ScriptedReply::error(ErrorKind::ContextWindow, "too many tokens");
    full.error.as_mut().unwrap().times = Some(1);
    full.text = "done".to_owned();
    let summary = ScriptedReply::text("read a and b").when("Summarise the work so far");
    let stage = Stage::new([read("a"), read("b"), read("c"), full, summary])
        .with_tools(reader(&"A".repeat(900)));
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
}

#[tokio::test(start_paused = true)]
async fn a_broken_streams_calls_are_not_executed_and_it_is_charged_in_full() {
    let mut cut = read("a").with_usage(Usage::tokens(1, 1), Usd::from_nanos(7));
    cut.text = "I will read".to_owned();
    cut.cut_after = Some(6);
    let stage = Stage::new([cut]).with_tools(reader("A"));
    let task = stage.run("read a").await;
    let failure = task.failure.clone().unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Protocol, "the response from scripted was cut off")
    );
    assert_eq!(stage.tools.invoked().len(), 0);
    let attempts = stage.requests().len();
    assert!(attempts > 1, "what may pass is tried again");
    assert_eq!(task.cost.nanos(), 7 * i64::try_from(attempts).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_free_and_retried_if_the_failure_is_transient() {
    let mut busy = ScriptedReply::error(ErrorKind::RateLimited, "slow down");
    busy.error.as_mut().unwrap().times = Some(2);
    busy.text = "here".to_owned();
    busy = busy.with_usage(Usage::tokens(1, 1), Usd::from_nanos(7));
    let stage = Stage::new([busy]);
    let task = stage.run("go").await;
    assert_eq!((task.answer.as_deref(), task.cost), (Some("here"), Usd::from_nanos(7)));

    let stage = Stage::new([ScriptedReply::error(ErrorKind::Unauthorized, "who are you?")]);
    let task = stage.run("go").await;
    assert_eq!(task.failure.unwrap().kind, ErrorKind::Unauthorized);
    assert_eq!((stage.requests().len(), task.cost), (1, Usd::ZERO));
}

/// Checks `Agent` 2 and `ReActEngine` 1.
#[tokio::test]
async fn a_resumed_task_continues_where_its_journal_ends() {
    let tool = FakeTool::new("filesystem.read").with_effect(EffectClass::Unsafe);
    let mut refused = ScriptedReply::error(ErrorKind::Unauthorized, "no more credit");
    refused.error.as_mut().unwrap().times = Some(1);
    refused.text = "done".to_owned();
    let stage = Stage::new([read("a"), refused]).with_tools(FakeToolbox::new().with(tool));
    let failed = stage.run("go").await;
    assert_eq!(failed.status, TaskStatus::Failed);

    let task = stage.resume(&failed).await;
    assert_eq!(task.answer.as_deref(), Some("done"));
    assert_eq!(stage.tools.invoked().len(), 1);
    let asked = stage.requests();
    assert_eq!(asked.len(), 3);
    assert!(matches!(asked[1].messages.last(), Some(Message::Tool(_))));
    let Some(Message::Resumed { text }) = asked[2].messages.last() else { panic!("not told") };
    assert!(text.starts_with("The task was taken up again here."), "{text}");
    assert_eq!(asked[2].messages[..4], asked[1].messages, "nothing else is told differently");
}

#[tokio::test]
async fn the_text_protocol_marks_a_resumed_task() {
    let text = "Action: filesystem.read\nAction Input: {\"path\": \"a\"}";
    let mut refused = ScriptedReply::error(ErrorKind::Unauthorized, "no more credit");
    refused.error.as_mut().unwrap().times = Some(1);
    refused.text = "Final Answer: A".to_owned();
    let client = ScriptedClient::new([ScriptedReply::text(text), refused]);
    let stage = Stage::of(client.with_capabilities(Capabilities::TEXT)).with_tools(reader("A"));
    let failed = stage.run("go").await;
    let task = stage.resume(&failed).await;
    assert_eq!(task.answer.as_deref(), Some("A"));
    let told = stage.requests().pop().unwrap().messages;
    assert_eq!(told[3], Message::user("Observation: A"));
    assert!(matches!(told[4..], [Message::Resumed { .. }]), "{told:?}");
}

#[tokio::test]
async fn a_task_resumed_before_its_first_turn_has_no_mark() {
    let mut refused = ScriptedReply::error(ErrorKind::Unauthorized, "no more credit").when("go");
    refused.error.as_mut().unwrap().times = Some(1);
    refused.text = "done".to_owned();
    let stage = Stage::new([refused]);
    let failed = stage.run("go").await;
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));
    let asked = stage.requests();
    assert_eq!(asked[0].messages, asked[1].messages);
}

#[tokio::test]
async fn an_unknown_model_is_a_failure_with_a_hint() {
    let stage = Stage::new([]);
    let failure = stage.run_with_model("go", "scriptid").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::NotFound, "no model is called \"scriptid\"; did you mean \"scripted\"?")
    );
}

#[tokio::test]
async fn many_tasks_share_one_client() {
    let stage =
        Stage::new([read("a"), read("b"), ScriptedReply::text("done")]).with_tools(reader("A"));
    let tasks = (0..100).map(|n| stage.run_named(format!("t{n}"), "go"));
    for task in futures_util::future::join_all(tasks).await {
        assert_eq!(task.answer.as_deref(), Some("done"));
    }
    assert_eq!(stage.tools.invoked().len(), 200);
}

#[tokio::test]
async fn images_of_tools_are_sent_to_models_that_accept_them() {
    let plot = ToolOutput::done("a plot").with_image("image/png", "aGVsbG8=");
    let png = Image::Inline { media_type: "image/png".to_owned(), data: "aGVsbG8=".to_owned() };
    let named =
        "a plot\n[image image/png, 5 bytes: not shown, this model has no image input]".to_owned();
    let mut blind = Capabilities::FULL;
    blind.vision = false;
    let cases = [(Capabilities::FULL, "a plot".to_owned(), vec![png]), (blind, named, Vec::new())];
    for (capabilities, text, images) in cases {
        let lines = [ScriptedReply::call("draw", json!({})), ScriptedReply::text("done")];
        let client = ScriptedClient::new(lines).with_capabilities(capabilities);
        let tools = FakeToolbox::new().with(FakeTool::new("draw").answering(plot.clone()));
        let stage = Stage::of(client).with_tools(tools);
        assert_eq!(stage.run("draw it").await.status, TaskStatus::Completed);
        let expected = Message::tool_with_images("call_0_0", "draw", text, images);
        assert_eq!(stage.requests()[1].messages[3], expected);
    }
}
