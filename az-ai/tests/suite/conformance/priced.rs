//! The kit, played with a client that prices another's calls.

use std::sync::Arc;

use async_trait::async_trait;
use az_ai::pricing::{PriceBook, PricedClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
use az_core::clock::ManualClock;
use az_core::journal::FinishReason;

use super::openai::ChatCompletions;

#[derive(Debug, Default)]
struct Priced(ChatCompletions);

#[async_trait]
impl ClientFixture for Priced {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let mut staged = self.0.set(scene).await?;
        // Two prices that are known, so that what a call costs can be held against its quote.
        let prices = "[[price]]\nprovider = \"test\"\nmodel = \"m\"\ncost_per_token = 0.000001\n";
        let book = PriceBook::bundled().with_overrides(prices, "prices.toml").unwrap();
        let clock = Arc::new(ManualClock::default());
        staged.client = Arc::new(PricedClient::new(staged.client, book, "test", clock));
        Some(staged)
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.0.finish_words()
    }

    async fn asked(&self) -> Option<usize> {
        self.0.asked().await
    }

    async fn given_up(&self) -> Option<bool> {
        self.0.given_up().await
    }
}

#[tokio::test]
async fn a_client_that_prices_calls_keeps_the_contract() {
    let report = llm_client(Priced::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
