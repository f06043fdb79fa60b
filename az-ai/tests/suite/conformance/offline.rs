//! The kit, played with the offline planner.

use async_trait::async_trait;
use az_ai::chat::Message;
use az_ai::offline::OfflineClient;
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, Scene, Staged};
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use serde_json::json;

use super::staged;

#[derive(Debug)]
struct Offline;

#[async_trait]
impl ClientFixture for Offline {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let read = || ModelReply::default().with_call("filesystem.read", json!({"path": "a b"}));
        let mut messages = vec![Message::user("read 'a b'")];
        let reply = match scene {
            Scene::Calls => read(),
            Scene::Says => {
                messages.push(Message::assistant(read()));
                messages.push(Message::tool("call_1", "filesystem.read", "A\nB"));
                ModelReply::text("1. read a b: 2 lines\n\nA\nB")
            }
            _ => return None,
        };
        let mut staged = staged(OfflineClient::new(), reply, Some(Usage::default()));
        staged.request.messages = messages;
        Some(staged)
    }

    async fn asked(&self) -> Option<usize> {
        None
    }

    async fn given_up(&self) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn the_offline_planner_keeps_the_contract() {
    let report = llm_client(|| Offline).await;
    report.assert_passed();
    assert_eq!(
        report.skipped(),
        [
            "usage_that_was_not_said_is_not_invented",
            "what_breaks_is_an_error_and_no_reply",
            "nothing_follows_an_error",
            "a_busy_provider_asks_for_patience",
            "a_failed_call_is_not_made_again",
            "what_a_model_cannot_do_is_refused",
            "no_key_is_shown",
            "nothing_is_sent_before_a_stream_is_read",
            "a_dropped_call_is_given_up",
            "a_dropped_stream_is_given_up",
            "every_word_for_the_end_of_a_reply_has_its_reason",
            "an_unknown_word_for_the_end_of_a_reply_is_kept",
        ]
    );
}
