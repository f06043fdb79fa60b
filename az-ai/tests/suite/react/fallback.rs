//! Fallback to the next candidate after a failure.

use std::sync::Arc;
use std::time::Duration;

use az_ai::client::Capabilities;
use az_ai::dispatch::DispatchOptions;
use az_ai::react::ReActOptions;
use az_ai::resolver::CallReport;
use az_ai::scripted::{ScriptedClient, ScriptedReply};

use az_core::call::RetryPolicy;
use az_core::cost::{Settlement, Usage};
use az_core::journal::{EventBody, Purpose};
use az_core::{ErrorKind, Task, Usd};

use super::shop::{Choice, Priced};
use super::{Stage, read, reader};

/// Two models: the first fails at its turns, the second replies.
fn pair(first: &ScriptedClient, second: &ScriptedClient) -> Arc<Choice> {
    Arc::new(Choice::default().with("a-1", first.clone()).with("b-1", second.clone()))
}

fn script(lines: impl IntoIterator<Item = ScriptedReply>) -> ScriptedClient {
    ScriptedClient::new(lines).recording()
}

/// Returns the called models with the reasons.
async fn intents(stage: &Stage, task: &Task) -> Vec<(String, Option<String>)> {
    let events = stage.events(task).await.into_iter();
    let intents = events.filter_map(|event| match event.event.body {
        EventBody::LlmIntent(intent) => Some((intent.model, intent.reason)),
        _ => None,
    });
    intents.collect()
}

fn notes(stage: &Stage) -> Vec<String> {
    let recorded = stage.recorder.recorded().into_iter();
    let notes = recorded.filter_map(|body| match body {
        EventBody::Note { text } => Some(text),
        _ => None,
    });
    notes.collect()
}

fn steps(stage: &Stage) -> Option<u32> {
    stage.recorder.recorded().into_iter().find_map(|body| match body {
        EventBody::RunFinished { totals, .. } => Some(totals?.steps),
        _ => None,
    })
}

/// Checks `ReActEngine` 2.
#[tokio::test(start_paused = true)]
async fn a_fallback_is_recorded_with_its_model_and_reason() {
    let models = pair(
        &script([ScriptedReply::error(ErrorKind::Unavailable, "down")]),
        &script([ScriptedReply::text("hello")]),
    );
    let stage = Stage::with_models(Arc::<Choice>::clone(&models));
    let task = stage.run("go").await;

    assert_eq!(task.answer.as_deref(), Some("hello"));
    let best = ("a-1".to_owned(), Some("it is the best".to_owned()));
    let why = "a-1 of scripted: scripted: down (status 503)".to_owned();
    assert_eq!(
        intents(&stage, &task).await,
        [best.clone(), best, ("b-1".to_owned(), Some(why.clone()))]
    );
    assert_eq!(notes(&stage), [format!("falling back to b-1 of scripted: {why}")]);
    assert_eq!(steps(&stage), Some(1), "failed attempts are no steps");
    let failed = CallReport::Failed { kind: ErrorKind::Unavailable, retry_after: None };
    assert_eq!(
        *models.reported.lock().unwrap(),
        [("a-1".to_owned(), failed), ("b-1".to_owned(), CallReport::Replied)]
    );
}

#[tokio::test(start_paused = true)]
async fn only_failures_that_another_candidate_may_avoid_cause_a_fallback() {
    for (kind, elsewhere) in [
        (ErrorKind::Unavailable, true),
        (ErrorKind::RateLimited, true),
        (ErrorKind::Protocol, true),
        (ErrorKind::Unauthorized, true),
        (ErrorKind::NotFound, true),
        (ErrorKind::ContentPolicy, true),
        (ErrorKind::Config, true),
        (ErrorKind::BadRequest, true),
        (ErrorKind::Agent, false),
        (ErrorKind::Cancelled, false),
        (ErrorKind::TimedOut, false),
        (ErrorKind::Io, false),
    ] {
        let second = script([ScriptedReply::text("hello")]);
        let models = pair(&script([ScriptedReply::error(kind, "no")]), &second);
        let task = Stage::with_models(models).run("go").await;
        assert_eq!(second.requests().len(), usize::from(elsewhere), "{kind:?}");
        assert_eq!(task.answer.is_some(), elsewhere, "{kind:?}");
    }
}

