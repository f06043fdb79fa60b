//! Encodes requests.

use crate::provider::tool_names::ToolNames;
use az_core::journal::{ModelReply, ToolCall};
use serde_json::{Map, Value, json};

use crate::chat::{ChatRequest, Effort, Image, Message, ToolChoice, ToolDefinition};
use crate::estimate;
use crate::provider::json::{decimal, object};
use crate::provider::wire::Delivery;

/// Returns a request's body.
pub(super) fn request(
    request: &ChatRequest,
    context_window: Option<u64>,
    delivery: Delivery,
    names: &ToolNames,
) -> Value {
    let messages = request.messages.iter().filter(|message| !is_empty(message));
    let messages: Vec<Value> = messages.map(|m| message(m, names)).collect();
    let mut options = Map::new();
    options.insert("num_ctx".to_owned(), json!(room(request, context_window)));
    options.insert("num_predict".to_owned(), json!(request.max_tokens));
    if let Some(temperature) = request.temperature {
        options.insert("temperature".to_owned(), decimal(temperature));
    }
    if !request.stop.is_empty() {
        options.insert("stop".to_owned(), json!(request.stop));
    }
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("model", json!(request.model));
    put("messages", json!(messages));
    put("options", Value::Object(options));
    put("stream", json!(delivery == Delivery::Streamed));
    // Servers that support these report an error when something does not fit, instead of dropping
    // it.
    put("truncate", json!(false));
    put("shift", json!(false));
    let tools: Vec<Value> = offered(request).map(|t| tool(t, names)).collect();
    if !tools.is_empty() {
        put("tools", json!(tools));
    }
    if let Some(format) = &request.format {
        put("format", format.schema.clone());
    }
    if let Some(effort) = request.effort {
        put("think", think(&request.model, effort));
    }
    Value::Object(body)
}

/// The minimum context size in tokens, which is the server's default.
const LEAST: u64 = 4096;

/// Returns the context size: the next power of two above the request and its reply, at most the
/// model's context window.
fn room(request: &ChatRequest, context_window: Option<u64>) -> u64 {
    let needed = estimate::tokens(request).saturating_add(u64::from(request.max_tokens));
    let room = needed.max(LEAST).checked_next_power_of_two().unwrap_or(needed);
    room.min(context_window.unwrap_or(u64::MAX))
}

/// Lowers the context size in a body to the model's context window.
pub(super) fn limit_context(body: &mut Value, window: Option<u64>) {
    let size = body.pointer_mut("/options/num_ctx");
    if let (Some(size), Some(window)) = (size, window) {
        *size = json!(size.as_u64().map_or(window, |size| size.min(window)));
    }
}

/// Returns the tools that may be called.
fn offered(request: &ChatRequest) -> impl Iterator<Item = &ToolDefinition> {
    request.tools.iter().filter(|tool| match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::Required => true,
        ToolChoice::None => false,
        ToolChoice::Tool(name) => tool.name == *name,
    })
}

/// One family of models accepts levels of thinking, all others only on and off.
fn think(model: &str, effort: Effort) -> Value {
    let graded = model.contains("gpt-oss");
    match effort {
        Effort::None => json!(false),
        Effort::Low if graded => json!("low"),
        Effort::Medium if graded => json!("medium"),
        Effort::High if graded => json!("high"),
        Effort::Low | Effort::Medium | Effort::High => json!(true),
    }
}

/// Whether a turn is empty.
fn is_empty(message: &Message) -> bool {
    matches!(message, Message::Assistant { reply } if reply.text.is_empty() && reply.calls.is_empty())
}

fn message(message: &Message, names: &ToolNames) -> Value {
    match message {
        Message::System { text } => json!({"role": "system", "content": text}),
        Message::User { text, images } => shown(json!({"role": "user"}), text, images),
        Message::Hint { text } | Message::Summary { text, .. } | Message::Resumed { text } => {
            json!({"role": "user", "content": text})
        }
        Message::Tool(result) => {
            let name = names.outward(&result.tool);
            let message = json!({"role": "tool", "tool_name": name});
            shown(message, &result.told(), &result.images)
        }
        Message::Assistant { reply } => assistant(reply, names),
    }
}

/// Adds text and images to a message.
fn shown(mut message: Value, text: &str, images: &[Image]) -> Value {
    let mut content = text.to_owned();
    let mut pictures = Vec::new();
    for image in images {
        match image {
            Image::Inline { data, .. } => pictures.push(data),
            Image::Url(url) => content.push_str(&format!("\n[picture: {url}]")),
        }
    }
    if let Some(message) = message.as_object_mut() {
        message.insert("content".to_owned(), json!(content));
        if !pictures.is_empty() {
            message.insert("images".to_owned(), json!(pictures));
        }
    }
    message
}

fn assistant(reply: &ModelReply, names: &ToolNames) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), json!(reply.text));
    if !reply.calls.is_empty() {
        let calls: Vec<Value> = reply.calls.iter().map(|c| call(c, names)).collect();
        message.insert("tool_calls".to_owned(), json!(calls));
        // Models continue from the reasoning of a turn with calls; a finished answer is sent
        // without it.
        if !reply.reasoning.is_empty() {
            message.insert("thinking".to_owned(), json!(reply.reasoning));
        }
    }
    Value::Object(message)
}

fn call(call: &ToolCall, names: &ToolNames) -> Value {
    let arguments = object(&call.arguments);
    json!({"function": {"name": names.outward(&call.name), "arguments": arguments}})
}

fn tool(tool: &ToolDefinition, names: &ToolNames) -> Value {
    let function = json!({
        "name": names.outward(&tool.name),
        "description": tool.description,
        "parameters": *tool.schema,
    });
    json!({"type": "function", "function": function})
}

#[cfg(test)]
mod tests;
