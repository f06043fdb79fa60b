//! A call that fails or is dropped is charged what the provider had reported.

use std::sync::Arc;

use az_ai::chat::{ChatEvent, ChatRequest};
use az_ai::client::LlmClient;
use az_ai::dispatch::DispatchClient;
use az_ai::pricing::{PriceBook, PricedClient};
use az_ai::provider::anthropic::Anthropic;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::openai::OpenAi;
use az_ai::provider::wire::Wire;
use az_ai::provider::{Endpoint, WireClient};
use az_core::call::{PayerAccount, RetryPolicy};
use az_core::clock::SystemClock;
use az_core::cost::{BudgetKeeper, CostTracker, TimeRange};
use az_core::memory::MemoryStore;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::server::{Answer, End, Server};

/// A client of a model with a price, on the account of a payer.
struct Caller {
    client: DispatchClient,
    store: MemoryStore,
    model: &'static str,
}

impl Caller {
    fn new(
        server: &Server,
        wire: impl Wire,
        (provider, model): (&'static str, &'static str),
    ) -> Self {
        let http = HttpClient::new(&HttpOptions::default()).unwrap();
        let wired = WireClient::new(Endpoint::new(provider, &server.url), wire, http).unwrap();
        let clock = Arc::new(SystemClock);
        let priced = PricedClient::new(
            Arc::new(wired),
            PriceBook::bundled(),
            provider,
            Arc::<SystemClock>::clone(&clock),
        );
        let store = MemoryStore::new();
        let payer = "key:test".parse().unwrap();
        let account = PayerAccount::new(Arc::new(store.clone()), clock, payer, "r:").unwrap();
        let account = account.with_retry(RetryPolicy::never());
        Self { client: DispatchClient::around(Arc::new(priced)).paid_by(account), store, model }
    }

    fn request(&self) -> ChatRequest {
        ChatRequest::prompt(self.model, "hi").with_max_tokens(4_096)
    }

    /// Returns the tokens of the only entry, and whether it has a price and is an estimate.
    async fn booked(&self) -> (u64, u64, bool) {
        while !self.store.open_holds().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let [entry]: [_; 1] =
            self.store.entries(TimeRange::ALL, None).await.unwrap().try_into().unwrap();
        assert!(entry.charge.cost.is_some(), "{entry:?}");
        let usage = &entry.charge.usage;
        (usage.total_input(), usage.total_output(), entry.charge.estimated)
    }
}

fn event(json: &Value) -> String {
    format!("data: {json}\n\n")
}

#[tokio::test]
async fn a_stream_that_ends_early_is_booked_at_what_was_reported() {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5});
    let piece = json!({"choices": [{"delta": {"content": "Hello there"}}], "usage": usage});
    for end in [End::Cut, End::Proper] {
        let server = Server::start(Answer::stream(event(&piece), end)).await;
        let caller = Caller::new(&server, OpenAi::default(), ("openai", "gpt-5.6"));
        let events: Vec<_> = caller.client.stream(&caller.request()).collect().await;
        assert!(events.last().unwrap().is_err(), "{events:?}");
        assert_eq!(caller.booked().await, (10, 5, true), "{end:?}");
    }
}

#[tokio::test]
async fn an_error_response_with_usage_is_booked_at_it() {
    let body = json!({
        "error": {"message": "filtered", "code": "content_filter"},
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    });
    let server = Server::start(Answer::json(400, &body)).await;
    let caller = Caller::new(&server, OpenAi::default(), ("openai", "gpt-5.6"));
    caller.client.complete(&caller.request()).await.unwrap_err();
    assert_eq!(caller.booked().await, (10, 5, false));
}

/// The usage is noted as it arrives, and not only when the stream ends.
#[tokio::test]
async fn a_stream_that_is_dropped_is_booked_at_what_was_reported_and_received() {
    let start = json!({
        "type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}},
    });
    let block = json!({
        "type": "content_block_start", "index": 0,
        "content_block": {"type": "text", "text": "Hello"},
    });
    let body = event(&start) + &event(&block);
    let server = Server::start(Answer::stream(body, End::Open)).await;
    let caller = Caller::new(&server, Anthropic, ("anthropic", "claude-sonnet-5-5"));
    let mut events = caller.client.stream(&caller.request());
    let first = events.next().await.unwrap().unwrap();
    assert_eq!(first, ChatEvent::TextDelta { text: "Hello".to_owned() });
    // The report follows in the same piece of the body.
    while futures_util::poll!(events.next()).is_ready() {}
    drop(events);
    assert!(server.saw_disconnect().await);
    assert_eq!(caller.booked().await, (10, 1 + 5, true));
}
