//! The kit, run against recordings of scripted replies.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_ai::client::LlmClient;
use az_ai::recording::{Header, RecordedClient, ReplayClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour};
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
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        // A recording of a call without a response has no delay to replay.
        if behaviour == ProviderBehaviour::DoesNotRespond {
            return None;
        }
        let staged = self.inner.client(behaviour).await?;
        let paper = Paper::default();
        let header = Header::of(&*staged.client, &staged.request.model);
        let recorded = RecordedClient::new(staged.client, &header, paper.clone()).unwrap();
        drop(recorded.complete(&staged.request).await);
        recorded.stream(&staged.request).collect::<Vec<_>>().await;
        drop(recorded);
        let client = paper.played();
        *self.client.lock().unwrap() = Some(client.clone());
        Some(ClientCase { client: Arc::new(client), ..staged })
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.inner.finish_words()
    }

    async fn requests(&self) -> Option<usize> {
        self.client.lock().unwrap().as_ref().map(ReplayClient::played)
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn a_recording_keeps_the_contract() {
    let report = llm_client(Replayed::default).await;
    report.assert_passed();
    assert_eq!(
        report.skipped(),
        [
            "no_key_is_shown",
            "a_dropped_call_closes_its_connection",
            "a_dropped_stream_closes_its_connection"
        ]
    );
}
