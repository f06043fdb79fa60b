//! A replay equals the recording.

use std::time::Duration;

use az_ai::chat::{ChatEvent, ChatRequest, Message};
use az_ai::client::{Capabilities, Fact, LlmClient};
use az_ai::error::Error;
use az_ai::recording::{Outcome, Pace};
use az_ai::scripted::{ScriptedClient, ScriptedError, ScriptedReply};
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use az_core::{ErrorKind, Usd};
use futures_util::StreamExt;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use serde_json::json;

use super::support::Paper;

/// The request for a turn.
fn request(turn: usize) -> ChatRequest {
    let mut messages = vec![Message::system("be brief"), Message::user("go")];
    messages.extend((0..turn).map(|turn| Message::assistant(ModelReply::text(turn.to_string()))));
    ChatRequest::new("m", messages)
}

/// The observable outcome of an exchange.
async fn told(client: &dyn LlmClient, turn: usize, streamed: bool) -> Vec<String> {
    let request = request(turn);
    let failed = |error: Error| format!("{error:?} {:?} {:?}", error.kind(), error.sent());
    let mut told = vec![format!("{:?}", client.estimate_cost(&request))];
    if !streamed {
        let reply = client.complete(&request).await;
        told.push(reply.map_or_else(failed, |reply| format!("{reply:?}")));
        return told;
    }
    let mut pieces = String::new();
    for event in client.stream(&request).collect::<Vec<_>>().await {
        match event {
            Ok(ChatEvent::TextDelta { text } | ChatEvent::ReasoningDelta { text }) => {
                pieces.push_str(&text);
            }
            Ok(ChatEvent::CallStarted { id, name, .. }) => pieces.push_str(&(id + &name)),
            Ok(ChatEvent::CallDelta { arguments, .. }) => pieces.push_str(&arguments),
            Ok(ChatEvent::UsageReported { .. }) => {}
            Ok(ChatEvent::Finished(reply)) => told.push(format!("{reply:?}")),
            Err(error) => told.push(failed(error)),
        }
    }
    told.push(pieces);
    told
}

fn line() -> impl Strategy<Value = ScriptedReply> {
    let kinds = prop_oneof![
        Just(ErrorKind::RateLimited),
        Just(ErrorKind::Unauthorized),
        Just(ErrorKind::Unavailable),
        Just(ErrorKind::ContentPolicy)
    ];
    let wait = prop::option::of(any::<u64>());
    let error = (kinds, ".{0,8}", prop::option::of(any::<u16>()), wait);
    let error = error.prop_map(|(kind, message, status, retry_after_millis)| ScriptedError {
        kind,
        message,
        status,
        retry_after_millis,
        times: Some(1),
    });
    let calls = prop::collection::vec(("[a-z]{1,4}", ".{0,6}"), 0..3);
    let usage = prop::option::of((any::<u64>(), any::<u64>()));
    let said = (".{0,40}", ".{0,20}", calls, prop::option::of("[a-z]{0,6}"));
    let paid = (usage, prop::option::of(any::<i64>()), prop::option::of(any::<i64>()));
    let fate = (prop::option::of(error), prop::option::weighted(0.1, 0..20_usize));
    (said, paid, fate).prop_map(|((text, reasoning, calls, stop), (usage, cost, price), fate)| {
        let mut line = ScriptedReply { text, reasoning, stop, ..ScriptedReply::default() };
        for (name, value) in calls {
            line = line.with_call(name, json!({"value": value}));
        }
        line.usage = usage.map(|(input, output)| Usage::tokens(input, output));
        (line.cost_nanos, line.price_nanos) = (cost, price);
        (line.error, line.cut_after) = fate;
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_equals_the_recorded_exchange(
        lines in prop::collection::vec(line(), 1..5),
        streamed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let paper = Paper::default();
            let recorded = paper.record(ScriptedClient::new(lines.clone()));
            // A script depends on the turn and on the attempt: each is requested twice.
            let turns = || (0..lines.len()).flat_map(|turn| [turn, turn]);
            let mut first = Vec::new();
            for turn in turns() {
                first.push(told(&recorded, turn, streamed).await);
            }
            let replayed = paper.played();
            assert_eq!(replayed.provider(), recorded.provider());
            assert_eq!(replayed.capabilities("m"), recorded.capabilities("m"));
            let mut second = Vec::new();
            for turn in turns() {
                second.push(told(&replayed, turn, streamed).await);
            }
            assert_eq!(first, second, "{}", paper.text());
        });
    }
}

