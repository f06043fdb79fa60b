//! The kit, played with the chat completions client in front of a server.

use std::sync::Mutex;

use async_trait::async_trait;
use az_ai::client::Capabilities;
use az_ai::key::ApiKey;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, PATIENCE, Scene, Staged};
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use serde_json::{Value, json};

use super::{KEY, calling, staged};
use crate::support::server::{Answer, End, Server};

/// A server that answers both kinds of request: whole first, or streamed first.
#[derive(Debug, Default)]
pub(super) struct ChatCompletions(Mutex<Option<Server>>);

fn whole(message: &Value, usage: &Value) -> Value {
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    json!({"model": "m", "choices": [choice], "usage": usage})
}

/// Turns a whole reply into a stream of small pieces.
fn pieces(whole: &Value) -> String {
    let message = &whole["choices"][0]["message"];
    let mut deltas = Vec::new();
    for word in message["content"].as_str().unwrap_or_default().split_inclusive(' ') {
        deltas.push(json!({"content": word}));
    }
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let mut call = call.clone();
        call["index"] = json!(index);
        let arguments = call["function"]["arguments"].take();
        deltas.push(json!({"tool_calls": [call]}));
        for piece in arguments.as_str().unwrap().chars() {
            let function = json!({"arguments": piece});
            deltas.push(json!({"tool_calls": [{"index": index, "function": function}]}));
        }
    }
    let chunk = |delta: &Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let mut chunks: Vec<Value> = deltas.iter().map(chunk).collect();
    chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    if !whole["usage"].is_null() {
        chunks.push(json!({"choices": [], "usage": whole["usage"]}));
    }
    let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    lines.collect::<String>() + "data: [DONE]\n\n"
}

#[async_trait]
impl ClientFixture for ChatCompletions {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let said = json!({"prompt_tokens": 3, "completion_tokens": 2});
        let words = json!({"content": "two words"});
        let call = |id: &str, arguments: &str| {
            let function = json!({"name": "filesystem_read", "arguments": arguments});
            json!({"id": id, "type": "function", "function": function})
        };
        let calls = json!([call("a", "{\"path\":\"é\"}"), call("b", "{}")]);
        let body = match scene {
            Scene::SaysNoUsage => whole(&words, &Value::Null),
            Scene::Calls => whole(&json!({"content": "I look.", "tool_calls": calls}), &said),
            _ => whole(&words, &said),
        };
        let busy = json!({"error": {"message": "slow down"}});
        let secret = json!({"error": {"message": format!("bad key: {KEY}"), "code": KEY}});
        let half = |text: &str| Answer::stream(&text[..text.len() / 2], End::Cut);
        let (whole, stream) = match scene {
            Scene::Silent => (Answer::Silence, Answer::Silence),
            Scene::Busy => {
                let seconds = PATIENCE.as_secs().to_string();
                let busy = Answer::json(429, &busy).with_header("retry-after", &seconds);
                (busy.clone(), busy)
            }
            Scene::BadKey => (Answer::json(401, &secret), Answer::json(400, &secret)),
            Scene::Breaks => (half(&body.to_string()), half(&pieces(&body))),
            _ => (Answer::json(200, &body), Answer::stream(pieces(&body), End::Proper)),
        };
        let server = Server::start_either(whole, stream).await;
        let mut config = Endpoint::new("test", &server.url);
        config.api_key = Some(ApiKey::new(KEY));
        if scene == Scene::NoTools {
            config.capabilities = Capabilities::FULL.without_tools();
        }
        *self.0.lock().unwrap() = Some(server);
        let http = HttpClient::new(&HttpOptions::default()).unwrap();
        let client = WireClient::new(config, OpenAi::default(), http).unwrap();
        let reply = match scene {
            Scene::Calls => calling(),
            _ => ModelReply::text("two words"),
        };
        let usage = (scene != Scene::SaysNoUsage).then(|| Usage::tokens(3, 2));
        let mut staged = staged(client, reply, usage);
        staged.secret = Some(KEY.to_owned());
        Some(staged)
    }

    async fn asked(&self) -> Option<usize> {
        self.0.lock().unwrap().as_ref().map(|server| server.asked().len())
    }

    async fn given_up(&self) -> Option<bool> {
        let server = self.0.lock().unwrap().clone()?;
        Some(server.given_up().await)
    }
}

#[tokio::test]
async fn chat_completions_keep_the_contract() {
    let report = llm_client(ChatCompletions::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
