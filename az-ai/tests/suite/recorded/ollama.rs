//! Ollama's own API.

use az_ai::provider::ollama::Ollama;
use serde_json::Value;

use super::exchange::Exchange;
use super::spoken::{Said, Spoken};

/// Ollama's chat.
pub(super) struct OllamaChat;

impl Spoken for OllamaChat {
    type Wire = Ollama;

    const NAME: &str = "ollama chat";

    fn wire() -> Ollama {
        Ollama::default()
    }

    fn speaks(exchange: &Exchange) -> bool {
        exchange.path.ends_with("/api/chat")
    }

    fn tools(sent: &Value) -> Vec<String> {
        let tools = sent["tools"].as_array().into_iter().flatten();
        let name = |tool: &Value| tool.pointer("/function/name")?.as_str().map(str::to_owned);
        tools.filter_map(name).collect()
    }

    fn expected(exchange: &Exchange) -> Result<Said, String> {
        let pieces = exchange.pieces();
        let messages = || pieces.iter().map(|piece| &piece["message"]);
        let texts = |field: &str| messages().filter_map(|m| m[field].as_str()).collect::<String>();
        let calls = messages().filter_map(|message| message["tool_calls"].as_array()).flatten();
        let call = |call: &Value| {
            let function = &call["function"];
            (function["name"].as_str().unwrap().to_owned(), Some(function["arguments"].clone()))
        };
        let last = pieces.last().unwrap();
        let count = |field: &str| last[field].as_u64().unwrap();
        let output = count("eval_count");
        Ok(Said {
            text: texts("content"),
            reasoning: texts("thinking"),
            calls: calls.map(call).collect(),
            stop: last["done_reason"].as_str().unwrap().to_owned(),
            usage: Some((count("prompt_eval_count") + output, output)),
            cost: None,
        })
    }

    fn end(exchange: &Exchange) -> usize {
        exchange.response.trim_end().len()
    }
}
