//! Results that are cut when a request does not fit, and summaries after the conversation.

use std::sync::Arc;
use std::time::Duration;

use az_ai::chat::{ChatRequest, Message};
use az_ai::client::Capabilities;
use az_ai::estimate;
use az_ai::react::ReActOptions;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::clock::{Clock, ManualClock, SystemClock};
use az_core::cost::Usage;
use az_core::journal::{ContextChange, ContextCut, EventBody, Purpose};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::{ErrorKind, Task, Usd};
use serde_json::json;

use super::shop::Choice;
use super::{Stage, read, reader};

const SUMMARY: &str = "Summarise the work so far";

fn options() -> ReActOptions {
    ReActOptions::default().with_context_window(20_000).with_max_tokens(500)
}

/// Reads this many files, and answers.
fn reads(count: usize) -> impl Iterator<Item = ScriptedReply> {
    (0..count).map(|n| read(&format!("f{n}"))).chain([ScriptedReply::text("done")])
}

fn toolbox() -> FakeToolbox {
    reader(&"x".repeat(3_000)).with(FakeTool::new("output.read"))
}

async fn cuts(stage: &Stage, task: &Task) -> Vec<ContextCut> {
    let events = stage.events(task).await.into_iter();
    let cuts = events.filter_map(|event| match event.event.body {
        EventBody::Context(ContextChange::Cut(cut)) => Some(cut),
        _ => None,
    });
    cuts.collect()
}

/// Returns the number of requests that do not begin with the request before them.
fn breaks(requests: &[ChatRequest]) -> usize {
    let begins = |pair: &&[ChatRequest]| pair[1].messages.starts_with(&pair[0].messages);
    requests.windows(2).filter(|pair| !begins(pair)).count()
}

/// Returns the sizes of the results in a request.
fn sizes(request: &ChatRequest) -> Vec<usize> {
    let results = request.messages.iter().filter_map(|message| match message {
        Message::Tool(result) => Some(result.text.len()),
        _ => None,
    });
    results.collect()
}

#[tokio::test]
async fn old_results_are_cut_to_half_the_window_and_then_only_appended_to() {
    let stage = Stage::new(reads(30)).with_tools(toolbox()).with_options(options());
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let (requests, cuts) = (stage.requests(), cuts(&stage, &task).await);
    assert_eq!(breaks(&requests), cuts.len(), "only a cut changes what was sent before");
    assert!((2..=4).contains(&cuts.len()), "{cuts:?}");
    for cut in &cuts {
        assert!((8_000..=10_000).contains(&cut.tokens_after), "40 to 50 % of the window: {cut:?}");
        assert!(cut.tokens_after * 5 <= cut.tokens_before * 4, "a fifth is freed: {cut:?}");
    }
    for request in &requests {
        assert!(estimate::tokens(request) + 500 <= 16_000);
    }
    let Some(Message::Tool(oldest)) = requests[30].messages.get(3) else { panic!("no result") };
    let note = "\n[output.read with the call \"t0.0\" reads all of it]";
    assert!(oldest.text.ends_with(note), "{}", oldest.text);
    assert_eq!(sizes(&requests[30]).last(), Some(&3_000), "the latest result is whole");
}

#[tokio::test]
async fn requests_are_measured_by_what_the_provider_counted_of_the_last_one() {
    let whole = Stage::new(reads(17)).with_tools(toolbox());
    assert_eq!(whole.run("read all").await.answer.as_deref(), Some("done"));
    let estimates: Vec<u64> = whole.requests().iter().map(estimate::tokens).collect();
    let largest = estimates.last().copied().unwrap();
    assert!(largest > 16_500 && largest / 3 * 2 < 15_000, "{largest}");

    let run = async |share: u64| {
        let counted = estimates.iter().map(|estimate| estimate / 3 * share);
        let replies = reads(17).zip(counted).map(|(reply, counted)| {
            reply.with_usage(Usage::tokens(counted, 10), Usd::from_nanos(1))
        });
        let stage = Stage::new(replies).with_tools(toolbox()).with_options(options());
        let task = stage.run("read all").await;
        assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
        cuts(&stage, &task).await.len()
    };
    assert_eq!(run(2).await, 0, "it fits as the provider counts");
    assert_eq!(run(3).await, 1, "it is as long as estimated");
    assert_eq!(run(0).await, 1, "a count that cannot be is not used");
}

