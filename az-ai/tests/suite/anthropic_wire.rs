//! Anthropic's client against a simulated server.

use std::time::Duration;

use az_ai::chat::{ChatRequest, RateLimits, collect};
use az_ai::client::LlmClient;
use az_ai::error::{Error, Sent};
use az_ai::key::ApiKey;
use az_ai::provider::anthropic::Anthropic;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::{Endpoint, WireClient};
use az_core::ErrorKind;
use serde_json::{Value, json};

use crate::support::server::{Answer, End, ReceivedRequest, Server};

const KEY: &str = "sk-ant-very-secret";

async fn client(answer: Answer) -> (WireClient, Server) {
    let server = Server::start(answer).await;
    let base = server.url.trim_end_matches("/v1");
    let endpoint = Endpoint::new("anthropic", base).with_api_key(ApiKey::new(KEY));
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    (WireClient::new(endpoint, Anthropic, http).unwrap(), server)
}

async fn refused(answer: Answer) -> Error {
    client(answer).await.0.complete(&request()).await.unwrap_err()
}

fn request() -> ChatRequest {
    ChatRequest::prompt("claude-haiku-4-5", "hi")
}

fn error(code: &str, message: &str) -> Value {
    let error = json!({"type": code, "message": message});
    json!({"type": "error", "request_id": "req_in_body", "error": error})
}

fn has_header(asked: &ReceivedRequest, header: &str) -> bool {
    asked.head.lines().any(|line| line == header)
}

#[tokio::test]
async fn a_request_goes_out_with_its_key_and_version_and_the_reply_comes_in() {
    let body = json!({
        "id": "msg_1", "model": "claude-haiku-4-5-20251001", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "hello"}],
    });
    let answer = Answer::json(200, &body)
        .with_header("request-id", "req_1")
        .with_header("date", "Wed, 21 Oct 2026 07:27:30 GMT")
        .with_header("anthropic-ratelimit-requests-remaining", "9")
        .with_header("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:00Z");
    let (client, server) = client(answer).await;
    let reply = client.complete(&request()).await.unwrap();
    assert_eq!((reply.reply.text.as_str(), reply.usage), ("hello", None));
    assert_eq!(reply.model, "claude-haiku-4-5-20251001");
    assert_eq!(reply.request_id.as_deref(), Some("req_1"));
    let limits = RateLimits {
        requests_left: Some(9),
        requests_reset: Some(Duration::from_secs(30)),
        ..RateLimits::default()
    };
    assert_eq!(reply.limits, limits);

    let asked = &server.requests()[0];
    assert!(asked.head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", asked.head);
    assert!(has_header(asked, &format!("x-api-key: {KEY}")));
    assert!(has_header(asked, "anthropic-version: 2023-06-01"));
    assert!(!asked.head.contains("authorization"));
    let message = json!({"role": "user", "content": [{"type": "text", "text": "hi"}]});
    let expected = json!({
        "model": "claude-haiku-4-5", "max_tokens": 2048, "temperature": 0.7, "messages": [message],
    });
    assert_eq!(asked.body, expected);
}

#[tokio::test]
async fn a_rate_limit_and_a_spent_account_are_distinguished() {
    let busy = Answer::json(429, &error("rate_limit_error", "slow down"));
    let busy = refused(busy.with_header("retry-after", "3")).await;
    assert_eq!(busy.to_string(), "anthropic: slow down (status 429, request req_in_body)");
    assert_eq!(
        (busy.kind(), busy.retry_after(), busy.sent()),
        (ErrorKind::RateLimited, Some(Duration::from_secs(3)), Sent::No)
    );
    let mut spent = error("rate_limit_error", "your account is used up");
    spent["error"]["details"] = json!({"error_code": "enforced_spend_limit_reached"});
    let spent = refused(Answer::json(429, &spent)).await;
    assert_eq!((spent.kind(), spent.is_retryable()), (ErrorKind::Unauthorized, false));

    let overloaded = refused(Answer::json(529, &error("overloaded_error", "Overloaded"))).await;
    assert_eq!((overloaded.kind(), overloaded.is_retryable()), (ErrorKind::Unavailable, true));
    let key = Answer::json(401, &error("authentication_error", &format!("bad key {KEY}")));
    let key = refused(key.with_header("request-id", "req_2")).await;
    assert_eq!(key.to_string(), "anthropic: bad key [key] (status 401, request req_2)");
    assert_eq!(key.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn an_error_after_the_head_of_a_stream_is_an_error() {
    let stream = format!(
        "event: message_start\ndata: {}\n\nevent: error\ndata: {}\n\n",
        json!({"type": "message_start", "message": {"id": "msg_1"}}),
        error("overloaded_error", &format!("Overloaded, {KEY}")),
    );
    let client = client(Answer::stream(stream, End::Proper)).await.0;
    let error = collect("anthropic", client.stream(&request()), |_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "anthropic: Overloaded, [key] (request req_7)");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
}

#[tokio::test]
async fn models_are_listed_in_one_page() {
    let model = |id: &str| json!({"type": "model", "id": id, "display_name": "M"});
    let list = json!({"data": [model("b"), model("a")], "has_more": false});
    let (client, server) = client(Answer::json(200, &list)).await;
    let models = client.models().await.unwrap();
    let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    let asked = &server.requests()[0];
    assert!(asked.head.starts_with("GET /v1/models?limit=1000 HTTP/1.1\r\n"), "{}", asked.head);
    assert!(has_header(asked, "anthropic-version: 2023-06-01"));
}
