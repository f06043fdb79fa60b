//! Encodes requests.

use std::iter;

use crate::provider::tool_names::ToolNames;
use serde_json::{Map, Value, json};

use super::turn;
use crate::chat::{ChatRequest, Image, Message, ToolChoice, ToolDefinition, ToolMessage};
use crate::provider::json::decimal;
use crate::provider::openai::chat::picture_url;
use crate::provider::openai::dialect::{Dialect, Family};
use crate::provider::openai::format::is_strict;
use crate::provider::wire::Delivery;

/// Returns a request's body. The API does not support stop sequences.
pub(crate) fn request(
    request: &ChatRequest,
    dialect: Dialect,
    delivery: Delivery,
    names: &ToolNames,
) -> Value {
    let input: Vec<Value> = request.messages.iter().flat_map(|m| message(m, names)).collect();
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(request.model));
    set("input", json!(input));
    set("max_output_tokens", json!(request.max_tokens));
    set("store", json!(false));
    if dialect.family == Family::OpenAi {
        // Without the tier, an account's setting could double the estimated cost.
        set("service_tier", json!("default"));
    }
    if dialect.has_encrypted_thoughts(&request.model) {
        set("include", json!(["reasoning.encrypted_content"]));
    }
    if let Some(temperature) =
        request.temperature.filter(|_| dialect.has_temperature(&request.model))
    {
        set("temperature", decimal(temperature));
    }
    if let Some(effort) = request.effort.and_then(|e| dialect.effort(&request.model, e)) {
        set("reasoning", json!({"effort": effort}));
    }
    if let Some(format) = &request.format {
        let format = json!({
            "type": "json_schema",
            "name": format.name,
            "schema": format.schema,
            "strict": is_strict(&format.schema),
        });
        set("text", json!({"format": format}));
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(|t| tool(t, names)).collect();
        set("tools", json!(tools));
        if let Some(choice) = choice(&request.tool_choice, names) {
            set("tool_choice", choice);
        }
    }
    if delivery == Delivery::Streamed {
        set("stream", json!(true));
    }
    Value::Object(body)
}

fn message(message: &Message, names: &ToolNames) -> Vec<Value> {
    match message {
        Message::System { text } => vec![json!({"role": "system", "content": text})],
        Message::User { text, images } if !images.is_empty() => {
            let text = (!text.is_empty()).then(|| json!({"type": "input_text", "text": text}));
            let parts: Vec<Value> = text.into_iter().chain(images.iter().map(picture)).collect();
            vec![json!({"role": "user", "content": parts})]
        }
        Message::User { text, .. }
        | Message::Hint { text }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => {
            vec![json!({"role": "user", "content": text})]
        }
        Message::Tool(result) => vec![json!({
            "type": "function_call_output",
            "call_id": result.call_id,
            "output": output(result),
        })],
        Message::Assistant { reply } => turn::items(reply, names),
    }
}

/// Returns a tool result: text, or parts if there are images.
fn output(result: &ToolMessage) -> Value {
    if result.images.is_empty() {
        return json!(result.told());
    }
    let text = json!({"type": "input_text", "text": result.told()});
    iter::once(text).chain(result.images.iter().map(picture)).collect()
}

fn picture(image: &Image) -> Value {
    json!({"type": "input_image", "image_url": picture_url(image), "detail": "auto"})
}

fn tool(tool: &ToolDefinition, names: &ToolNames) -> Value {
    json!({
        "type": "function",
        "name": names.outward(&tool.name),
        "description": tool.description,
        "parameters": *tool.schema,
        // The default would allow the server to make the schema strict.
        "strict": false,
    })
}

fn choice(choice: &ToolChoice, names: &ToolNames) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Tool(name) => Some(json!({"type": "function", "name": names.outward(name)})),
    }
}

#[cfg(test)]
mod tests;