#[tokio::test]
async fn a_resumed_task_has_the_cuts_of_the_run_before() {
    let mut refused = ScriptedReply::error(ErrorKind::Unauthorized, "no more credit");
    refused.error.as_mut().unwrap().times = Some(1);
    refused.text = "done".to_owned();
    let lines = reads(18).take(18).chain([refused]);
    let stage = Stage::new(lines).with_tools(toolbox()).with_options(options());
    let failed = stage.run("read all").await;
    assert!(!cuts(&stage, &failed).await.is_empty());
    // Another version has other limits; what was cut stays as it is.
    let stage = stage.with_options(options().with_keep_turns(1));
    assert_eq!(stage.resume(&failed).await.answer.as_deref(), Some("done"));
    let requests = stage.requests();
    assert!(requests[19].messages.starts_with(&requests[18].messages));
}

/// The fallback has a smaller window; the model of the task is not affected.
#[tokio::test(start_paused = true)]
async fn a_cut_concerns_one_model() {
    let of = |window| Capabilities::FULL.with_context_window(window);
    let mut first: Vec<_> = reads(12).collect();
    first[8].error = ScriptedReply::error(ErrorKind::Unavailable, "down").error;
    first[8].error.as_mut().unwrap().times = Some(2);
    let first = ScriptedClient::new(first).with_capabilities(of(100_000)).recording();
    let second = ScriptedClient::new(reads(12)).with_capabilities(of(12_000)).recording();
    let models = Choice::default().with("a-1", first.clone()).with("b-1", second.clone());
    let stage = Stage::with_models(Arc::new(models)).with_tools(toolbox());
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    assert_eq!(second.requests().len(), 1);
    let cuts = cuts(&stage, &task).await;
    assert_eq!(cuts.iter().map(|cut| &*cut.model).collect::<Vec<_>>(), ["b-1"]);
    assert!(sizes(&second.requests()[0]).iter().any(|size| *size < 1_000));
    assert_eq!(breaks(&first.requests()), 0);
    assert!(first.requests().iter().flat_map(sizes).all(|size| size == 3_000));
}

/// A provider drops what was not used for a while, so that a cut changes nothing that it still has.
#[tokio::test]
async fn a_large_request_is_cut_when_the_cache_is_cold() {
    let run = async |pause: Duration| {
        let clock = Arc::new(ManualClock::at(SystemClock.now()).with_boot("boot"));
        let (later, calls) = (Arc::clone(&clock), std::sync::atomic::AtomicUsize::new(0));
        let hook = move || {
            if calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 11 {
                later.advance(pause);
            }
        };
        let tools = toolbox().before_invoking(Arc::new(hook));
        let stage = Stage::new(reads(12)).with_tools(tools).with_options(options());
        let stage = stage.with_clock(clock);
        let task = stage.run("read all").await;
        assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
        cuts(&stage, &task).await.len()
    };
    assert_eq!(run(Duration::from_secs(60)).await, 0, "it fits, and the cache is warm");
    assert_eq!(run(Duration::from_secs(2 * 3_600)).await, 1);
}

fn talk(count: usize) -> Vec<ScriptedReply> {
    let said = |n: usize| ScriptedReply {
        text: format!("{n}: {}", "thinking ".repeat(300)),
        ..read(&format!("f{n}"))
    };
    (0..count).map(said).chain([ScriptedReply::text("done")]).collect()
}

fn summaries(requests: &[ChatRequest]) -> Vec<usize> {
    let is_summary =
        |(_, request): &(usize, &ChatRequest)| request.last_user_text().contains(SUMMARY);
    requests.iter().enumerate().filter(is_summary).map(|(place, _)| place).collect()
}

