//! Encodes requests.

use az_core::journal::{ModelReply, ToolCall};
use serde_json::{Map, Value, json};

use super::decode::DETAILS;
use crate::chat::{ChatRequest, Effort, Image, Message, ReplyFormat, ToolChoice, ToolDefinition};
use crate::client::Parameter;
use crate::provider::json::{decimal, object};
use crate::provider::openai::cache::{add_key, chat_field, marked, parts};
use crate::provider::openai::dialect::{
    CallIds, Dialect, Family, Formats, MaxTokensField, ReasoningReplay,
};
use crate::provider::openai::format::{in_words, is_strict};
use crate::provider::tool_names::ToolNames;
use crate::provider::wire::Delivery;

/// Returns a request's body.
pub(crate) fn request(
    request: &ChatRequest,
    dialect: Dialect,
    delivery: Delivery,
    names: &ToolNames,
) -> Value {
    let told = request.format.as_ref().filter(|_| dialect.formats == Formats::Words);
    let told = told.map(|format| Message::system(in_words(format)));
    let numbered = (0..).map(Some).zip(&request.messages);
    let messages = told.iter().map(|message| (None, message)).chain(numbered);
    let messages = messages.filter(|(_, message)| !is_empty(message));
    let mut messages = conversation(messages, dialect, names);
    if dialect.has_breakpoints(&request.model) && !request.cache.is_empty() {
        let marked = marked(&request.cache);
        for (number, message) in &mut messages {
            mark(message, number.is_some_and(|number| marked.contains(&number)));
        }
    }
    let messages: Vec<Value> = messages.into_iter().map(|(_, message)| message).collect();
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(request.model));
    body.insert("messages".to_owned(), json!(messages));
    let max_tokens = match dialect.max_tokens_field {
        MaxTokensField::MaxTokens => "max_tokens",
        MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
    };
    body.insert(max_tokens.to_owned(), json!(request.max_tokens));
    if dialect.has_temperature(&request.model) {
        let temperature = request.temperature.map(decimal);
        body.extend(temperature.map(|number| ("temperature".to_owned(), number)));
        let stop = Some(&request.stop).filter(|stop| !stop.is_empty());
        body.extend(stop.map(|stop| ("stop".to_owned(), json!(stop))));
    }
    if let Some(format) = &request.format {
        body.insert("response_format".to_owned(), shape(format, dialect));
    }
    if let Some(effort) = request.effort.and_then(|e| dialect.effort(&request.model, e)) {
        body.insert("reasoning_effort".to_owned(), json!(effort));
    }
    if dialect.family == Family::OpenAi {
        // Without the tier, an account's setting could double the estimated cost.
        body.insert("service_tier".to_owned(), json!("default"));
    }
    if dialect.family == Family::DeepSeek && must_not_think(request) {
        body.insert("thinking".to_owned(), json!({"type": "disabled"}));
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(|t| tool(t, names)).collect();
        body.insert("tools".to_owned(), json!(tools));
        body.extend(choice(&request.tool_choice, names).map(|c| ("tool_choice".to_owned(), c)));
    }
    add_key(&mut body, &request.cache, chat_field(dialect));
    if delivery == Delivery::Streamed {
        body.insert("stream".to_owned(), json!(true));
        let options = json!({"include_usage": true});
        body.insert("stream_options".to_owned(), options);
    }
    Value::Object(body)
}

/// Removes the fields of rejected parameters from a body, and sends the limit of the reply under its
/// other name if this one is rejected.
pub(crate) fn adapt(body: &mut Value, rejected: &[Parameter]) {
    let Some(fields) = body.as_object_mut() else { return };
    if rejected.contains(&Parameter::StreamOptions) {
        fields.remove("stream_options");
    }
    if rejected.contains(&Parameter::MaxTokens) {
        let [a, b] = ["max_tokens", "max_completion_tokens"];
        let renamed =
            [(a, b), (b, a)].into_iter().find_map(|(from, to)| Some((to, fields.remove(from)?)));
        fields.extend(renamed.map(|(name, limit)| (name.to_owned(), limit)));
    }
}

/// Returns the parameter for structured output.
fn shape(format: &ReplyFormat, dialect: Dialect) -> Value {
    match dialect.formats {
        Formats::Words => json!({"type": "json_object"}),
        Formats::Schema => json!({"type": "json_schema", "json_schema": {
            "name": format.name,
            "schema": format.schema,
            "strict": is_strict(&format.schema),
        }}),
    }
}

/// Whether thinking must be disabled: because the request says so, or because it forces a call,
/// which `DeepSeek` refuses for thinking models.
fn must_not_think(request: &ChatRequest) -> bool {
    let forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
    let forced = forced && !request.tools.is_empty();
    match request.effort {
        Some(effort) => effort == Effort::None,
        None => forced,
    }
}

/// Whether a turn is empty, which most servers refuse.
fn is_empty(message: &Message) -> bool {
    matches!(message, Message::Assistant { reply } if reply.text.is_empty() && reply.calls.is_empty())
}

