//! Chat completions, of OpenAI and everybody who looks alike.

use az_ai::provider::openai::OpenAi;
use serde_json::Value;

use super::exchange::Exchange;
use super::spoken::{Said, Spoken};

/// Chat completions.
pub(super) struct ChatCompletions;

impl Spoken for ChatCompletions {
    type Wire = OpenAi;

    const NAME: &str = "chat completions";

    fn wire() -> OpenAi {
        OpenAi::default()
    }

    fn speaks(exchange: &Exchange) -> bool {
        exchange.path.ends_with("/chat/completions")
    }

    fn tools(sent: &Value) -> Vec<String> {
        let tools = sent["tools"].as_array().into_iter().flatten();
        let name = |tool: &Value| tool.pointer("/function/name")?.as_str().map(str::to_owned);
        tools.filter_map(name).collect()
    }

    fn expected(exchange: &Exchange) -> Result<Said, String> {
        let chunks = exchange.pieces();
        let first = |choice: &&Value| choice["index"].as_u64().unwrap_or(0) == 0;
        let choices =
            || chunks.iter().flat_map(|chunk| chunk["choices"].as_array()).flatten().filter(first);
        let message = |choice: &Value| {
            choice.get("delta").or(choice.get("message")).cloned().unwrap_or_default()
        };
        let texts = |key: &str| {
            let text = |choice| message(choice)[key].as_str().map(str::to_owned);
            choices().filter_map(text).collect::<String>()
        };
        let text = match texts("content") {
            text if text.is_empty() => texts("refusal"),
            text => text,
        };
        // What belongs together in a stream is not plain to see, so names are enough there.
        let calls = choices()
            .flat_map(|choice| {
                message(choice)["tool_calls"].as_array().cloned().unwrap_or_default()
            })
            .filter_map(|call| {
                let name = call.pointer("/function/name")?.as_str()?.to_owned();
                let arguments = call.pointer("/function/arguments").and_then(Value::as_str);
                let arguments = arguments.and_then(|text| serde_json::from_str(text).ok());
                Some((name, arguments.filter(|_| !exchange.is_streamed())))
            })
            .collect();
        let native = |choice: &Value| {
            let cut = |stop: &&str| ["length", "max_output_tokens"].contains(stop);
            let native = choice["native_finish_reason"].as_str().filter(cut);
            native.or(choice["finish_reason"].as_str()).map(str::to_owned)
        };
        let usage = chunks.iter().rev().map(|chunk| &chunk["usage"]).find(|u| u.is_object());
        let number = |usage: &Value, key: &str| usage[key].as_u64().unwrap();
        Ok(Said {
            text,
            reasoning: [texts("reasoning_content"), texts("reasoning")].concat(),
            calls,
            stop: choices().filter_map(native).next_back().unwrap_or_default(),
            usage: usage.map(|u| (number(u, "total_tokens"), number(u, "completion_tokens"))),
            cost: usage.and_then(|usage| usage["cost"].as_f64()),
        })
    }

    fn end(exchange: &Exchange) -> usize {
        exchange.response.rfind("[DONE]").unwrap() + "[DONE]".len()
    }
}
