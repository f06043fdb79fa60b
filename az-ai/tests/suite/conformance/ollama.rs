//! The kit, run against Ollama's wire and a simulated server.

use az_ai::provider::ollama::Ollama;
use az_ai::testing::llm_client;
use az_core::journal::FinishReason::{self, Length, Other, Stop};
use serde_json::{Value, json};

use super::served::{Served, Voice};

#[derive(Debug, Default)]
struct OllamaChat;

impl Voice for OllamaChat {
    type Wire = Ollama;

    const FINISH_WORDS: &[(&str, FinishReason)] =
        &[("stop", Stop), ("length", Length), ("load", Other), ("unload", Other)];

    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value {
        let call = |arguments: &Value| json!({"function": {"name": "filesystem_read", "arguments": arguments}});
        let calls: Vec<Value> = arguments.iter().map(call).collect();
        let message = json!({"role": "assistant", "content": words, "tool_calls": calls});
        let mut whole = json!({"model": "m", "message": message, "done": true});
        whole["done_reason"] = json!("stop");
        if let Some((input, output)) = used {
            whole["prompt_eval_count"] = json!(input);
            whole["eval_count"] = json!(output);
        }
        whole
    }

    fn end(whole: &mut Value, word: &str) {
        whole["done_reason"] = json!(word);
    }

    fn pieces(whole: &Value) -> String {
        let mut messages = Vec::new();
        for word in whole["message"]["content"].as_str().unwrap().split_inclusive(' ') {
            messages.push(json!({"content": word}));
        }
        for call in whole["message"]["tool_calls"].as_array().unwrap() {
            messages.push(json!({"content": "", "tool_calls": [call]}));
        }
        let mut last = whole.clone();
        last["message"] = json!({"content": ""});
        let piece = |message: &Value| json!({"model": "m", "message": message, "done": false});
        let pieces = messages.iter().map(piece).chain([last]);
        pieces.map(|piece| format!("{piece}\n")).collect()
    }

    fn error(message: &str) -> Value {
        json!({"error": message})
    }
}

#[tokio::test]
async fn ollama_keeps_the_contract() {
    let report = llm_client(Served::<OllamaChat>::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
