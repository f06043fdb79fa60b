//! Encodes requests.

use std::collections::BTreeSet;

use crate::provider::tool_names::ToolNames;
use serde_json::{Map, Value, json};

use super::{model, turn};
use crate::chat::{ChatRequest, Image, Message, ToolChoice, ToolMessage};
use crate::provider::json::decimal;
use crate::provider::openai::in_words;

/// Returns a request's body.
pub(super) fn request(request: &ChatRequest, names: &ToolNames) -> Value {
    let mut body = Map::new();
    let mut system: Vec<&str> = Vec::new();
    for message in &request.messages {
        if let Message::System { text } = message {
            system.push(text);
        }
    }
    let told = request.format.as_ref().filter(|_| !takes_shape(request)).map(in_words);
    system.extend(told.as_deref());
    if !system.is_empty() {
        let parts: Vec<Value> = system.into_iter().map(text).collect();
        body.insert("systemInstruction".to_owned(), json!({"parts": parts}));
    }
    body.insert("contents".to_owned(), contents(request, names));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "name": names.outward(&tool.name),
                "description": tool.description,
                "parametersJsonSchema": *tool.schema,
            })
        });
        let tools: Vec<Value> = tools.collect();
        body.insert("tools".to_owned(), json!([{"functionDeclarations": tools}]));
        let choice = choice(&request.tool_choice, names);
        body.extend(choice.map(|choice| ("toolConfig".to_owned(), choice)));
    }
    body.insert("generationConfig".to_owned(), config(request));
    Value::Object(body)
}

/// Whether the model accepts an output format with this request: older models accept none together
/// with tools, and get the format in the instructions.
fn takes_shape(request: &ChatRequest) -> bool {
    request.tools.is_empty() || model::is_third_generation(&request.model)
}

fn config(request: &ChatRequest) -> Value {
    let mut config = Map::new();
    let mut set = |name: &str, value: Value| config.insert(name.to_owned(), value);
    set("maxOutputTokens", json!(request.max_tokens));
    if let Some(temperature) = request.temperature {
        set("temperature", decimal(temperature));
    }
    if !request.stop.is_empty() {
        set("stopSequences", json!(request.stop));
    }
    if let Some(format) = request.format.as_ref().filter(|_| takes_shape(request)) {
        set("responseMimeType", json!("application/json"));
        set("responseJsonSchema", format.schema.clone());
    }
    if model::thinks(&request.model) {
        let mut thinking = model::thinking(&request.model, request.effort).unwrap_or(json!({}));
        let none = thinking.get("thinkingBudget").is_some_and(|budget| *budget == 0);
        if let Some(thinking) = thinking.as_object_mut().filter(|_| !none) {
            thinking.insert("includeThoughts".to_owned(), json!(true));
        }
        set("thinkingConfig", thinking);
    }
    Value::Object(config)
}

fn choice(choice: &ToolChoice, names: &ToolNames) -> Option<Value> {
    let config = match choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Tool(name) => {
            json!({"mode": "ANY", "allowedFunctionNames": [names.outward(name)]})
        }
    };
    Some(json!({"functionCallingConfig": config}))
}

/// Converts the conversation. All results of a turn are in one entry, because there must be as many
/// as the turn has calls.
fn contents(request: &ChatRequest, names: &ToolNames) -> Value {
    let mut contents: Vec<Value> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    // The ids that Gemini gave the calls of the latest turn.
    let mut ids = BTreeSet::new();
    for message in &request.messages {
        if let Message::Tool(message) = message {
            results.push(result(message, &ids, names));
            results.extend(message.images.iter().map(picture));
            continue;
        }
        contents.extend(entry("user", std::mem::take(&mut results)));
        match message {
            Message::Assistant { reply } => {
                let parts = turn::parts(reply, names, &request.model);
                ids = turn::ids(&parts);
                contents.extend(entry("model", parts));
            }
            Message::User { text: said, images } => {
                let said = (!said.is_empty() || images.is_empty()).then(|| text(said));
                let parts = said.into_iter().chain(images.iter().map(picture)).collect();
                contents.extend(entry("user", parts));
            }
            Message::Hint { text: said }
            | Message::Summary { text: said, .. }
            | Message::Resumed { text: said } => {
                contents.extend(entry("user", vec![text(said)]));
            }
            Message::System { .. } | Message::Tool(_) => {}
        }
    }
    contents.extend(entry("user", results));
    Value::Array(contents)
}

/// Returns an entry of the conversation; `None` when it would be empty, which is refused.
fn entry(role: &str, parts: Vec<Value>) -> Option<Value> {
    (!parts.is_empty()).then(|| json!({"role": role, "parts": Value::Array(parts)}))
}

fn text(text: impl AsRef<str>) -> Value {
    json!({"text": text.as_ref()})
}

fn result(message: &ToolMessage, ids: &BTreeSet<String>, names: &ToolNames) -> Value {
    let key = if message.is_error() { "error" } else { "output" };
    let mut result = json!({
        "name": names.outward(&message.tool),
        "response": {key: message.told()},
    });
    // An id that did not come from Gemini is unknown to it.
    if let Some(result) = result.as_object_mut().filter(|_| ids.contains(&message.call_id)) {
        result.insert("id".to_owned(), json!(message.call_id));
    }
    json!({"functionResponse": result})
}

fn picture(image: &Image) -> Value {
    match image {
        Image::Inline { media_type, data } => {
            json!({"inlineData": {"mimeType": media_type, "data": data}})
        }
        Image::Url(url) => match media_type(url) {
            Some(media_type) => json!({"fileData": {"mimeType": media_type, "fileUri": url}}),
            None => json!({"fileData": {"fileUri": url}}),
        },
    }
}

/// Returns the media type of an image by the extension in its address.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
