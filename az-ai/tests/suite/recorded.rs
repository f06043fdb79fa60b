//! Every recorded exchange over chat completions, played to the real client.
//!
//! The recordings are not part of the project. Where the environment says that they are
//! (`AZ_RECORDED`, a folder), each is replayed; elsewhere this test says that it was skipped.

use std::path::Path;

use crate::support::server::{Answer, End, Server};
use az_ai::chat::{Assembler, ChatEvent, ChatReply, ChatRequest, Ending, ToolDefinition};
use az_ai::client::LlmClient;
use az_ai::error::Error;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::Value;

const PROVIDERS: &[&str] = &["openai", "deepseek", "groq", "mistral", "openrouter", "llamacpp"];

#[derive(Debug, Deserialize)]
struct Exchange {
    name: String,
    path: String,
    request: String,
    status: u16,
    content_type: String,
    response: String,
}

#[expect(clippy::disallowed_methods, reason = "the recordings lie outside of the project")]
fn recorded(provider: &str) -> Option<Vec<Exchange>> {
    let folder = std::env::var("AZ_RECORDED").ok()?;
    let file = Path::new(&folder).join(format!("{provider}.jsonl"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let all = text.lines().map(|line| serde_json::from_str::<Exchange>(line).unwrap());
    Some(all.filter(|exchange| exchange.path.ends_with("/chat/completions")).collect())
}

/// Returns a request with the tools of the recorded one: their names are mapped back.
fn request(exchange: &Exchange) -> ChatRequest {
    let sent: Value = serde_json::from_str(&exchange.request).unwrap_or_default();
    let tools = sent["tools"].as_array().into_iter().flatten().filter_map(|tool| {
        let name = tool.pointer("/function/name")?.as_str()?.to_owned();
        Some(ToolDefinition { name, description: String::new(), schema: Value::Null })
    });
    ChatRequest::prompt("m", "as recorded").with_tools(tools.collect())
}

async fn client(answer: Answer) -> WireClient {
    let server = Server::start(answer).await;
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    WireClient::new(Endpoint::new("test", &server.url), OpenAi::default(), http).unwrap()
}

/// Checks what was understood against what the recording says, read in the plainest way.
fn check(exchange: &Exchange, reply: &ChatReply, chunks: &[Value]) {
    let name = &exchange.name;
    let first = |choice: &&Value| choice["index"].as_u64().unwrap_or(0) == 0;
    let choices =
        || chunks.iter().flat_map(|chunk| chunk["choices"].as_array()).flatten().filter(first);
    let message =
        |choice: &Value| choice.get("delta").or(choice.get("message")).cloned().unwrap_or_default();
    let texts = |key: &str| {
        choices().filter_map(|c| message(c)[key].as_str().map(str::to_owned)).collect::<String>()
    };
    let text = match texts("content") {
        text if text.is_empty() => texts("refusal"),
        text => text,
    };
    assert_eq!(reply.reply.text, text, "{name}");
    let thoughts = [texts("reasoning_content"), texts("reasoning")].concat();
    assert_eq!(reply.reply.reasoning, thoughts, "{name}");
    let names: Vec<String> = choices()
        .flat_map(|choice| message(choice)["tool_calls"].as_array().cloned().unwrap_or_default())
        .filter_map(|call| call.pointer("/function/name")?.as_str().map(str::to_owned))
        .collect();
    let understood: Vec<_> = reply.reply.calls.iter().map(|call| call.name.clone()).collect();
    assert_eq!(understood, names, "{name}");
    // A reply that reached its longest length may end within the arguments of a call.
    let whole = reply.reply.calls.iter().all(|call| call.arguments.is_object());
    let cut = ["length", "max_output_tokens"];
    assert!(whole || cut.contains(&reply.reply.stop.as_str()), "{name}");
    let native = |choice: &Value| {
        let native = choice["native_finish_reason"].as_str().filter(|stop| cut.contains(stop));
        native.or(choice["finish_reason"].as_str()).map(str::to_owned)
    };
    let stop = choices().filter_map(native).next_back();
    assert_eq!(reply.reply.stop, stop.unwrap_or_default(), "{name}");
    let usage = chunks.iter().rev().find(|chunk| chunk["usage"].is_object()).map(|c| &c["usage"]);
    let counted = reply.usage.as_ref().map(|usage| (usage.total(), usage.output));
    let number = |usage: &Value, key: &str| usage[key].as_u64().unwrap();
    let said = usage.map(|u| (number(u, "total_tokens"), number(u, "completion_tokens")));
    assert_eq!(counted, said, "{name}");
    if let Some(cost) = usage.and_then(|usage| usage["cost"].as_f64()) {
        let ours = i32::try_from(reply.cost.unwrap().nanos()).unwrap();
        assert!((f64::from(ours) - cost * 1e9).abs() <= 1.0, "{name}: {ours} of {cost}");
    }
}

async fn replay_whole(exchange: &Exchange) {
    let name = &exchange.name;
    let answer = Answer::Whole {
        status: exchange.status,
        headers: vec![("content-type", exchange.content_type.clone())],
        body: exchange.response.clone().into_bytes(),
    };
    let result = client(answer).await.chat(&request(exchange)).await;
    if exchange.status == 200 {
        let json = serde_json::from_str(&exchange.response).unwrap();
        check(exchange, &result.unwrap_or_else(|error| panic!("{name}: {error}")), &[json]);
        return;
    }
    let Err(Error::Refused(refusal)) = result else { panic!("{name}: {result:?}") };
    assert_eq!(refusal.status, Some(exchange.status), "{name}");
    let quoted = serde_json::to_string(&refusal.message).unwrap();
    let words = exchange.response.contains(quoted.trim_matches('"'));
    assert!(words && !refusal.message.is_empty(), "{name}: {refusal}");
}

async fn replay_stream(exchange: &Exchange) {
    let name = &exchange.name;
    let chunks: Vec<Value> = exchange
        .response
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    let mut replies = Vec::new();
    for size in [exchange.response.len(), 1_000, 61] {
        let pieces = exchange.response.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let client = client(Answer::Stream { pieces, end: End::Proper }).await;
        let events: Vec<ChatEvent> = client
            .stream(&request(exchange))
            .try_collect()
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("{name}: no end") };
        let mut assembler = Assembler::default();
        events.iter().for_each(|event| assembler.add(event));
        let stop = reply.reply.stop.clone();
        let added_up = assembler.finish(Ending { stop, ..Ending::default() }).reply;
        assert_eq!(
            (&added_up.text, &added_up.reasoning, &added_up.calls),
            (&reply.reply.text, &reply.reply.reasoning, &reply.reply.calls),
            "{name}"
        );
        check(exchange, reply, &chunks);
        replies.push((**reply).clone());
    }
    assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{name}");
    let done = exchange.response.rfind("[DONE]").unwrap() + "[DONE]".len();
    for part in 1..6 {
        let cut = exchange.response.as_bytes()[..(done - 1) * part / 5].to_vec();
        let client = client(Answer::stream(cut, End::Proper)).await;
        let mut events: Vec<_> = client.stream(&request(exchange)).collect().await;
        let last = events.pop().unwrap();
        assert!(matches!(last, Err(Error::Truncated { .. })), "{name} cut at {part}/5: {last:?}");
        let finished =
            |event: &Result<ChatEvent, Error>| matches!(event, Ok(ChatEvent::Finished(_)));
        assert!(!events.iter().any(finished), "{name} cut at {part}/5");
    }
}

#[tokio::test]
async fn every_recorded_exchange_is_understood() {
    let mut played = 0;
    for provider in PROVIDERS {
        let Some(exchanges) = recorded(provider) else {
            eprintln!("skipped: AZ_RECORDED names no folder with recordings");
            return;
        };
        for exchange in exchanges {
            played += 1;
            let streamed = exchange.content_type.starts_with("text/event-stream");
            if streamed { replay_stream(&exchange).await } else { replay_whole(&exchange).await }
        }
    }
    assert!(played > 300, "only {played} exchanges were found");
    eprintln!("{played} exchanges were replayed");
}
