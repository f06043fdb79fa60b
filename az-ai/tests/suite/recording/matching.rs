//! Matches requests to recorded exchanges.

use az_ai::chat::{ChatRequest, Message};
use az_ai::client::{CostEstimate, LlmClient};
use az_ai::recording::ReplayClient;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::journal::ModelReply;
use az_core::{ErrorKind, Usd};

use super::support::Paper;

fn asked(system: &str, task: &str, turns: usize) -> ChatRequest {
    let mut messages = vec![Message::system(system), Message::user(task)];
    messages.extend((0..turns).map(|_| Message::assistant(ModelReply::default())));
    ChatRequest::new("m", messages)
}

async fn says(client: &ReplayClient, request: &ChatRequest) -> String {
    match client.complete(request).await {
        Ok(reply) => reply.reply.text,
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_request_is_matched_by_digest_and_else_by_position() {
    let paper = Paper::default();
    for answer in ["here", "there"] {
        let client = paper.record(ScriptedClient::new([ScriptedReply::text(answer)]));
        client.complete(&asked(answer, "where are you?", 0)).await.unwrap();
    }
    let played = paper.played();
    assert_eq!(says(&played, &asked("there", "where are you?", 0)).await, "there");
    assert_eq!(says(&played, &asked("here", "where are you?", 0)).await, "here");
    // At a third position: the recorded ones in order.
    assert_eq!(says(&played, &asked("elsewhere", "where are you?", 0)).await, "here");
    assert_eq!(says(&played, &asked("elsewhere", "where are you?", 0)).await, "there");
}

#[tokio::test]
async fn a_resumed_task_continues_at_its_position_and_another_task_is_refused() {
    let paper = Paper::default();
    let client = paper
        .record(ScriptedClient::new([ScriptedReply::text("first"), ScriptedReply::text("second")]));
    for turn in 0..2 {
        client.complete(&asked("here", "count to two", turn)).await.unwrap();
    }
    let played = paper.played();
    assert_eq!(says(&played, &asked("there", "count to two", 1)).await, "second");
    let error = played.complete(&asked("there", "count to nine", 0)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the recording is of another task, which begins \"count to two\"; give that one, or \
         record this one"
    );
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Agent, false));
    assert_eq!(
        says(&played, &asked("there", "count to two", 2)).await,
        "the recording has no exchange for turn 3 of this task"
    );
}

#[tokio::test]
async fn attempts_are_replayed_in_order() {
    let paper = Paper::default();
    let mut line = ScriptedReply::error(ErrorKind::RateLimited, "slow down");
    line.text = "at last".to_owned();
    line.error.as_mut().unwrap().times = Some(2);
    let client = paper.record(ScriptedClient::new([line]));
    for _ in 0..3 {
        drop(client.complete(&asked("here", "go", 0)).await);
    }
    let played = paper.played();
    let busy = "scripted: slow down (status 429)";
    for system in ["here", "there"] {
        for expected in [busy, busy, "at last"] {
            assert_eq!(says(&played, &asked(system, "go", 0)).await, expected);
        }
    }
    assert_eq!(played.played(), 6);
}

#[tokio::test]
async fn a_summary_is_not_matched_with_the_step_at_its_position() {
    let paper = Paper::default();
    let lines = [ScriptedReply::text("in short").when("summarise"), ScriptedReply::text("a step")];
    let client = paper.record(ScriptedClient::new(lines));
    let summarise = |system: &str| {
        let mut request = asked(system, "go", 0);
        request.messages.push(Message::user("summarise"));
        request
    };
    client.complete(&summarise("here")).await.unwrap();
    client.complete(&asked("here", "go", 0)).await.unwrap();
    let played = paper.played();
    assert_eq!(says(&played, &asked("there", "go", 0)).await, "a step");
    assert_eq!(says(&played, &summarise("there")).await, "in short");
}

#[tokio::test]
async fn an_estimate_covers_every_attempt_and_an_unmatched_request_is_free() {
    let paper = Paper::default();
    let line = |nanos| ScriptedReply { price_nanos: Some(nanos), ..ScriptedReply::text("x") };
    for nanos in [5, 9, 7] {
        let client = paper.record(ScriptedClient::new([line(nanos)]));
        client.complete(&asked("here", "go", 0)).await.unwrap();
    }
    let played = paper.played();
    let most = |task| played.estimate_cost(&asked("there", task, 0)).max_cost;
    assert_eq!(most("go"), Some(Usd::from_nanos(9)));
    assert_eq!(played.estimate_cost(&asked("there", "stay", 0)), CostEstimate::free(0));
}
