//! Encodes requests.

use std::iter;

use crate::provider::tool_names::ToolNames;
use serde_json::{Map, Value, json};

use super::turn;
use crate::chat::{ChatRequest, Image, Message, ToolChoice, ToolDefinition, ToolMessage};
use crate::provider::json::decimal;
use crate::provider::openai::cache::{add_key, marked, parts, responses_field};
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
    let has_marks = dialect.has_breakpoints(&request.model) && !request.cache.is_empty();
    let marked = if has_marks { marked(&request.cache) } else { Vec::new() };
    let items = request.messages.iter().enumerate().flat_map(|(number, said)| {
        let mut items = message(said, names);
        if let (true, Message::System { .. } | Message::User { .. }) = (has_marks, said) {
            let content = items.iter_mut().filter_map(|item| item.get_mut("content"));
            content.for_each(|content| {
                *content = parts(content.take(), "input_text", marked.contains(&number));
            });
        }
        items
    });
    let input: Vec<Value> = items.collect();
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
    add_key(&mut body, &request.cache, responses_field(dialect));
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
