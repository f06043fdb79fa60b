//! The chat completions client against a simulated server.

use std::time::Duration;

use crate::support::server::{Answer, End, ReceivedRequest, Server};
use az_ai::chat::{Assembler, ChatEvent, ChatReply, ChatRequest, ToolDefinition, collect};
use az_ai::client::{
    Capabilities, Fact, GenerateOptions, LlmClient, LlmClientExt, Parameter, Prepared,
};
use az_ai::error::{Error, Result, Sent};
use az_ai::key::ApiKey;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::network::Network;
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use az_core::ErrorKind;
use az_core::cost::Usage;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

const KEY: &str = "sk-very-secret";

fn client_of(server: &Server, options: &HttpOptions) -> WireClient {
    let config = Endpoint::new("test", &server.url).with_api_key(ApiKey::new(KEY));
    WireClient::new(config, OpenAi::default(), HttpClient::new(options).unwrap()).unwrap()
}

async fn client(answer: Answer) -> (WireClient, Server) {
    let server = Server::start(answer).await;
    (client_of(&server, &HttpOptions::default()), server)
}

fn request() -> ChatRequest {
    let tool = ToolDefinition::new("filesystem.read", "Reads", json!({"type": "object"}));
    ChatRequest::prompt("m", "hi").with_tools(vec![tool])
}

async fn ask(answer: Answer) -> Result<ChatReply> {
    client(answer).await.0.complete(&request()).await
}

async fn stream(answer: Answer) -> Result<ChatReply> {
    let client = client(answer).await.0;
    collect("test", client.stream(&request()), |_| {}).await
}

const STREAM: &str = concat!(
    "data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u{e9}\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",",
    "\"function\":{\"name\":\"filesystem_read\",\"arguments\":\"{\\\"path\\\":\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,",
    "\"function\":{\"arguments\":\"\\\"x\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n"
);

fn check_streamed(reply: &ChatReply) {
    assert_eq!(reply.reply.text, "h\u{e9}");
    assert_eq!(reply.reply.calls[0].name, "filesystem.read");
    assert_eq!(reply.reply.calls[0].arguments, json!({"path": "x"}));
    assert_eq!(reply.usage, Some(Usage::tokens(3, 2)));
    assert_eq!((reply.model.as_str(), reply.request_id.as_deref()), ("m-1", Some("req_7")));
}

#[tokio::test]
async fn a_request_goes_out_with_its_key_and_the_reply_comes_in() {
    let message = json!({"content": "hello"});
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}]});
    let (client, server) = client(Answer::json(200, &body)).await;
    let reply = client.complete(&request()).await.unwrap();
    assert_eq!((reply.reply.text.as_str(), reply.usage), ("hello", None));

    let asked = server.requests();
    assert!(asked[0].head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    assert!(asked[0].head.contains(&format!("authorization: Bearer {KEY}\r\n")));
    assert_eq!(asked[0].body["messages"], json!([{"role": "user", "content": "hi"}]));
    assert_eq!(asked[0].body["tools"][0]["function"]["name"], "filesystem_read");
    assert!(asked[0].body.get("stream").is_none());
}

#[tokio::test]
async fn what_was_learned_about_a_model_changes_the_body_of_its_requests() {
    let (client, server) = client(Answer::stream(STREAM, End::Proper)).await;
    client.learn("m", Fact::Rejects(Parameter::StreamOptions));
    client.learn("m", Fact::Rejects(Parameter::Temperature));
    for model in ["m", "other"] {
        let request = ChatRequest { model: model.to_owned(), ..request() };
        collect("test", client.stream(&request), |_| {}).await.unwrap();
    }
    let fields = ["stream", "stream_options", "temperature"];
    let has = |sent: &ReceivedRequest| fields.map(|field| sent.body.get(field).is_some());
    let sent: Vec<_> = server.requests().iter().map(has).collect();
    assert_eq!(sent, [[true, false, false], [true; 3]]);
}

