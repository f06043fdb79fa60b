//! Replies within the remaining budget.

use std::sync::Arc;

use az_ai::react::ReActOptions;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::cost::{BudgetKeeper, CostTracker, Period, Scope, TimeRange, Usage};
use az_core::journal::EventBody;
use az_core::testing::sample::{budget, task_id};
use az_core::{Clock, ErrorKind, Usd};

use super::shop::{Choice, Priced};
use super::{Stage, read, reader};

#[tokio::test]
async fn a_reply_is_allowed_fewer_tokens_before_the_budget_refuses_it() {
    let mut line =
        ScriptedReply::text("As much as fits").with_usage(Usage::tokens(9, 700), nanos(1_700));
    line.stop = Some("length".to_owned());
    let client = Priced::new([line]);
    let stage = Stage::with_client(Arc::new(client.clone()));
    stage.cap(1_700).await;
    let task = stage.run("go").await;

    // The continuation of a reply that was cut off needs budget, too.
    let failure = task.failure.unwrap();
    assert_eq!((failure.kind, task.cost), (ErrorKind::Budget, nanos(1_700)));
    let asked = client.script.requests();
    assert_eq!((asked.len(), asked[0].max_tokens), (1, 700), "nothing was sent before");
    let told = "reply limited to 700 tokens instead of 2048: global daily budget: $0.000003048 needed, \
                $0.0000017 of $0.0000017 left";
    let note = EventBody::Note { text: told.to_owned() };
    assert!(stage.recorder.recorded().contains(&note), "{:?}", stage.recorder.recorded());
    assert_eq!(stage.store.total_in(TimeRange::ALL).await.unwrap(), nanos(1_700));
}

#[tokio::test]
async fn the_tightest_budget_limits_the_reply() {
    let client =
        Priced::new([ScriptedReply::text("hello").with_usage(Usage::tokens(9, 9), nanos(9))]);
    let stage = Stage::with_client(Arc::new(client.clone()));
    stage.cap(2_900).await;
    let now = az_core::clock::SystemClock.now();
    for (scope, amount) in
        [(Scope::Model("script-1".to_owned()), 1_500), (Scope::task(task_id("t1")), 1_400)]
    {
        stage.store.set_budget(&budget(scope, Period::Total, amount), now).await.unwrap();
    }
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("hello"));
    assert_eq!(client.script.requests()[0].max_tokens, 400);
}

#[tokio::test]
async fn a_budget_below_the_shortest_reply_refuses_before_anything_is_sent() {
    let client = Priced::new([ScriptedReply::text("hello")]);
    let stage = Stage::with_client(Arc::new(client.clone()));
    stage.cap(1_255).await;
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (
            ErrorKind::Budget,
            "global daily budget: $0.000003048 needed, $0.000001255 of $0.000001255 left"
        )
    );
    assert_eq!(client.script.requests().len(), 0);

    let stage = Stage::with_client(Arc::new(client)).with_options(few());
    stage.cap(1_099).await;
    assert_eq!(stage.run("go").await.failure.unwrap().kind, ErrorKind::Budget);
}

fn few() -> ReActOptions {
    ReActOptions::default().with_max_tokens(100)
}

/// Every reply costs its maximum.
#[tokio::test]
async fn concurrent_tasks_never_exceed_the_budget() {
    let lines = [read("a"), ScriptedReply::text("A")];
    let client = Priced { request: 10, ..Priced::new(lines) };
    let stage = Stage::with_client(Arc::new(client)).with_tools(reader("A"));
    stage.cap(40_000).await;
    let tasks = (0..20).map(|n| stage.run_named(format!("t{n}"), "go"));
    let tasks = futures_util::future::join_all(tasks).await;
    let spent = stage.store.total_in(TimeRange::ALL).await.unwrap();
    assert!(spent <= nanos(40_000), "{spent}");
    assert_eq!(tasks.iter().map(|task| task.cost).sum::<Usd>(), spent);
}

#[tokio::test]
async fn unreported_tokens_are_priced() {
    let client = Priced::new([ScriptedReply::text("twelve bytes")]);
    let stage = Stage::with_client(Arc::new(client.clone()));
    let task = stage.run("go").await;
    let entries = stage.store.entries(TimeRange::ALL, None).await.unwrap();
    let entry = &entries[0];
    assert_eq!((entry.charge.estimated, entry.charge.usage.output), (true, 12));
    assert_eq!(
        (entry.charge.cost, entry.charge.computed),
        (Some(nanos(1_012)), Some(nanos(1_012)))
    );
    assert_eq!(task.cost, nanos(1_012));

    let unpriced = Stage::of(ScriptedClient::new([ScriptedReply::text("hello")]));
    unpriced.run("go").await;
    let entries = unpriced.store.entries(TimeRange::ALL, None).await.unwrap();
    assert_eq!((entries[0].charge.estimated, entries[0].charge.cost), (true, None));
}

#[tokio::test]
async fn the_query_has_the_requirements_and_the_remaining_budget() {
    let models =
        Arc::new(Choice::default().with("a-1", Priced::new([read("a"), ScriptedReply::text("A")])));
    let stage =
        Stage::with_models(Arc::<Choice>::clone(&models)).with_tools(reader(&"A".repeat(3_000)));
    let stage = stage.with_options(few());
    stage.cap(1_000_000).await;
    stage.run("go").await;

    let asked = models.asked.lock().unwrap();
    let [(first, max_tokens, left), (second, _, left_then)] = asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((max_tokens, left), (100, Some(nanos(1_000_000))));
    assert!(left_then < left, "{left_then:?}");
    assert!(first > 500 && second >= first + 1_000, "{first}, {second}");
}

const fn nanos(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_while_other_calls_hold_the_budget() {
    let client =
        Priced::new([ScriptedReply::text("hello").with_usage(Usage::tokens(9, 9), nanos(9))]);
    let stage = Stage::with_client(Arc::new(client.clone()));
    stage.cap(4_000).await;
    let other = az_core::testing::sample::hold("other", "m0", 3_000, 1);
    let now = az_core::clock::SystemClock.now();
    let other = az_core::cost::Hold { at: now, until: now, ..other };
    stage.store.hold(&other).await.unwrap();
    let waits = || {
        let said = |body: &EventBody| matches!(body, EventBody::Note { text } if text.starts_with("waiting while other calls"));
        stage.recorder.recorded().iter().any(said)
    };
    let frees = async {
        while !waits() {
            tokio::task::yield_now().await;
        }
        let nothing = az_core::cost::Settlement::Nothing;
        stage.store.settle(&other.payer, &other.call, &nothing).await.unwrap();
    };
    let (task, ()) = tokio::join!(stage.run("go"), frees);
    assert_eq!(task.answer.as_deref(), Some("hello"));
    assert_eq!(client.script.requests()[0].max_tokens, 2048, "nothing had to be shortened");
}