/// Facts about models are shared by all clients of their server.
#[tokio::test]
async fn the_first_exchange_has_the_capabilities_that_another_client_has_changed() {
    let paper = Paper::default();
    let script = ScriptedClient::new([ScriptedReply::text("hello"), ScriptedReply::text("bye")]);
    let client = paper.record(script.clone());
    script.learn("m", Fact::NoTools);
    for turn in 0..2 {
        client.complete(&request(turn)).await.unwrap();
    }
    let played = paper.played();
    let changed = Capabilities::FULL.without_tools();
    assert_eq!(played.capabilities("m"), changed);
    let written = played.exchanges().iter().map(|exchange| exchange.capabilities);
    assert_eq!(written.collect::<Vec<_>>(), [Some(changed), None]);
}

#[tokio::test]
async fn each_exchange_is_one_line_and_one_write() {
    let paper = Paper::default();
    let client = paper
        .record(ScriptedClient::new([ScriptedReply::text("hello"), ScriptedReply::text("bye")]));
    drop(client.stream(&request(0)));
    for turn in 0..2 {
        client.complete(&request(turn)).await.unwrap();
        assert_eq!(paper.writes().len(), turn + 2, "the header and {} exchanges", turn + 1);
    }
    assert!(paper.writes().iter().all(|line| line.ends_with('\n')));
}

#[tokio::test]
async fn after_a_write_error_calls_are_refused_before_they_are_sent() {
    let script = ScriptedClient::new([ScriptedReply::text("hello")]).recording();
    let client = Paper::full().record(script.clone());
    // The write of the header may or may not have failed by now; after a call it has.
    drop(client.complete(&request(0)).await);
    let asked = script.requests().len();
    let error = client.complete(&request(0)).await.unwrap_err();
    let said = "scripted is not set up: its recording cannot be written: no space left";
    assert_eq!(error.to_string(), said);
    let error = client.stream(&request(0)).next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), said);
    assert_eq!(script.requests().len(), asked);
    assert_eq!(client.check().unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_dropped_call_is_recorded_as_far_as_it_came() {
    let paper = Paper::default();
    let client = paper.record(ScriptedClient::new([ScriptedReply::text("one two three")]));
    let mut stream = client.stream(&request(0));
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first, ChatEvent::TextDelta { text: "one ".to_owned() });
    drop(stream);
    drop(client);
    let played = paper.played();
    assert_eq!(played.exchanges()[0].outcome, Outcome::Dropped);
    // It has no outcome, so it is replayed as one that was cut off.
    let events: Vec<_> = played.stream(&request(0)).collect().await;
    assert_eq!(*events[0].as_ref().unwrap(), first);
    assert!(matches!(events[1], Err(Error::Truncated { .. })), "{events:?}");
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_dropped_exchange_is_not_replayed_if_a_later_one_has_a_reply() {
    let paper = Paper::default();
    let client = paper.record(ScriptedClient::new([ScriptedReply::text("one two three")]));
    client.stream(&request(0)).next().await.unwrap().unwrap();
    client.complete(&request(0)).await.unwrap();
    drop(client);
    let played = paper.played();
    assert_eq!(played.exchanges().len(), 2);
    for _ in 0..2 {
        assert_eq!(played.complete(&request(0)).await.unwrap().reply.text, "one two three");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_keeps_the_recorded_pace_or_the_requested_one() {
    let paper = Paper::default();
    let line = ScriptedReply { delay_millis: 3_000, ..ScriptedReply::text("at last") };
    let client = paper
        .record(ScriptedClient::new([line.with_usage(Usage::tokens(3, 2), Usd::from_nanos(5))]));
    client.stream(&request(0)).collect::<Vec<_>>().await;
    let played = paper.played();
    for (pace, millis) in [
        (Pace::Instant, 0),
        (Pace::AsRecorded, 3_000),
        (Pace::Times(2.0), 1_500),
        (Pace::Times(0.0), 0),
        (Pace::Times(f32::NAN), 0),
    ] {
        let client = played.clone().with_pace(pace);
        let began = tokio::time::Instant::now();
        client.stream(&request(0)).collect::<Vec<_>>().await;
        let took = began.elapsed();
        let late = took.saturating_sub(Duration::from_millis(millis));
        assert!(
            took.as_millis() >= u128::from(millis) && late.as_millis() < 20,
            "{pace:?} {took:?}"
        );
    }
}
