//! The kit, played with a client in front of a server whose exchanges are recorded.

use async_trait::async_trait;
use az_ai::recording::{Header, RecordedClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
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
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let staged = self.inner.set(scene).await?;
        let header = Header::of(&*staged.client, &staged.request.model);
        let client = RecordedClient::new(staged.client, &header, self.paper.clone()).unwrap();
        Some(Staged { client: std::sync::Arc::new(client), ..staged })
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.inner.finish_words()
    }

    async fn asked(&self) -> Option<usize> {
        self.inner.asked().await
    }

    async fn given_up(&self) -> Option<bool> {
        self.inner.given_up().await
    }
}

#[tokio::test]
async fn a_client_that_is_recorded_keeps_the_contract() {
    let report = llm_client(Recorded::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}

#[tokio::test]
async fn no_key_is_recorded_though_the_server_says_it_back() {
    let recorded = Recorded::default();
    let staged = recorded.set(Scene::BadKey).await.unwrap();
    staged.client.complete(&staged.request).await.unwrap_err();
    let text = recorded.paper.text();
    assert!(text.contains("bad key: [key]") && !text.contains(KEY), "{text}");
}
