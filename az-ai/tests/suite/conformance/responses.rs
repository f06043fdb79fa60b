//! The kit, run against OpenAI's Responses API and a simulated server.

use az_ai::provider::openai::{Dialect, Interface, OpenAi};
use az_ai::testing::llm_client;
use az_core::journal::FinishReason::{self, ContentFilter, Length, Stop};
use serde_json::{Value, json};

use super::served::{Served, Voice};

#[derive(Debug, Default)]
struct Responses;

impl Voice for Responses {
    type Wire = OpenAi;

    const FINISH_WORDS: &[(&str, FinishReason)] =
        &[("completed", Stop), ("max_output_tokens", Length), ("content_filter", ContentFilter)];

    fn wire() -> OpenAi {
        OpenAi::new(Dialect::OPENAI.with_interface(Interface::Responses))
    }

    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value {
        let said = json!({"type": "output_text", "text": words});
        let mut output =
            vec![json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [said]})];
        for (place, arguments) in arguments.iter().enumerate() {
            output.push(json!({
                "type": "function_call", "id": format!("fc_{place}"),
                "call_id": format!("call_{place}"), "name": "filesystem_read",
                "arguments": arguments.to_string(),
            }));
        }
        let usage = used.map(|(input, output)| {
            json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output})
        });
        json!({
            "object": "response", "id": "resp_1", "model": "m", "status": "completed",
            "error": null, "incomplete_details": null, "output": output, "usage": usage,
        })
    }

    fn end(whole: &mut Value, word: &str) {
        if word != "completed" {
            whole["status"] = json!("incomplete");
            whole["incomplete_details"] = json!({"reason": word});
        }
    }

    fn pieces(whole: &Value) -> String {
        let mut events =
            vec![json!({"type": "response.created", "response": {"status": "in_progress"}})];
        for (place, item) in whole["output"].as_array().unwrap().iter().enumerate() {
            let mut event = |sort: &str, key: &str, value: Value| {
                events.push(json!({"type": sort, "output_index": place, key: value}));
            };
            let mut begun = item.clone();
            begun["content"] = json!([]);
            begun["arguments"] = json!("");
            event("response.output_item.added", "item", begun);
            for word in
                item["content"][0]["text"].as_str().into_iter().flat_map(|t| t.split_inclusive(' '))
            {
                event("response.output_text.delta", "delta", json!(word));
            }
            for letter in item["arguments"].as_str().into_iter().flat_map(str::chars) {
                event("response.function_call_arguments.delta", "delta", json!(letter));
            }
            event("response.output_item.done", "item", item.clone());
        }
        events.push(json!({"type": "response.completed", "response": whole}));
        let event = |e: &Value| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap());
        events.iter().map(event).collect()
    }

    fn error(message: &str) -> Value {
        json!({"error": {"message": message, "type": "invalid_request_error", "code": null}})
    }
}

#[tokio::test]
async fn responses_keep_the_contract() {
    let report = llm_client(Served::<Responses>::default).await;
    report.assert_passed();
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
