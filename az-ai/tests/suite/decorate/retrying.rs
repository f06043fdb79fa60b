//! Asks again, and then somebody else.

use std::sync::Arc;
use std::time::Duration;

use az_ai::chat::{ChatEvent, ChatRequest};
use az_ai::client::{Capabilities, LlmClient, LlmClientExt, Quote};
use az_ai::decorate::RetryingClient;
use az_ai::resolver::ResolvedModel;
use az_ai::scripted::{Line, ScriptedClient};
use az_core::engine::RetryPolicy;
use az_core::{ErrorKind, Usd};
use futures_util::StreamExt;

use crate::react::shop::Priced;

const TWICE: RetryPolicy = RetryPolicy {
    attempts: 2,
    base: Duration::from_millis(500),
    longest: Duration::from_secs(1),
    patience: Duration::from_secs(10),
};

fn script(line: Line) -> ScriptedClient {
    ScriptedClient::new([line]).recording()
}

fn model(client: &(impl LlmClient + Clone), name: &str) -> ResolvedModel {
    ResolvedModel { client: Arc::new(client.clone()), model: name.to_owned() }
}

fn retrying(first: &ScriptedClient, second: &ScriptedClient) -> RetryingClient {
    RetryingClient::new(model(first, "a-1"), TWICE).with_others([model(second, "b-1")])
}

fn busy(millis: u64, times: u32) -> Line {
    let mut line = Line::error(ErrorKind::RateLimited, "slow down");
    line.text = "at last".to_owned();
    let error = line.error.as_mut().unwrap();
    (error.retry_after_millis, error.times) = (Some(millis), Some(times));
    line
}

#[tokio::test(start_paused = true)]
async fn the_first_is_asked_twice_and_then_the_next() {
    let first = script(Line::error(ErrorKind::Unavailable, "down"));
    let second = script(Line::text("hello"));
    let reply = retrying(&first, &second).generate("any", "go").await.unwrap();
    assert_eq!((reply.reply.text.as_str(), reply.model.as_str()), ("hello", "b-1"));
    let asked = first.requests().into_iter().chain(second.requests());
    let names: Vec<_> = asked.map(|request| request.model).collect();
    assert_eq!(names, ["a-1", "a-1", "b-1"]);

    let mut texts = retrying(&first, &second).stream_generate("any", "go");
    assert_eq!(texts.next().await.unwrap().unwrap(), "hello");
    assert_eq!((first.requests().len(), second.requests().len()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_given_the_time_it_asks_for_up_to_a_limit() {
    let began = tokio::time::Instant::now();
    let (first, second) = (script(busy(9_000, 1)), script(Line::text("elsewhere")));
    let reply = retrying(&first, &second).generate("any", "go").await.unwrap();
    assert_eq!((reply.reply.text.as_str(), began.elapsed().as_secs()), ("at last", 9));

    let first = script(busy(11_000, 1));
    let reply = retrying(&first, &second).generate("any", "go").await.unwrap();
    assert_eq!((reply.reply.text.as_str(), began.elapsed().as_secs()), ("elsewhere", 9));
    assert_eq!(first.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_that_fail_together_do_not_come_back_together() {
    let down = || model(&script(Line::error(ErrorKind::Unavailable, "down")), "a-1");
    let client = RetryingClient::new(down(), TWICE);
    let other = RetryingClient::new(down(), TWICE).with_seed(99);
    let mut waits = Vec::new();
    for client in [&client, &client, &other] {
        let began = tokio::time::Instant::now();
        client.generate("any", "go").await.unwrap_err();
        waits.push(began.elapsed());
    }
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 3, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_which_anything_was_passed_on_is_not_begun_anew() {
    let mut cut = Line::text("half of it");
    cut.cut_after = Some(8);
    let (first, second) = (script(cut), script(Line::text("hello")));
    let request = ChatRequest::prompt("any", "go");
    let events: Vec<_> = retrying(&first, &second).stream(&request).collect().await;
    assert_eq!(events.len(), 2);
    let half = ChatEvent::TextDelta { text: "half".to_owned() };
    assert_eq!(events[0].as_ref().unwrap(), &half);
    assert_eq!(events[1].as_ref().unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}

#[tokio::test]
async fn what_one_calls_wrong_may_suit_another_and_is_not_tried_again() {
    let (first, second) =
        (script(Line::error(ErrorKind::BadRequest, "no")), script(Line::text("hello")));
    let reply = retrying(&first, &second).generate("any", "go").await.unwrap();
    assert_eq!(reply.reply.text, "hello");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}

#[tokio::test]
async fn it_can_do_what_all_can_and_costs_what_all_attempts_may() {
    let windowed = |tokens| Capabilities::FULL.with_context_window(tokens);
    let first = Priced::new([]);
    let mut second = Priced { request: 10, ..Priced::new([]) };
    second.script = second.script.with_capabilities(windowed(900).without_vision());
    let client =
        RetryingClient::new(model(&first, "a-1"), TWICE).with_others([model(&second, "b-1")]);
    assert_eq!(client.capabilities("any"), windowed(900).without_vision());
    let request = ChatRequest::prompt("any", "go").with_max_tokens(100);
    let estimated_tokens = first.quote(&request).estimated_tokens;
    let most = Some(Usd::from_nanos(2 * 1_100 + 2 * 110));
    assert_eq!(client.quote(&request), Quote { max_cost: most, estimated_tokens });

    let unpriced = client.with_others([model(&script(Line::text("?")), "c-1")]);
    assert_eq!(unpriced.quote(&request).max_cost, None, "an unknown price is no price");
}
