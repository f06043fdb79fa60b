//! The kit, run against the dispatcher as a client: without an account, and with a key as payer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_ai::dispatch::DispatchClient;
use az_ai::resolver::ResolvedModel;
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour};
use az_core::call::{PayerAccount, RetryPolicy};
use az_core::clock::ManualClock;
use az_core::journal::FinishReason;
use az_core::memory::MemoryStore;
use az_core::testing::sample::at;

use super::scripted::Scripted;

/// Does not wait for retries: a rate limit is passed on.
const AT_ONCE: RetryPolicy = RetryPolicy {
    attempts: 3,
    base: Duration::ZERO,
    longest: Duration::ZERO,
    patience: Duration::ZERO,
};

const SKIPPED: &[&str] = &[
    "no_key_is_shown",
    "a_dropped_call_closes_its_connection",
    "a_dropped_stream_closes_its_connection",
    "a_learned_fact_holds_for_its_model_only",
];

/// The scripted client behind a dispatcher.
#[derive(Debug)]
struct Dispatched {
    script: Scripted,
    wrap: fn(DispatchClient) -> DispatchClient,
}

#[async_trait]
impl ClientFixture for Dispatched {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let staged = self.script.client(behaviour).await?;
        let model = ResolvedModel::new(staged.client, "m");
        let client = (self.wrap)(DispatchClient::of_candidates(model, Vec::new()));
        Some(ClientCase { client: Arc::new(client), ..staged })
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.script.finish_words()
    }

    async fn requests(&self) -> Option<usize> {
        self.script.requests().await
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        None
    }
}

async fn check(wrap: fn(DispatchClient) -> DispatchClient) {
    let fixture = || Dispatched { script: Scripted::default(), wrap };
    let report = llm_client(fixture).await;
    report.assert_passed();
    assert_eq!(report.skipped(), SKIPPED);
}

#[tokio::test]
async fn a_dispatcher_without_a_payer_keeps_the_contract() {
    check(|client| client.with_retry(AT_ONCE, 0)).await;
}

#[tokio::test]
async fn a_dispatcher_with_a_payer_keeps_the_contract() {
    check(|client| {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(at(0))));
        let payer = "key:test".parse().unwrap();
        let account = PayerAccount::new(store, clock, payer, "c").unwrap();
        client.paid_by(account.with_retry(RetryPolicy::never()))
    })
    .await;
}
