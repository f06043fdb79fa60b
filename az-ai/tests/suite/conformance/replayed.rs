//! The kit, played with recordings of a script.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_ai::client::LlmClient;
use az_ai::recording::{Header, RecordedClient, ReplayClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
use az_core::journal::FinishReason;
use futures_util::StreamExt;

use super::scripted::Scripted;
use crate::recording::Paper;

#[derive(Debug, Default)]
pub(super) struct Replayed {
    inner: Scripted,
    client: Mutex<Option<ReplayClient>>,
}

#[async_trait]
impl ClientFixture for Replayed {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        // There is nothing to wait for in a recording of a silence.
        if scene == Scene::Silent {
            return None;
        }
        let staged = self.inner.set(scene).await?;
        let paper = Paper::default();
        let header = Header::of(&*staged.client, &staged.request.model);
        let recorded = RecordedClient::new(staged.client, &header, paper.clone()).unwrap();
        drop(recorded.complete(&staged.request).await);
        recorded.stream(&staged.request).collect::<Vec<_>>().await;
        drop(recorded);
        let client = paper.played();
        *self.client.lock().unwrap() = Some(client.clone());
        Some(Staged { client: Arc::new(client), ..staged })
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.inner.finish_words()
    }

    async fn asked(&self) -> Option<usize> {
        self.client.lock().unwrap().as_ref().map(ReplayClient::played)
    }

    async fn given_up(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn a_recording_keeps_the_contract() {
    let report = llm_client(Replayed::default).await;
    report.assert_passed();
    assert_eq!(
        report.skipped(),
        ["no_key_is_shown", "a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"]
    );
}
