//! The kit, run against Anthropic's wire and a simulated server.

use az_ai::provider::anthropic::Anthropic;
use az_ai::testing::llm_client;
use az_core::journal::FinishReason::{
    self, ContextWindow, Length, Pause, Refusal, Stop, ToolCalls,
};
use serde_json::{Value, json};

use super::served::{Served, Voice};

#[derive(Debug, Default)]
struct Messages;

impl Voice for Messages {
    type Wire = Anthropic;

    const FINISH_WORDS: &[(&str, FinishReason)] = &[
        ("end_turn", Stop),
        ("max_tokens", Length),
        ("stop_sequence", Stop),
        ("tool_use", ToolCalls),
        ("pause_turn", Pause),
        ("refusal", Refusal),
        ("model_context_window_exceeded", ContextWindow),
    ];

    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value {
        let mut content = vec![json!({"type": "text", "text": words})];
        for (place, input) in arguments.iter().enumerate() {
            let id = format!("toolu_{place}");
            content.push(
                json!({"type": "tool_use", "id": id, "name": "filesystem_read", "input": input}),
            );
        }
        let usage = used.map(|(input, output)| {
            json!({"input_tokens": input, "output_tokens": output, "service_tier": null})
        });
        let stop = if arguments.is_empty() { "end_turn" } else { "tool_use" };
        json!({
            "type": "message", "id": "msg_1", "role": "assistant", "model": "m",
            "content": content, "stop_reason": stop, "usage": usage,
        })
    }

    fn end(whole: &mut Value, word: &str) {
        whole["stop_reason"] = json!(word);
    }

    fn pieces(whole: &Value) -> String {
        let start = json!({"id": "msg_1", "model": "m", "content": [], "usage": null});
        let mut events =
            vec![json!({"type": "message_start", "message": start}), json!({"type": "ping"})];
        for (index, block) in whole["content"].as_array().unwrap().iter().enumerate() {
            let mut begun = block.clone();
            let deltas: Vec<Value> = if block["type"] == "text" {
                begun["text"] = json!("");
                let words = block["text"].as_str().unwrap().split_inclusive(' ');
                words.map(|word| json!({"type": "text_delta", "text": word})).collect()
            } else {
                begun["input"] = json!({});
                let piece = |c: char| json!({"type": "input_json_delta", "partial_json": c});
                block["input"].to_string().chars().map(piece).collect()
            };
            let start = "content_block_start";
            events.push(json!({"type": start, "index": index, "content_block": begun}));
            for delta in deltas {
                let sort = "content_block_delta";
                events.push(json!({"type": sort, "index": index, "delta": delta}));
            }
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        let end = json!({"stop_reason": whole["stop_reason"]});
        events.push(json!({"type": "message_delta", "delta": end, "usage": whole["usage"]}));
        events.push(json!({"type": "message_stop"}));
        let event = |e: &Value| format!("event: {}\ndata: {e}  \n\n", e["type"].as_str().unwrap());
        events.iter().map(event).collect()
    }

    fn error(message: &str) -> Value {
        json!({"type": "error", "error": {"type": "rate_limit_error", "message": message}})
    }
}

#[tokio::test]
async fn messages_keep_the_contract() {
    let report = llm_client(Served::<Messages>::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
