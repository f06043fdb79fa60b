//! The kit, run against Gemini's wire and a simulated server.

use az_ai::provider::gemini::Gemini;
use az_ai::testing::llm_client;
use az_core::journal::FinishReason::{self, ContentFilter, Error, Length, Other, Stop};
use serde_json::{Value, json};

use super::served::{Served, Voice};

#[derive(Debug, Default)]
struct GenerateContent;

fn chunk(parts: &[Value], stop: Option<&str>) -> Value {
    let content = json!({"role": "model", "parts": parts});
    json!({"candidates": [{"index": 0, "content": content, "finishReason": stop}]})
}

impl Voice for GenerateContent {
    type Wire = Gemini;

    const FINISH_WORDS: &[(&str, FinishReason)] = &[
        ("FINISH_REASON_UNSPECIFIED", Other),
        ("STOP", Stop),
        ("MAX_TOKENS", Length),
        ("SAFETY", ContentFilter),
        ("RECITATION", ContentFilter),
        ("LANGUAGE", ContentFilter),
        ("OTHER", Other),
        ("BLOCKLIST", ContentFilter),
        ("PROHIBITED_CONTENT", ContentFilter),
        ("SPII", ContentFilter),
        ("MALFORMED_FUNCTION_CALL", Error),
        ("IMAGE_SAFETY", ContentFilter),
        ("IMAGE_PROHIBITED_CONTENT", ContentFilter),
        ("IMAGE_OTHER", Other),
        ("NO_IMAGE", Other),
        ("IMAGE_RECITATION", ContentFilter),
        ("UNEXPECTED_TOOL_CALL", Error),
        ("TOO_MANY_TOOL_CALLS", Other),
    ];

    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value {
        let call =
            |args: &Value| json!({"functionCall": {"name": "filesystem_read", "args": args}});
        let parts: Vec<Value> =
            [json!({"text": words})].into_iter().chain(arguments.iter().map(call)).collect();
        let mut whole = chunk(&parts, Some("STOP"));
        if let Some((input, output)) = used {
            whole["usageMetadata"] =
                json!({"promptTokenCount": input, "candidatesTokenCount": output});
        }
        whole
    }

    fn end(whole: &mut Value, word: &str) {
        whole["candidates"][0]["finishReason"] = json!(word);
    }

    fn pieces(whole: &Value) -> String {
        let parts = whole["candidates"][0]["content"]["parts"].as_array().unwrap();
        let (said, calls) = parts.split_first().unwrap();
        let words = said["text"].as_str().unwrap().split_inclusive(' ');
        let mut chunks: Vec<Value> =
            words.map(|word| chunk(&[json!({"text": word})], None)).collect();
        chunks.extend(calls.iter().map(|call| chunk(std::slice::from_ref(call), None)));
        let mut last =
            chunk(&[json!({"text": ""})], whole["candidates"][0]["finishReason"].as_str());
        last["usageMetadata"] = whole["usageMetadata"].clone();
        chunks.push(last);
        chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
    }

    fn error(message: &str) -> Value {
        let delay =
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "9s"});
        json!({"error": {"code": 429, "message": message, "details": [delay]}})
    }
}

#[tokio::test]
async fn gemini_keeps_the_contract() {
    let report = llm_client(Served::<GenerateContent>::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
