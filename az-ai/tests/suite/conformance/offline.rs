//! The kit, run against the offline planner.

use async_trait::async_trait;
use az_ai::chat::Message;
use az_ai::offline::OfflineClient;
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour};
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use serde_json::json;

use super::staged;

#[derive(Debug)]
struct Offline;

#[async_trait]
impl ClientFixture for Offline {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let read = || ModelReply::default().with_call("filesystem.read", json!({"path": "a b"}));
        let mut messages = vec![Message::user("read 'a b'")];
        let reply = match behaviour {
            ProviderBehaviour::CallsTools => read(),
            ProviderBehaviour::Replies => {
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

    async fn requests(&self) -> Option<usize> {
        None
    }

    async fn saw_disconnect(&self) -> Option<bool> {
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
            "unreported_usage_is_absent",
            "a_broken_connection_is_an_error_and_not_a_reply",
            "nothing_follows_an_error",
            "a_rate_limit_has_the_requested_wait",
            "a_failed_call_is_not_retried",
            "an_unsupported_request_is_refused_before_it_is_sent",
            "no_key_is_shown",
            "nothing_is_sent_before_a_stream_is_polled",
            "a_dropped_call_closes_its_connection",
            "a_dropped_stream_closes_its_connection",
            "a_learned_fact_holds_for_its_model_only",
            "every_documented_term_has_its_finish_reason",
            "an_unknown_term_is_kept_with_finish_reason_other",
        ]
    );
}