/// Checks `ReActEngine` 2.
#[tokio::test(start_paused = true)]
async fn a_broken_stream_leaves_only_its_cost() {
    let mut cut = read("a").with_usage(Usage::tokens(1, 1), Usd::from_nanos(7));
    cut.text = "I will read".to_owned();
    cut.cut_after = Some(6);
    let second = script([read("b"), ScriptedReply::text("B")]);
    let first = script([cut, ScriptedReply::error(ErrorKind::Unauthorized, "who are you?")]);
    let stage = Stage::with_models(pair(&first, &second)).with_tools(reader("B"));
    let task = stage.run("go").await;

    assert_eq!(task.answer.as_deref(), Some("B"));
    let calls = stage.tools.invoked();
    assert_eq!(calls.len(), 1, "nothing that broke off was acted on");
    assert_eq!(calls[0].arguments["path"], "b");
    assert!(!format!("{:?}", second.requests()).contains("I will"));
    let full = stage.events(&task).await.into_iter().filter(|event| {
        matches!(&event.event.body, EventBody::LlmResult(result)
            if result.settlement == Settlement::Full)
    });
    assert_eq!((full.count(), task.cost), (2, Usd::from_nanos(14)), "it was asked twice");
}

/// Checks `ReActEngine` 1.
#[tokio::test(start_paused = true)]
async fn a_fallback_does_not_repeat_executed_calls() {
    let first = script([read("a"), ScriptedReply::error(ErrorKind::Unavailable, "down")]);
    let second = script([read("never"), ScriptedReply::text("A")]);
    let stage = Stage::with_models(pair(&first, &second)).with_tools(reader("A"));
    let task = stage.run("go").await;

    assert_eq!(task.answer.as_deref(), Some("A"));
    assert_eq!(stage.tools.invoked().len(), 1);
    assert_eq!(second.requests()[0].messages, first.requests()[1].messages);
    assert_eq!(steps(&stage), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_first_candidate_is_retried_when_all_others_fail() {
    let mut busy = ScriptedReply::error(ErrorKind::RateLimited, "slow down");
    busy.text = "here".to_owned();
    busy.error.as_mut().unwrap().times = Some(2);
    busy.error.as_mut().unwrap().retry_after_millis = Some(20_000);
    let first = script([busy]);
    let second = script([ScriptedReply::error(ErrorKind::Unauthorized, "who are you?")]);
    let stage = Stage::with_models(pair(&first, &second));
    let began = tokio::time::Instant::now();
    let task = stage.run("go").await;

    assert_eq!(task.answer.as_deref(), Some("here"), "{:?}", task.failure);
    let asked = intents(&stage, &task).await.into_iter().map(|(model, _)| model);
    assert_eq!(asked.collect::<Vec<_>>(), ["a-1", "b-1", "a-1", "a-1"]);
    assert!(began.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn the_last_candidate_is_retried_by_the_accounts_policy() {
    let down = || script([ScriptedReply::error(ErrorKind::Unavailable, "down")]);
    let (first, second) = (down(), down());
    let stage = Stage::with_models(pair(&first, &second));
    let task = stage.run("go").await;
    assert_eq!(task.failure.unwrap().kind, ErrorKind::Unavailable);
    assert_eq!((first.requests().len(), second.requests().len()), (2, 4));

    let (first, second) = (down(), down());
    let options = ReActOptions::default()
        .with_dispatch(DispatchOptions::default().with_fallback_retry(RetryPolicy::never()));
    Stage::with_models(pair(&first, &second)).with_options(options).run("go").await;
    assert_eq!((first.requests().len(), second.requests().len()), (1, 4));
}

fn windowed(lines: impl IntoIterator<Item = ScriptedReply>, window: u64) -> ScriptedClient {
    script(lines).with_capabilities(Capabilities::FULL.with_context_window(window))
}

/// Checks `Prompt` 1.
#[tokio::test]
async fn a_request_too_long_for_one_model_goes_to_a_larger_one() {
    let full = || [ScriptedReply::error(ErrorKind::ContextWindow, "too many tokens")];
    let same = windowed([ScriptedReply::text("no")], 100_000);
    let models = Choice::default()
        .with("a-1", windowed(full(), 100_000))
        .with("b-1", same.clone())
        .with("c-1", windowed([ScriptedReply::text("yes")], 200_000));
    let task = Stage::with_models(Arc::new(models)).run("go").await;
    assert_eq!((task.answer.as_deref(), same.requests().len()), (Some("yes"), 0));

    let small = windowed([ScriptedReply::text("no")], 1_000);
    let large = windowed([ScriptedReply::text("yes")], 100_000);
    let task = Stage::with_models(pair(&small, &large)).run("go").await;
    assert_eq!((task.answer.as_deref(), small.requests().len()), (Some("yes"), 0));
}

#[tokio::test]
async fn a_request_too_long_for_all_models_is_compacted() {
    let mut full = ScriptedReply::error(ErrorKind::ContextWindow, "too many tokens");
    full.error.as_mut().unwrap().times = Some(1);
    full.text = "done".to_owned();
    let summary = ScriptedReply::text("read a and b").when("Summarise the work so far");
    let first = windowed([read("a"), read("b"), read("c"), full, summary], 100_000);
    let second = windowed([], 50_000);
    let stage = Stage::with_models(pair(&first, &second)).with_tools(reader(&"A".repeat(900)));
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    assert_eq!(second.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_summary_falls_back_too() {
    let summary = || ScriptedReply::default().when("Summarise the work so far");
    let down = ScriptedReply {
        error: ScriptedReply::error(ErrorKind::Unavailable, "down").error,
        ..summary()
    };
    let mut full = ScriptedReply::error(ErrorKind::ContextWindow, "too many tokens");
    full.error.as_mut().unwrap().times = Some(1);
    full.text = "done".to_owned();
    let first = windowed([read("a"), read("b"), read("c"), full, down], 100_000);
    let second =
        windowed([ScriptedReply { text: "read a and b".to_owned(), ..summary() }], 100_000);
    let stage = Stage::with_models(pair(&first, &second)).with_tools(reader(&"A".repeat(900)));
    let task = stage.run("read all").await;
    assert_eq!(task.answer.as_deref(), Some("done"), "{:?}", task.failure);
    let summed_up =
        stage.events(&task).await.into_iter().filter_map(|event| match event.event.body {
            EventBody::LlmIntent(intent) if intent.purpose != Purpose::Step => Some(intent.model),
            _ => None,
        });
    assert_eq!(summed_up.collect::<Vec<_>>(), ["a-1", "a-1", "b-1"]);
}

#[tokio::test]
async fn a_cheaper_model_is_called_when_the_first_exceeds_the_budget() {
    let dear = || Priced { request: 1_000_000, ..Priced::new([ScriptedReply::text("dear")]) };
    let cheap = Priced::new([ScriptedReply::text("cheap").with_usage(Usage::default(), Usd::ZERO)]);
    let dearest = Priced { request: 2_000_000, ..dear() };
    let models = Choice::default().with("a-1", dear()).with("b-1", dearest.clone());
    let stage = Stage::with_models(Arc::new(models.with("c-1", cheap)));
    stage.cap(100_000).await;
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("cheap"));

    let models = Choice::default().with("a-1", dear()).with("b-1", dearest);
    let stage = Stage::with_models(Arc::new(models));
    stage.cap(100_000).await;
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Budget, "global daily budget: $0.001002048 needed, $0.0001 of $0.0001 left")
    );
}
