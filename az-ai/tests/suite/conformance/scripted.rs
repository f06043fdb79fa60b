//! The kit, run against the scripted client.

use std::sync::Mutex;

use async_trait::async_trait;
use az_ai::client::Capabilities;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour, RETRY_AFTER};
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use az_core::{ErrorKind, Usd};
use serde_json::json;

use super::{calling, staged};

#[derive(Debug, Default)]
pub(super) struct Scripted(Mutex<Option<ScriptedClient>>);

#[async_trait]
impl ClientFixture for Scripted {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let usage = Some(Usage::tokens(3, 2));
        let paid = |line: ScriptedReply| line.with_usage(Usage::tokens(3, 2), Usd::from_nanos(5));
        let words = ModelReply::text("two words");
        let mut line = paid(ScriptedReply::text("two words"));
        let (reply, usage) = match behaviour {
            ProviderBehaviour::Replies => (words, usage),
            ProviderBehaviour::RepliesWithoutUsage => {
                line = ScriptedReply::text("two words");
                (words, None)
            }
            ProviderBehaviour::CallsTools => {
                line = paid(ScriptedReply::text("I look."))
                    .with_call("filesystem.read", json!({"path": "é"}))
                    .with_call("filesystem.read", json!({}));
                (calling(), usage)
            }
            ProviderBehaviour::Disconnects => {
                line.cut_after = Some(5);
                (words, usage)
            }
            ProviderBehaviour::RateLimited => {
                line = ScriptedReply::error(ErrorKind::RateLimited, "slow down");
                let millis = u64::try_from(RETRY_AFTER.as_millis()).unwrap();
                line.error.as_mut().unwrap().retry_after_millis = Some(millis);
                (words, usage)
            }
            ProviderBehaviour::DoesNotRespond => {
                line.delay_millis = 3_600_000;
                (words, usage)
            }
            ProviderBehaviour::EndsWith(word) => {
                line.stop = Some(word.to_owned());
                (words, usage)
            }
            ProviderBehaviour::WithoutTools => (words, usage),
            ProviderBehaviour::RejectsKey => return None,
        };
        let mut client = ScriptedClient::new([line]).recording();
        if behaviour == ProviderBehaviour::WithoutTools {
            client = client.with_capabilities(Capabilities::TEXT);
        }
        *self.0.lock().unwrap() = Some(client.clone());
        Some(staged(client, reply, usage))
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        &[("stop", FinishReason::Stop), ("length", FinishReason::Length)]
    }

    async fn requests(&self) -> Option<usize> {
        self.0.lock().unwrap().as_ref().map(|client| client.requests().len())
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn a_script_keeps_the_contract() {
    let report = llm_client(Scripted::default).await;
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
