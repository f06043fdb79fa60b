//! The kit, run against the dispatcher as a client: without books, and paid by a key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_ai::dispatch::DispatchClient;
use az_ai::resolver::ResolvedModel;
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
use az_core::call::{PayerAccount, RetryPolicy};
use az_core::clock::ManualClock;
use az_core::journal::FinishReason;
use az_core::memory::MemoryStore;
use az_core::testing::sample::at;

use super::scripted::Scripted;

/// Retries at once, and never waits: a rate limit is passed on.
const AT_ONCE: RetryPolicy = RetryPolicy {
    attempts: 3,
    base: Duration::ZERO,
    longest: Duration::ZERO,
    patience: Duration::ZERO,
};

const SKIPPED: &[&str] =
    &["no_key_is_shown", "a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"];

/// The scripted client behind a dispatcher.
#[derive(Debug)]
struct Dispatched {
    script: Scripted,
    wrap: fn(DispatchClient) -> DispatchClient,
}

#[async_trait]
impl ClientFixture for Dispatched {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let staged = self.script.set(scene).await?;
        let model = ResolvedModel::new(staged.client, "m");
        let client = (self.wrap)(DispatchClient::of_candidates(model, Vec::new()));
        Some(Staged { client: Arc::new(client), ..staged })
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.script.finish_words()
    }

    async fn asked(&self) -> Option<usize> {
        self.script.asked().await
    }

    async fn given_up(&self) -> Option<bool> {
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
async fn a_dispatcher_without_books_keeps_the_contract() {
    check(|client| client.with_retry(AT_ONCE, 0)).await;
}

#[tokio::test]
async fn a_dispatcher_that_is_paid_for_keeps_the_contract() {
    check(|client| {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(at(0))));
        let payer = "key:test".parse().unwrap();
        let account = PayerAccount::new(store, clock, payer, "c").unwrap();
        client.paid_by(account.with_retry(RetryPolicy::never()))
    })
    .await;
}
