//! Embeddings are held, booked and budgeted like any call.

use std::sync::Arc;

use az_ai::embed::{EmbedBilling, EmbedModel, OpenAiEmbeddings, WireEmbedder};
use az_ai::key::ApiKey;
use az_ai::provider::Endpoint;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_core::call::{PayerAccount, RetryPolicy};
use az_core::clock::ManualClock;
use az_core::cost::{
    BudgetKeeper, Charge, CostEntry, CostTracker, Payer, Period, Scope, TimeRange, Usage,
};
use az_core::embed::Embedder;
use az_core::memory::MemoryStore;
use az_core::testing::sample::{at, budget, call_id};
use az_core::{ErrorKind, Usd};
use serde_json::json;

use super::KEY;
use crate::support::server::{Answer, Server};

fn payer() -> Payer {
    "key:test".parse().unwrap()
}

fn texts() -> Vec<String> {
    vec!["one".to_owned(), "two".to_owned()]
}

/// An embedder of a model with a public price and a simulated server, and its store.
async fn embedder(answer: Answer) -> (WireEmbedder, MemoryStore, Server) {
    let server = Server::start(answer).await;
    let (store, clock) = (MemoryStore::new(), Arc::new(ManualClock::at(at(0))));
    let keeper = Arc::new(store.clone());
    let account = PayerAccount::new(keeper, Arc::<ManualClock>::clone(&clock), payer(), "e");
    let account = account.unwrap().with_retry(RetryPolicy::never());
    let books = EmbedBilling::priced_as("openai").paid_by(account).with_clock(clock);
    let endpoint = Endpoint::new("openai", &server.url).with_api_key(ApiKey::new(KEY));
    let model = EmbedModel::new("text-embedding-3-small").with_known_dimensions(2);
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let wire = OpenAiEmbeddings::COMPATIBLE;
    let embedder = WireEmbedder::connect(endpoint, wire, model, http, books).await.unwrap();
    (embedder, store, server)
}

fn vectors(usage: &serde_json::Value) -> Answer {
    let data = [[1.0, 2.0], [3.0, 4.0]].map(|vector| json!({"embedding": vector}));
    Answer::json(200, &json!({"data": data, "usage": usage}))
}

#[tokio::test]
async fn vectors_are_booked_at_what_the_provider_reports() {
    let (embedder, store, _server) = embedder(vectors(&json!({"prompt_tokens": 1_000}))).await;
    let made = embedder.embed(&texts()).await.unwrap();
    assert_eq!(made.vectors, [[1.0, 2.0], [3.0, 4.0]]);
    // $0.02 for a million tokens.
    let cost = Some(Usd::from_nanos(20_000));
    let charge = Charge::new(Usage::tokens(1_000, 0), cost).with_computed(cost);
    assert_eq!(made.charge, charge);
    let entry = CostEntry {
        payer: payer(),
        call: call_id("e0"),
        provider: "openai".to_owned(),
        model: "text-embedding-3-small".to_owned(),
        charge,
        at: at(0),
    };
    assert_eq!(store.entries(TimeRange::ALL, None).await.unwrap(), [entry]);
    assert_eq!(store.open_holds().await.unwrap(), []);
}

#[tokio::test]
async fn unreported_usage_is_estimated_and_priced() {
    let (embedder, store, _server) = embedder(vectors(&json!(null))).await;
    let charge = embedder.embed(&texts()).await.unwrap().charge;
    assert!(charge.estimated && charge.cost > Some(Usd::ZERO), "{charge:?}");
    assert_eq!(charge.cost, embedder.estimate_cost(&texts()).max_cost);
    let booked = store.total_in(TimeRange::ALL).await.unwrap();
    assert_eq!(Some(booked), charge.cost);
}

#[tokio::test]
async fn a_budget_refuses_before_anything_is_sent() {
    let (embedder, store, server) = embedder(vectors(&json!(null))).await;
    let cap = budget(Scope::Payer(payer()), Period::Daily, 1);
    store.set_budget(&cap, at(0)).await.unwrap();
    let refused = embedder.embed(&texts()).await.unwrap_err();
    assert_eq!((refused.kind(), server.requests().len()), (ErrorKind::Budget, 0));
}

#[tokio::test]
async fn a_refused_request_is_free_and_a_malformed_response_is_booked_in_full() {
    let (refused, store, _server) = embedder(Answer::json(401, &json!({"error": "no"}))).await;
    refused.embed(&texts()).await.unwrap_err();
    assert_eq!(store.entries(TimeRange::ALL, None).await.unwrap(), []);

    let (malformed, store, _server) = embedder(Answer::json(200, &json!({"data": []}))).await;
    let most = malformed.estimate_cost(&texts()).max_cost;
    malformed.embed(&texts()).await.unwrap_err();
    assert_eq!(Some(store.total_in(TimeRange::ALL).await.unwrap()), most);
}
