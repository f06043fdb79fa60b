//! Questions of servers to a person.

use std::time::{Duration, Instant};

use az_mcp::client::{Answerer, Era, McpClient, ServerAnswer, ServerClient};
use az_mcp::testing::server::Behaviour;
use serde_json::{Map, Value, json};

use crate::support::options;

/// How long the server may be silent.
const LIMIT: Duration = Duration::from_millis(400);

async fn asked(era: Era, answerer: Answerer) -> Value {
    let options = options(Behaviour::AsksPerson).with_era(era).with_answerer(answerer);
    let result =
        ServerClient::new(options).call_tool("ask", Map::new(), Some(LIMIT)).await.unwrap();
    serde_json::from_str(result.content[0].0["text"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_question_is_answered_in_both_eras_and_the_time_of_the_person_does_not_count() {
    for era in [Era::Legacy, Era::Modern] {
        let answerer = Answerer::new(|question| async move {
            assert_eq!((&*question.server, &*question.message), ("test", "Who is greeted?"));
            assert_eq!(question.schema["required"], json!(["name"]));
            let begun = Instant::now();
            while begun.elapsed() < LIMIT + LIMIT / 4 {
                tokio::task::yield_now().await;
            }
            let mut fields = Map::new();
            fields.insert("name".to_owned(), "Ada".into());
            ServerAnswer::Given(fields)
        });
        let expected = json!({"action": "accept", "content": {"name": "Ada"}});
        assert_eq!(asked(era, answerer).await, expected, "{era:?}");
    }
}

#[tokio::test]
async fn a_question_is_declined_where_no_one_can_be_asked() {
    for era in [Era::Legacy, Era::Modern] {
        assert_eq!(asked(era, Answerer::default()).await, json!({"action": "decline"}), "{era:?}");
    }
}