#[tokio::test]
async fn a_summary_is_requested_after_the_conversation() {
    let mut lines = talk(20);
    lines.push(ScriptedReply::text("I read the first files.").when(SUMMARY));
    let stage = Stage::new(lines).with_tools(reader("A")).with_options(options());
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let requests = stage.requests();
    let places = summaries(&requests);
    assert_eq!(places.len(), 1);
    let (before, summary) = (&requests[places[0] - 1], &requests[places[0]]);
    assert!(summary.messages.starts_with(&before.messages));
    assert_eq!((&summary.tools, &summary.tool_choice), (&before.tools, &before.tool_choice));
}

/// Some models go on with the work instead.
#[tokio::test(start_paused = true)]
async fn a_summary_without_text_is_requested_with_a_description() {
    let mut lines = talk(20);
    let mut call = read("more").when("Summarise the work so far");
    call.text = String::new();
    lines.push(ScriptedReply::text("I read the first files.").when("The task: read all"));
    lines.push(call);
    let stage = Stage::new(lines).with_tools(reader("A")).with_options(options());
    let task = stage.run("read all").await;
    let asked: Vec<_> = stage
        .requests()
        .into_iter()
        .filter(|request| {
            request.messages.len() == 1
                && request.last_user_text().starts_with("The task: read all")
        })
        .collect();
    assert_eq!((asked.len(), task.answer.as_deref()), (1, Some("done")), "{:?}", task.failure);
    let events = stage.events(&task).await;
    let summaries = events.iter().filter(|event| {
        matches!(&event.event.body, EventBody::LlmIntent(intent)
            if matches!(intent.purpose, Purpose::Summary { .. }))
    });
    assert_eq!(summaries.count(), 2, "the first request is not repeated");
}

fn sets_todo(text: &str) -> ScriptedReply {
    let items = json!([{"text": text, "status": "in_progress"}]);
    ScriptedReply::call("todo.set", json!({"items": items}))
}

/// Returns the messages of a request that repeat the list of steps.
fn repeated(request: &ChatRequest) -> Vec<&str> {
    let texts = request.messages.iter().filter_map(|message| match message {
        Message::User { text, .. } if text.contains("Your list of steps") => Some(&**text),
        _ => None,
    });
    texts.collect()
}

/// The list is in the fold, and the text that repeats it on record: what a resumed task sends.
#[tokio::test]
async fn the_newest_list_of_steps_is_repeated_once_after_a_cut() {
    let lines = [sets_todo("plan"), sets_todo("read all")].into_iter().chain(reads(30));
    let tools = toolbox().with(FakeTool::new("todo.set"));
    let stage = Stage::new(lines).with_tools(tools).with_options(options());
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let (requests, cuts) = (stage.requests(), cuts(&stage, &task).await);
    assert!(cuts.len() >= 2, "{cuts:?}");
    let last = requests.last().unwrap();
    let expected = "Observation: an earlier part of the conversation was shortened. Your list of steps, as \
                    you set it last (0 of 1 step done; in progress: read all):\n[>] read all";
    assert_eq!(repeated(last), [expected], "once, whatever the number of cuts");
    assert_eq!(breaks(&requests), cuts.len(), "it is appended");
}

#[tokio::test]
async fn the_list_of_steps_is_repeated_after_a_summary() {
    let mut lines = vec![sets_todo("read all")];
    lines.extend(talk(20));
    lines.push(ScriptedReply::text("I read the first files.").when(SUMMARY));
    let tools = reader("A").with(FakeTool::new("todo.set"));
    let stage = Stage::new(lines).with_tools(tools).with_options(options());
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let requests = stage.requests();
    let place = summaries(&requests)[0];
    assert_eq!(repeated(&requests[place]), [""; 0], "the model still sees the call");
    assert_eq!(repeated(&requests[place + 1]).len(), 1);
    assert_eq!(repeated(requests.last().unwrap()).len(), 1);
}
