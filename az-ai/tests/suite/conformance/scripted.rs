//! The kit, played with a script.

use std::sync::Mutex;

use async_trait::async_trait;
use az_ai::client::Capabilities;
use az_ai::scripted::{Line, ScriptedClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, PATIENCE, Scene, Staged};
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use az_core::{ErrorKind, Usd};
use serde_json::json;

use super::{calling, staged};

#[derive(Debug, Default)]
pub(super) struct Scripted(Mutex<Option<ScriptedClient>>);

#[async_trait]
impl ClientFixture for Scripted {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let usage = Some(Usage::tokens(3, 2));
        let paid = |line: Line| line.with_usage(Usage::tokens(3, 2), Usd::from_nanos(5));
        let words = ModelReply::text("two words");
        let mut line = paid(Line::text("two words"));
        let (reply, usage) = match scene {
            Scene::Says => (words, usage),
            Scene::SaysNoUsage => {
                line = Line::text("two words");
                (words, None)
            }
            Scene::Calls => {
                line = paid(Line::text("I look."))
                    .with_call("filesystem.read", json!({"path": "é"}))
                    .with_call("filesystem.read", json!({}));
                (calling(), usage)
            }
            Scene::Breaks => {
                line.cut_after = Some(5);
                (words, usage)
            }
            Scene::Busy => {
                line = Line::error(ErrorKind::RateLimited, "slow down");
                let millis = u64::try_from(PATIENCE.as_millis()).unwrap();
                line.error.as_mut().unwrap().retry_after_millis = Some(millis);
                (words, usage)
            }
            Scene::Silent => {
                line.delay_millis = 3_600_000;
                (words, usage)
            }
            Scene::Ends(word) => {
                line.stop = Some(word.to_owned());
                (words, usage)
            }
            Scene::NoTools => (words, usage),
            Scene::BadKey => return None,
        };
        let mut client = ScriptedClient::new([line]).recording();
        if scene == Scene::NoTools {
            client = client.with_capabilities(Capabilities::TEXT);
        }
        *self.0.lock().unwrap() = Some(client.clone());
        Some(staged(client, reply, usage))
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        &[("stop", FinishReason::Stop), ("length", FinishReason::Length)]
    }

    async fn asked(&self) -> Option<usize> {
        self.0.lock().unwrap().as_ref().map(|client| client.requests().len())
    }

    async fn given_up(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn a_script_keeps_the_contract() {
    let report = llm_client(Scripted::default).await;
    report.assert_passed();
    assert_eq!(
        report.skipped(),
        ["no_key_is_shown", "a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"]
    );
}
