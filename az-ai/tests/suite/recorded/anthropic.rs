//! Anthropic's Messages API.

use az_ai::chat::{ChatReply, Message};
use az_ai::provider::anthropic::Anthropic;
use az_ai::provider::tool_names::ToolNames;
use az_ai::provider::wire::{Delivery, Wire};
use serde_json::Value;

use super::exchange::Exchange;
use super::spoken::{Said, Spoken};

/// The Messages API.
pub(super) struct Messages;

impl Spoken for Messages {
    type Wire = Anthropic;

    const NAME: &str = "messages";

    fn wire() -> Anthropic {
        Anthropic
    }

    fn speaks(exchange: &Exchange) -> bool {
        exchange.path.ends_with("/v1/messages")
    }

    fn tools(sent: &Value) -> Vec<String> {
        let tools = sent["tools"].as_array().into_iter().flatten();
        tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    fn expected(exchange: &Exchange) -> Result<Said, String> {
        Ok(said(&message(exchange)?))
    }

    /// What is kept of a turn goes back as it came, but for what the provider says of calls only.
    fn check(exchange: &Exchange, reply: &ChatReply) {
        if reply.reply.replay.is_none() {
            return;
        }
        let mut request = Self::request(exchange);
        request.messages.push(Message::assistant(reply.reply.clone()));
        let names = ToolNames::new(request.tools.iter().map(|tool| tool.name.as_str()));
        let body = Anthropic.call(&request, Delivery::Whole, &names).body;
        let mut came = message(exchange).unwrap()["content"].take();
        let blocks = came.as_array_mut().unwrap();
        blocks.retain(|block| block["type"] != "text" || block["text"] != "");
        for block in blocks.iter_mut().filter(|block| block["type"] == "tool_use") {
            block.as_object_mut().unwrap().remove("caller");
        }
        assert_eq!(body["messages"][1]["content"], came, "{}", exchange.name);
    }

    fn end(exchange: &Exchange) -> usize {
        exchange.response.trim_end().len()
    }
}

/// Returns the message, put together where it came in pieces.
fn message(exchange: &Exchange) -> Result<Value, String> {
    let pieces = exchange.pieces();
    if !exchange.is_streamed() {
        return Ok(pieces[0].clone());
    }
    let mut message = pieces[0]["message"].clone();
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for piece in &pieces {
        let delta = &piece["delta"];
        match piece["type"].as_str().unwrap() {
            "error" => return Err(piece["error"]["message"].as_str().unwrap().to_owned()),
            "content_block_start" => {
                blocks.push(piece["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let last = blocks.last_mut().unwrap();
                for field in ["text", "thinking", "signature"] {
                    if let Some(more) = delta[field].as_str() {
                        last[field] = [last[field].as_str().unwrap(), more].concat().into();
                    }
                }
                if let Some(citation) = delta.get("citation") {
                    let before = last["citations"].as_array().cloned().unwrap_or_default();
                    last["citations"] = [before, vec![citation.clone()]].concat().into();
                }
                let more = delta["partial_json"].as_str().unwrap_or_default();
                inputs.last_mut().unwrap().push_str(more);
            }
            "message_delta" => {
                message["stop_reason"] = delta["stop_reason"].clone();
                for (field, count) in piece["usage"].as_object().unwrap() {
                    message["usage"][field] = count.clone();
                }
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs).filter(|(_, input)| !input.is_empty()) {
        block["input"] = serde_json::from_str(&input).unwrap_or_else(|_| input.into());
    }
    message["content"] = blocks.into();
    Ok(message)
}

fn said(message: &Value) -> Said {
    let blocks = || message["content"].as_array().unwrap().iter();
    let texts = |field: &str| blocks().filter_map(|b| b[field].as_str()).collect::<String>();
    let calls = blocks().filter(|block| block["type"] == "tool_use");
    let count = |field: &str| message["usage"][field].as_u64().unwrap();
    let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    let output = count("output_tokens");
    Said {
        text: texts("text"),
        reasoning: texts("thinking"),
        calls: calls
            .map(|call| (call["name"].as_str().unwrap().to_owned(), Some(call["input"].clone())))
            .collect(),
        stop: message["stop_reason"].as_str().unwrap().to_owned(),
        usage: Some((input.map(count).iter().sum::<u64>() + output, output)),
        cost: None,
    }
}
