//! The kit, run against chat completions and a simulated server.

use az_ai::provider::openai::OpenAi;
use az_ai::testing::llm_client;
use az_core::journal::FinishReason::{self, ContentFilter, Error, Length, Stop, ToolCalls};
use serde_json::{Value, json};

use super::served::{Served, Voice};

/// A server with chat completions.
pub(super) type ChatCompletions = Served<Chat>;

#[derive(Debug, Default)]
pub(super) struct Chat;

impl Voice for Chat {
    type Wire = OpenAi;

    const FINISH_WORDS: &[(&str, FinishReason)] = &[
        ("stop", Stop),
        ("length", Length),
        ("content_filter", ContentFilter),
        ("tool_calls", ToolCalls),
        ("function_call", ToolCalls),
        // Of Mistral, Together, OpenRouter and DeepSeek.
        ("model_length", Length),
        ("eos", Stop),
        ("error", Error),
        ("insufficient_system_resource", Error),
    ];

    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value {
        let call = |(place, arguments): (usize, &Value)| {
            let function = json!({"name": "filesystem_read", "arguments": arguments.to_string()});
            json!({"id": format!("call_{place}"), "type": "function", "function": function})
        };
        let calls: Vec<Value> = arguments.iter().enumerate().map(call).collect();
        let message = json!({"content": words, "tool_calls": calls});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        let usage = used
            .map(|(input, output)| json!({"prompt_tokens": input, "completion_tokens": output}));
        json!({"model": "m", "choices": [choice], "usage": usage})
    }

    fn end(whole: &mut Value, word: &str) {
        whole["choices"][0]["finish_reason"] = json!(word);
    }

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
        let end = &whole["choices"][0]["finish_reason"];
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": end}]}));
        if !whole["usage"].is_null() {
            chunks.push(json!({"choices": [], "usage": whole["usage"]}));
        }
        let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
        lines.collect::<String>() + "data: [DONE]\n\n"
    }

    fn error(message: &str) -> Value {
        json!({"error": {"message": message, "code": null}})
    }
}

#[tokio::test]
async fn chat_completions_keep_the_contract() {
    let report = llm_client(ChatCompletions::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
