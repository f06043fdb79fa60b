//! The kit, run against a client that prices another's calls.

use std::sync::Arc;

use async_trait::async_trait;
use az_ai::pricing::{PriceBook, PricedClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour};
use az_core::clock::ManualClock;
use az_core::journal::FinishReason;

use super::openai::ChatCompletions;

#[derive(Debug, Default)]
struct Priced(ChatCompletions);

#[async_trait]
impl ClientFixture for Priced {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let mut staged = self.0.client(behaviour).await?;
        // A model with a known price, so that costs can be compared with the estimate.
        let prices = "[[price]]\nprovider = \"test\"\nmodel = \"m\"\ncost_per_token = 0.000001\n";
        let book = PriceBook::bundled().with_overrides(prices, "prices.toml").unwrap();
        let clock = Arc::new(ManualClock::default());
        staged.client = Arc::new(PricedClient::new(staged.client, book, "test", clock));
        Some(staged)
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.0.finish_words()
    }

    async fn requests(&self) -> Option<usize> {
        self.0.requests().await
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        self.0.saw_disconnect().await
    }
}

#[tokio::test]
async fn a_client_that_prices_calls_keeps_the_contract() {
    let report = llm_client(Priced::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