#[tokio::test]
async fn a_stream_is_read_however_it_is_split() {
    for size in [1, 2, 7, 64, STREAM.len()] {
        let pieces = STREAM.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let (client, server) = client(Answer::Stream { pieces, end: End::Proper }).await;
        let events: Vec<_> = client.stream(&request()).try_collect().await.unwrap();
        let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("{events:?}") };
        check_streamed(reply);
        assert_eq!(server.requests()[0].body["stream_options"], json!({"include_usage": true}));
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_is_an_error_and_nothing_follows_it() {
    for cut in [0, 20, STREAM.find("finish_reason").unwrap()] {
        for end in [End::Proper, End::Cut] {
            let (client, _server) = client(Answer::stream(&STREAM[..cut], end)).await;
            let mut events: Vec<_> = client.stream(&request()).collect().await;
            let last = events.pop().unwrap().unwrap_err();
            assert_eq!(last.sent(), Sent::Maybe);
            assert!(last.is_retryable(), "{last}");
            let proper = matches!(last.unmetered(), Error::Truncated { .. });
            assert!(proper || matches!(last.unmetered(), Error::Broken { .. }), "{last}");
            assert!(proper || end == End::Cut);
            assert!(events.iter().all(|event| {
                event.as_ref().is_ok_and(|event| !matches!(event, ChatEvent::Finished(_)))
            }));
        }
    }
    check_streamed(&stream(Answer::stream(STREAM, End::Cut)).await.unwrap());
}

/// Servers cut a stream's pieces between the halves of a character, and models write one alone.
#[tokio::test]
async fn halves_of_characters_are_joined_across_pieces_or_replaced() {
    let body = [
        r#"{"choices":[{"delta":{"content":"hi \ud83d"}}]}"#,
        r#"{"choices":[{"delta":{"content":"\ude00 and \ud83d"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"t","arguments":"{\"x\":\"\\ud83d\",\"y\":\"\ud83d"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ude00\"}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ];
    let body: String = body.iter().map(|data| format!("data: {data}\n\n")).collect();
    let client = client(Answer::stream(body, End::Proper)).await.0;
    let mut seen = Assembler::default();
    let reply = collect("test", client.stream(&request()), |event| seen.add(event)).await.unwrap();
    assert_eq!(reply.reply.text, "hi 😀 and \u{fffd}");
    assert_eq!(reply.reply.calls[0].arguments, json!({"x": "\u{fffd}", "y": "😀"}));
    assert_eq!(seen.text(), reply.reply.text);

    let whole = r#"{"choices":[{"message":{"content":"lone \ud83d"},"finish_reason":"stop"}]}"#;
    let whole = Answer::Whole { status: 200, headers: Vec::new(), body: whole.as_bytes().to_vec() };
    assert_eq!(ask(whole).await.unwrap().reply.text, "lone \u{fffd}");
}

/// A stream that is cut off after its finish reason is complete if its body ends properly.
#[tokio::test]
async fn a_finish_reason_and_the_end_of_the_body_complete_a_reply() {
    let usage = STREAM.find("data: {\"choices\":[],\"usage\"").unwrap();
    let done = STREAM.find("data: [DONE]").unwrap();
    for (cut, known) in [(usage, false), (usage + 12, false), (done, true), (done + 9, true)] {
        let reply = stream(Answer::stream(&STREAM[..cut], End::Proper)).await.unwrap();
        assert_eq!(reply.reply.calls[0].arguments, json!({"path": "x"}));
        assert_eq!(reply.usage, known.then(|| Usage::tokens(3, 2)), "{cut}");
        let broken = stream(Answer::stream(&STREAM[..cut], End::Cut)).await.unwrap_err();
        assert!(matches!(broken.unmetered(), Error::Broken { .. }), "{broken}");
    }
}

/// Heartbeats keep the connection open. They do not extend the wait.
#[tokio::test]
async fn a_stream_of_heartbeats_ends_after_the_finish_reason_or_the_limit_of_events() {
    let usage = STREAM.find("data: {\"choices\":[],\"usage\"").unwrap();
    let limit = Duration::from_millis(300);
    let options = HttpOptions { event_timeout: limit, end_wait: limit, ..HttpOptions::default() };
    let heartbeats = |head: &str| Answer::Heartbeats { head: head.as_bytes().to_vec() };
    let server = Server::start(heartbeats(&STREAM[..usage])).await;
    let events = client_of(&server, &options).stream(&request());
    assert_eq!(collect("test", events, |_| {}).await.unwrap().reply.calls.len(), 1);

    let server = Server::start(heartbeats(&STREAM[..STREAM.find("\n\n").unwrap() + 2])).await;
    let events = client_of(&server, &options).stream(&request());
    let error = collect("test", events, |_| {}).await.unwrap_err();
    let expected = "the connection to test broke: nothing but heartbeats came for 300ms; the \
                    setting llm.timeouts.event_seconds allows more, and so does \
                    event_seconds of the provider's entry";
    assert_eq!(error.chain(), expected);
}

#[tokio::test]
async fn every_time_limit_is_reported_with_its_setting() {
    let limit = Duration::from_millis(50);
    let defaults = HttpOptions::default;
    let silent = Server::start(Answer::Silence).await;
    let open = Server::start(Answer::stream(": hello\n\n", End::Open)).await;
    let heartbeats = Server::start(Answer::Heartbeats { head: Vec::new() }).await;
    for (server, options, setting) in [
        (&silent, HttpOptions { first_byte_timeout: limit, ..defaults() }, "first_byte_seconds"),
        (&open, HttpOptions { idle_timeout: limit, ..defaults() }, "idle_seconds"),
        (&heartbeats, HttpOptions { event_timeout: limit, ..defaults() }, "event_seconds"),
        (&heartbeats, HttpOptions { total_timeout: limit, ..defaults() }, "total_seconds"),
    ] {
        let events = client_of(server, &options).stream(&request());
        let error = collect("test", events, |_| {}).await.unwrap_err();
        assert!(error.chain().contains(&format!("llm.timeouts.{setting} ")), "{}", error.chain());
        assert!(error.is_retryable() && error.sent() == Sent::Maybe);
    }
}

/// The hold is not charged in full when the usage is known.
#[tokio::test]
async fn usage_that_was_reported_before_a_failure_is_charged() {
    let refused = "data: {\"error\":{\"message\":\"gone\",\"code\":503}}";
    let cut = STREAM.replace("data: [DONE]", refused);
    let body = json!({
        "choices": [{"message": {"content": "h"}, "finish_reason": "content_filter"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3},
    });
    let streamed = stream(Answer::stream(cut, End::Proper)).await.unwrap_err();
    let filtered = ask(Answer::json(200, &body)).await.unwrap_err();
    for error in [streamed, filtered] {
        let Error::Metered(metered) = error else { panic!("{error:?}") };
        assert!([10, 3].contains(&metered.charge.usage.input), "{metered:?}");
        assert!(!metered.charge.estimated && metered.charge.usage.output > 0, "{metered:?}");
    }
}

#[tokio::test]
async fn a_rate_limit_has_its_wait_and_is_not_retried() {
    let body = json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}});
    let busy =
        Answer::json(429, &body).with_header("retry-after", "3").with_header("x-request-id", "r1");
    let (client, server) = client(busy).await;
    let error = client.complete(&request()).await.unwrap_err();
    assert_eq!(error.to_string(), "test: slow down (status 429, request r1)");
    assert_eq!(
        (error.kind(), error.retry_after(), error.sent()),
        (ErrorKind::RateLimited, Some(Duration::from_secs(3)), Sent::No)
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn every_form_of_refusal_has_the_servers_message_without_the_key() {
    let said = format!("bad key {KEY}");
    for body in [
        json!({"error": {"message": said, "type": "invalid_request_error"}}),
        json!({"error": said}),
        json!({"detail": said}),
        json!({"message": said}),
        json!({"object": "error", "message": said}),
        json!({"code": said, "error": said}),
    ] {
        for status in [400, 401] {
            let error = ask(Answer::json(status, &body)).await.unwrap_err();
            assert_eq!(error.to_string(), format!("test: bad key [key] (status {status})"));
            assert!(!error.is_retryable() && error.sent() == Sent::No);
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
        }
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_error() {
    let body = format!(
        "{}data: {}\n\n",
        &STREAM[..STREAM.find("\n\n").unwrap() + 2],
        json!({
            "error": {"message": format!("overloaded, {KEY}"), "code": 503}
        })
    );
    let error = stream(Answer::stream(body, End::Proper)).await.unwrap_err();
    assert_eq!(error.to_string(), "test: overloaded, [key] (request req_7)");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
}

#[tokio::test]
async fn garbage_is_malformed() {
    for body in ["", "{\"choices\": [", "null", "{\"choices\": []}"] {
        let headers = Vec::new();
        let answer = Answer::Whole { status: 200, headers, body: body.as_bytes().to_vec() };
        let error = ask(answer).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{body:?}: {error}");
        assert_eq!(error.sent(), Sent::Maybe);
    }
}

#[tokio::test]
async fn a_web_page_is_not_asked_for_again() {
    let page = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>";
    let message = "test: the response is a web page, `Log in` instead of a reply; check the base URL, and \
                   whether a proxy or a login page is in between";
    let whole = || Answer::Whole { status: 200, headers: Vec::new(), body: page.to_vec() };
    for error in [ask(whole()).await.unwrap_err(), stream(whole()).await.unwrap_err()] {
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, message));
        assert_eq!(error.sent(), Sent::No, "no model has answered");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let away = Answer::json(307, &Value::Null)
        .with_header("location", "http://u:canary@127.0.0.1:9/steal?key=canary");
    let error = ask(away).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Config, Sent::No));
    let message = "test: redirects to http://127.0.0.1:9/steal; a request is not sent to an address that \
                   is not configured: set the provider's base URL to the one that answers (status 307)";
    assert_eq!(error.to_string(), message);
}

#[tokio::test]
async fn an_unreachable_server_costs_nothing() {
    let config = Endpoint::new("test", "http://127.0.0.1:1/v1/");
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let client = WireClient::new(config, OpenAi::default(), http).unwrap();
    let error = client.generate("hi", "m", &GenerateOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    let expected = "the server at http://127.0.0.1:1 cannot be reached: nothing listens there";
    assert!(error.chain().starts_with(expected), "{}", error.chain());
}

#[tokio::test]
async fn a_server_that_was_not_reached_is_asked_about_its_models_when_it_runs() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let endpoint = Endpoint::new("test", format!("http://{address}/v1")).describing_models();
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let client = WireClient::new(endpoint, OpenAi::default(), http).unwrap();
    assert_eq!(client.prepare("m").await, Prepared::READY);
    let list = json!({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 4096}]});
    let server = Server::start_at(&address, move |_| Answer::json(200, &list)).await;
    assert_eq!(client.prepare("m").await, Prepared::Ready(vec![Fact::ContextWindow(4_096)]));
    assert_eq!(client.prepare("m").await, Prepared::READY);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_respond_times_out() {
    let server = Server::start(Answer::Silence).await;
    let first_byte_timeout = Duration::from_millis(50);
    let options = HttpOptions { first_byte_timeout, ..HttpOptions::default() };
    let error = client_of(&server, &options).complete(&request()).await.unwrap_err();
    let expected = "the connection to test broke: no response came for 50ms; the setting \
                    llm.timeouts.first_byte_seconds allows more, and so does \
                    first_byte_seconds of the provider's entry";
    assert_eq!(error.chain(), expected);
    assert_eq!(error.sent(), Sent::Maybe);
    assert!(server.saw_disconnect().await);
}