/// Converts the conversation. Tool results are text on this wire: the images of a turn's results
/// follow the last of them, in a user message.
///
/// Each message has the number that it has in the request, if it is one of its messages.
fn conversation<'a>(
    messages: impl Iterator<Item = (Option<usize>, &'a Message)>,
    dialect: Dialect,
    names: &ToolNames,
) -> Vec<(Option<usize>, Value)> {
    let mut encoded = Vec::new();
    let mut returned: Vec<Value> = Vec::new();
    let shown = |parts: &mut Vec<Value>| {
        let parts = std::mem::take(parts);
        (!parts.is_empty()).then(|| (None, json!({"role": "user", "content": parts})))
    };
    for (number, next) in messages {
        if !matches!(next, Message::Tool(_)) {
            encoded.extend(shown(&mut returned));
        }
        encoded.push((number, message(next, dialect, names)));
        if let Message::Tool(result) = next
            && !result.images.is_empty()
        {
            let label = format!("Images that {} returned:", names.outward(&result.tool));
            returned.push(json!({"type": "text", "text": label}));
            returned.extend(result.images.iter().map(picture));
        }
    }
    encoded.extend(shown(&mut returned));
    encoded
}

/// Gives a message the form in which it can be marked as the end of a cached prefix, and marks it.
/// Messages of the model cannot be marked.
fn mark(message: &mut Value, is_marked: bool) {
    if message.get("role").and_then(Value::as_str) == Some("assistant") {
        return;
    }
    if let Some(content) = message.get_mut("content") {
        *content = parts(content.take(), "text", is_marked);
    }
}

fn message(message: &Message, dialect: Dialect, names: &ToolNames) -> Value {
    match message {
        Message::System { text } => json!({"role": "system", "content": text}),
        Message::User { text, images } if !images.is_empty() => {
            let pictures = images.iter().map(picture);
            let text = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
            let parts: Vec<Value> = text.into_iter().chain(pictures).collect();
            json!({"role": "user", "content": parts})
        }
        Message::User { text, .. }
        | Message::Hint { text }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => {
            json!({"role": "user", "content": text})
        }
        Message::Tool(result) => json!({
            "role": "tool",
            "tool_call_id": call_id(&result.call_id, dialect),
            "content": result.told(),
        }),
        Message::Assistant { reply } => assistant(reply, dialect, names),
    }
}

fn picture(image: &Image) -> Value {
    json!({"type": "image_url", "image_url": {"url": picture_url(image)}})
}

/// Returns the URL of an image, which may be a data URL.
pub(in crate::provider::openai) fn picture_url(image: &Image) -> String {
    match image {
        Image::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
        Image::Url(url) => url.clone(),
    }
}

fn assistant(reply: &ModelReply, dialect: Dialect, names: &ToolNames) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), json!(reply.text));
    if !reply.calls.is_empty() {
        let calls: Vec<Value> = reply.calls.iter().map(|c| call(c, dialect, names)).collect();
        message.insert("tool_calls".to_owned(), json!(calls));
        if dialect.reasoning == ReasoningReplay::WithCalls {
            message.insert("reasoning_content".to_owned(), json!(reply.reasoning));
        }
    }
    let details = reply.replay.as_ref().and_then(|replay| replay.get(DETAILS));
    let details = details.filter(|details| details.is_array());
    if let Some(details) = details {
        message.insert(DETAILS.to_owned(), details.clone());
    }
    Value::Object(message)
}

fn call(call: &ToolCall, dialect: Dialect, names: &ToolNames) -> Value {
    let function = json!({"name": names.outward(&call.name), "arguments": arguments(call)});
    json!({"id": call_id(&call.id, dialect), "type": "function", "function": function})
}

/// Returns a call's arguments as text.
pub(in crate::provider::openai) fn arguments(call: &ToolCall) -> String {
    // Some servers parse the arguments of earlier calls and fail on invalid JSON.
    object(&call.arguments).to_string()
}

/// Returns a call's id in a form that the server accepts; deterministic.
fn call_id(id: &str, dialect: Dialect) -> String {
    let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if dialect.call_ids == CallIds::Any || fits {
        return id.to_owned();
    }
    // The last nine hexadecimal digits of FNV-1a are sufficient to distinguish the calls of a turn.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:09x}", hash & 0xf_ffff_ffff)
}

fn tool(tool: &ToolDefinition, names: &ToolNames) -> Value {
    let function = json!({
        "name": names.outward(&tool.name),
        "description": tool.description,
        "parameters": *tool.schema,
    });
    json!({"type": "function", "function": function})
}

fn choice(choice: &ToolChoice, names: &ToolNames) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Tool(name) => {
            let function = json!({"name": names.outward(name)});
            Some(json!({"type": "function", "function": function}))
        }
    }
}

#[cfg(test)]
mod tests;
