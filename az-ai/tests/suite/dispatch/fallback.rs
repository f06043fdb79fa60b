//! Retries and fallback to the next candidate.

use std::sync::Arc;
use std::time::Duration;

use az_ai::chat::{ChatEvent, ChatRequest};
use az_ai::client::{Capabilities, CostEstimate, GenerateOptions, LlmClient, LlmClientExt};
use az_ai::dispatch::{DispatchClient, DispatchOptions};
use az_ai::resolver::ResolvedModel;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::call::RetryPolicy;
use az_core::{ErrorKind, Usd};
use futures_util::StreamExt;

use crate::react::shop::Priced;

const TWICE: RetryPolicy = RetryPolicy {
    attempts: 2,
    base: Duration::from_millis(500),
    longest: Duration::from_secs(1),
    patience: Duration::from_secs(10),
};

fn script(line: ScriptedReply) -> ScriptedClient {
    ScriptedClient::new([line]).recording()
}

fn model(client: &(impl LlmClient + Clone), name: &str) -> ResolvedModel {
    ResolvedModel::new(Arc::new(client.clone()), name)
}

fn twice(first: ResolvedModel, others: Vec<ResolvedModel>) -> DispatchClient {
    let options = DispatchOptions::default().with_fallback_retry(TWICE);
    DispatchClient::of_candidates(first, others).with_options(options).with_retry(TWICE, 0)
}

fn retrying(first: &ScriptedClient, second: &ScriptedClient) -> DispatchClient {
    twice(model(first, "a-1"), vec![model(second, "b-1")])
}

async fn ask(client: &DispatchClient) -> az_ai::Result<az_ai::ChatReply> {
    client.generate("go", "any", &GenerateOptions::default()).await
}

fn busy(millis: u64, times: u32) -> ScriptedReply {
    let mut line = ScriptedReply::error(ErrorKind::RateLimited, "slow down");
    line.text = "at last".to_owned();
    let error = line.error.as_mut().unwrap();
    (error.retry_after_millis, error.times) = (Some(millis), Some(times));
    line
}

/// Checks `ModelEffect` 1.
#[tokio::test(start_paused = true)]
async fn a_candidate_is_retried_before_the_next_one_is_tried() {
    let first = script(ScriptedReply::error(ErrorKind::Unavailable, "down"));
    let second = script(ScriptedReply::text("hello"));
    let reply = ask(&retrying(&first, &second)).await.unwrap();
    assert_eq!((reply.reply.text.as_str(), reply.model.as_str()), ("hello", "b-1"));
    let asked = first.requests().into_iter().chain(second.requests());
    let names: Vec<_> = asked.map(|request| request.model).collect();
    assert_eq!(names, ["a-1", "a-1", "b-1"]);

    let mut texts =
        retrying(&first, &second).stream_generate("go", "any", &GenerateOptions::default());
    assert_eq!(texts.next().await.unwrap().unwrap(), "hello");
    assert_eq!((first.requests().len(), second.requests().len()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_as_long_as_the_provider_asks_up_to_a_limit() {
    let began = tokio::time::Instant::now();
    let (first, second) = (script(busy(9_000, 1)), script(ScriptedReply::text("elsewhere")));
    let reply = ask(&retrying(&first, &second)).await.unwrap();
    assert_eq!((reply.reply.text.as_str(), began.elapsed().as_secs()), ("at last", 9));

    let first = script(busy(11_000, 1));
    let reply = ask(&retrying(&first, &second)).await.unwrap();
    assert_eq!((reply.reply.text.as_str(), began.elapsed().as_secs()), ("elsewhere", 9));
    assert_eq!(first.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn waits_of_requests_that_fail_together_differ() {
    let down = || model(&script(ScriptedReply::error(ErrorKind::Unavailable, "down")), "a-1");
    let client = twice(down(), Vec::new());
    let other = twice(down(), Vec::new()).with_retry(TWICE, 99);
    let mut waits = Vec::new();
    for client in [&client, &client, &other] {
        let began = tokio::time::Instant::now();
        ask(client).await.unwrap_err();
        waits.push(began.elapsed());
    }
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 3, "{waits:?}");
}

/// Checks `ModelEffect` 4 and `Prompt` 2.
#[tokio::test(start_paused = true)]
async fn a_stream_is_not_restarted_once_part_of_it_was_passed_on() {
    let mut cut = ScriptedReply::text("half of it");
    cut.cut_after = Some(8);
    let (first, second) = (script(cut), script(ScriptedReply::text("hello")));
    let request = ChatRequest::prompt("any", "go");
    let events: Vec<_> = retrying(&first, &second).stream(&request).collect().await;
    assert_eq!(events.len(), 2);
    let half = ChatEvent::TextDelta { text: "half".to_owned() };
    assert_eq!(events[0].as_ref().unwrap(), &half);
    assert_eq!(events[1].as_ref().unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_bad_request_is_not_retried_and_the_next_candidate_is_tried() {
    let (first, second) = (
        script(ScriptedReply::error(ErrorKind::BadRequest, "no")),
        script(ScriptedReply::text("hello")),
    );
    let reply = ask(&retrying(&first, &second)).await.unwrap();
    assert_eq!(reply.reply.text, "hello");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}

#[tokio::test]
async fn capabilities_are_those_of_all_candidates_and_the_estimate_covers_all_attempts() {
    let windowed = |tokens| Capabilities::FULL.with_context_window(tokens);
    let first = Priced::new([]);
    let mut second = Priced { request: 10, ..Priced::new([]) };
    second.script = second.script.with_capabilities(windowed(900).without_vision());
    let client = twice(model(&first, "a-1"), vec![model(&second, "b-1")]);
    assert_eq!(client.capabilities("any"), windowed(900).without_vision());
    let request = ChatRequest::prompt("any", "go").with_max_tokens(100);
    let tokens = first.estimate_cost(&request).input_tokens;
    let most = Some(Usd::from_nanos(2 * 1_100 + 2 * 110));
    assert_eq!(client.estimate_cost(&request), CostEstimate::new(most, tokens));

    let unpriced = script(ScriptedReply::text("?"));
    let unpriced =
        twice(model(&first, "a-1"), vec![model(&second, "b-1"), model(&unpriced, "c-1")]);
    assert_eq!(
        unpriced.estimate_cost(&request).max_cost,
        None,
        "the estimate of a model without a price"
    );
}