#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let server = Server::start(Answer::Silence).await;
    let mut stream = client_of(&server, &HttpOptions::default()).stream(&request());
    let received = async {
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        event = stream.next() => panic!("nothing comes, not {event:?}"),
        () = received => {}
    }
    drop(stream);
    assert!(server.saw_disconnect().await);
}

#[tokio::test]
async fn a_complete_response_is_accepted_in_place_of_a_stream() {
    let body = json!({"choices": [{"message": {"content": "two words"}}]});
    let server = Server::start(Answer::json(200, &body)).await;
    let config = Endpoint::new("test", &server.url)
        .with_capabilities(Capabilities::FULL.without_streaming());
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let client = WireClient::new(config, OpenAi::default(), http).unwrap();
    let texts: Vec<String> =
        client.stream_generate("hi", "m", &GenerateOptions::default()).try_collect().await.unwrap();
    assert_eq!(texts, ["two ", "words"]);
    assert!(!server.requests()[0].head.contains("authorization"));
}

#[tokio::test]
async fn invalid_settings_are_refused() {
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let nowhere =
        WireClient::new(Endpoint::new("test", "localhost"), OpenAi::default(), http.clone());
    assert!(matches!(nowhere, Err(Error::Setup { .. })));
    let config = Endpoint::new("test", OpenAi::BASE_URL).with_api_key(ApiKey::new("bad\nkey"));
    let error = WireClient::new(config, OpenAi::default(), http)
        .unwrap()
        .generate("hi", "m", &GenerateOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Setup { .. }), "{error}");
    let network = Network::default().with_http_proxy("http://u:hush@\n", "$HTTP_PROXY");
    let options = HttpOptions { network, ..HttpOptions::default() };
    assert!(!format!("{options:?}").contains("hush"));
    assert!(matches!(HttpClient::new(&options), Err(error) if !error.chain().contains("hush")));
}
