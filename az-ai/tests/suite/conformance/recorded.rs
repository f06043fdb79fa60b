//! The kit, run against a client that records its exchanges with a simulated server.

use async_trait::async_trait;
use az_ai::recording::{Header, RecordedClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour};
use az_core::journal::FinishReason;

use super::KEY;
use super::openai::ChatCompletions;
use crate::recording::Paper;

#[derive(Debug, Default)]
pub(super) struct Recorded {
    inner: ChatCompletions,
    paper: Paper,
}

#[async_trait]
impl ClientFixture for Recorded {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let staged = self.inner.client(behaviour).await?;
        let header = Header::of(&*staged.client, &staged.request.model);
        let client = RecordedClient::new(staged.client, &header, self.paper.clone()).unwrap();
        Some(ClientCase { client: std::sync::Arc::new(client), ..staged })
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.inner.finish_words()
    }

    async fn requests(&self) -> Option<usize> {
        self.inner.requests().await
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        self.inner.saw_disconnect().await
    }
}

#[tokio::test]
async fn a_client_that_is_recorded_keeps_the_contract() {
    let report = llm_client(Recorded::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}

#[tokio::test]
async fn a_key_in_a_servers_message_is_not_recorded() {
    let recorded = Recorded::default();
    let staged = recorded.client(ProviderBehaviour::RejectsKey).await.unwrap();
    staged.client.complete(&staged.request).await.unwrap_err();
    let text = recorded.paper.text();
    assert!(text.contains("bad key: [key]") && !text.contains(KEY), "{text}");
}
