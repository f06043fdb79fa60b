//! A client that prices its calls.

use std::sync::Arc;

use az_ai::chat::{CacheHints, ChatEvent, ChatRequest, Image, Message};
use az_ai::client::{Capabilities, LlmClient};
use az_ai::pricing::{PriceBook, PricedClient};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::clock::ManualClock;
use az_core::cost::Usage;
use az_core::{ErrorKind, Usd};
use futures_util::TryStreamExt;

use super::NOW;

fn priced(line: ScriptedReply) -> PricedClient {
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    PricedClient::new(Arc::new(ScriptedClient::new([line])), PriceBook::bundled(), "openai", clock)
}

fn used(usage: Usage) -> ScriptedReply {
    let mut line = ScriptedReply::text("hello");
    line.usage = Some(usage);
    line
}

#[tokio::test]
async fn replies_have_their_cost_complete_and_streamed() {
    let client = priced(used(Usage::tokens(1000, 100)));
    let request = ChatRequest::prompt("gpt-5-2025-08-07", "go");
    // 1,000 × 1.25 + 100 × 10, in micro-dollars.
    let cost = Some(Usd::from_nanos(2_250_000));
    let whole = client.complete(&request).await.unwrap();
    assert_eq!((whole.cost, whole.computed), (cost, cost));
    let events: Vec<ChatEvent> = client.stream(&request).try_collect().await.unwrap();
    assert_eq!(events.last(), Some(&ChatEvent::Finished(Box::new(whole))));
}

#[tokio::test]
async fn a_reported_cost_is_kept_with_the_computed_one_beside_it() {
    let said = Usd::from_nanos(5);
    let client = priced(ScriptedReply::text("hello").with_usage(Usage::tokens(1000, 100), said));
    let reply = client.complete(&ChatRequest::prompt("gpt-5", "go")).await.unwrap();
    assert_eq!((reply.cost, reply.computed), (Some(said), Some(Usd::from_nanos(2_250_000))));
}

#[tokio::test]
async fn an_unknown_price_gives_no_cost() {
    let client = priced(used(Usage::tokens(1000, 100)));
    let request = ChatRequest::prompt("gpt-of-tomorrow", "go");
    let reply = client.complete(&request).await.unwrap();
    assert_eq!(
        (reply.cost, reply.computed, client.estimate_cost(&request).max_cost),
        (None, None, None)
    );
    let silent = priced(ScriptedReply::text("hello"));
    let reply = silent.complete(&ChatRequest::prompt("gpt-5", "go")).await.unwrap();
    assert_eq!((reply.cost, reply.computed), (None, None), "no usage, no cost");
}

#[test]
fn an_estimate_is_the_maximum_cost_of_a_call() {
    let client = priced(ScriptedReply::text("hello"));
    let request = ChatRequest::prompt("gpt-5", "go").with_max_tokens(100);
    let estimate = client.estimate_cost(&request);
    // At most 274 × 1.25 + 100 × 10, in micro-dollars.
    assert_eq!((estimate.input_tokens, estimate.max_cost), (73, Some(Usd::from_nanos(1_342_500))));
}

#[tokio::test]
async fn missing_capabilities_come_from_the_table() {
    let client = priced(ScriptedReply::text("hello"));
    let expected = Capabilities::FULL.with_context_window(400_000).with_max_output(128_000);
    assert_eq!(client.capabilities("gpt-5"), expected);
    assert_eq!(client.capabilities("gpt-of-tomorrow"), Capabilities::FULL);
    let blind = client.capabilities("o3-mini");
    assert!(blind.tools && !blind.vision, "{blind:?}");
    let image = Image::Url("https://example.com/a.png".to_owned());
    let shown = vec![Message::user_with_images("look", vec![image])];
    let refused = client.complete(&ChatRequest::new("o3-mini", shown.clone())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BadRequest);
    let mut stream = client.stream(&ChatRequest::new("o3-mini", shown));
    assert_eq!(stream.try_next().await.unwrap_err().kind(), ErrorKind::BadRequest);
    let long = ChatRequest::prompt("gpt-5", "go").with_max_tokens(128_001);
    assert_eq!(client.complete(&long).await.unwrap_err().kind(), ErrorKind::BadRequest);
}

/// Anthropic's price for writing for an hour is 2 times that of input, instead of 1.25 times.
#[tokio::test]
async fn a_hold_is_for_a_request_that_reads_nothing_from_the_cache_and_writes_all_of_it() {
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let inner = Arc::new(ScriptedClient::new([ScriptedReply::text("hello")]));
    let client = PricedClient::new(inner, PriceBook::bundled(), "anthropic", clock);
    let request = ChatRequest::prompt("claude-sonnet-4-5", "x".repeat(40_000)).with_max_tokens(1);
    let hold = |hints: CacheHints| {
        let request = request.clone().with_cache(hints);
        client.estimate_cost(&request).max_cost.unwrap().nanos()
    };
    let (usual, hour) =
        (hold(CacheHints::of("t")), hold(CacheHints::of("t").expecting_pause(true)));
    assert_eq!(usual, hold(CacheHints::default()));
    let ratio = hour * 100 / usual;
    assert!((159..=160).contains(&ratio), "{usual} and {hour}");
}
