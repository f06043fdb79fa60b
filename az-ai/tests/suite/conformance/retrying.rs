//! The kit, played through a client that tries again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_ai::decorate::RetryingClient;
use az_ai::resolver::ResolvedModel;
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
use az_core::engine::RetryPolicy;

use super::scripted::Scripted;

/// Tries again at once, and waits for nobody: a rate limit is passed on as it is.
const AT_ONCE: RetryPolicy = RetryPolicy {
    attempts: 3,
    base: Duration::ZERO,
    longest: Duration::ZERO,
    patience: Duration::ZERO,
};

#[derive(Debug, Default)]
struct Retrying(Scripted);

#[async_trait]
impl ClientFixture for Retrying {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let staged = self.0.set(scene).await?;
        let model = ResolvedModel { client: staged.client, model: "m".to_owned() };
        Some(Staged { client: Arc::new(RetryingClient::new(model, AT_ONCE)), ..staged })
    }

    async fn asked(&self) -> Option<usize> {
        self.0.asked().await
    }

    async fn given_up(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn a_client_that_tries_again_keeps_the_contract() {
    let report = llm_client(Retrying::default).await;
    report.assert_passed();
    assert_eq!(
        report.skipped(),
        ["no_key_is_shown", "a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"]
    );
}
