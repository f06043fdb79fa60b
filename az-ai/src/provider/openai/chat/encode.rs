//! Requests, as the wire wants them.

use std::iter;

use az_core::journal::{ModelReply, ToolCall};
use serde_json::{Map, Value, json};

use super::decode::DETAILS;
use crate::chat::{ChatRequest, Effort, Image, Message, ReplyFormat, ToolChoice, ToolDefinition};
use crate::provider::openai::dialect::{
    CallIds, Dialect, Formats, MaxTokensField, Models, ReasoningReplay,
};
use crate::provider::openai::format::{in_words, is_strict};
use crate::provider::wire::Delivery;
use az_core::naming::NameMap;

/// Returns a request's body.
pub(crate) fn request(
    request: &ChatRequest,
    dialect: Dialect,
    delivery: Delivery,
    names: &NameMap,
) -> Value {
    let told = request.format.as_ref().filter(|_| dialect.formats == Formats::Words);
    let told = told.map(|format| Message::system(in_words(format)));
    let messages = told.iter().chain(&request.messages).filter(|message| !is_empty(message));
    let messages: Vec<Value> = messages.map(|m| message(m, dialect, names)).collect();
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
    if dialect.models == Models::DeepSeek && must_not_think(request) {
        body.insert("thinking".to_owned(), json!({"type": "disabled"}));
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(|t| tool(t, names)).collect();
        body.insert("tools".to_owned(), json!(tools));
        body.extend(choice(&request.tool_choice, names).map(|c| ("tool_choice".to_owned(), c)));
    }
    if delivery == Delivery::Streamed {
        body.insert("stream".to_owned(), json!(true));
        let options = json!({"include_usage": true});
        body.insert("stream_options".to_owned(), options);
    }
    Value::Object(body)
}

/// Returns what asks for an answer of a shape.
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

/// Whether the model is to be told not to think: because the request says so, or because it forces
/// a call, which `DeepSeek` refuses to thinking models.
fn must_not_think(request: &ChatRequest) -> bool {
    let forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
    let forced = forced && !request.tools.is_empty();
    match request.effort {
        Some(effort) => effort == Effort::None,
        None => forced,
    }
}

/// Writes 0.7 as 0.7, and not as the nearest single-precision number in double precision.
pub(in crate::provider) fn decimal(number: f32) -> Value {
    let shortest = number.to_string().parse::<f64>().ok();
    shortest.map_or(Value::Null, |number| json!(number))
}

/// Whether it is a turn with nothing in it, which most servers refuse.
fn is_empty(message: &Message) -> bool {
    matches!(message, Message::Assistant { reply } if reply.text.is_empty() && reply.calls.is_empty())
}

fn message(message: &Message, dialect: Dialect, names: &NameMap) -> Value {
    match message {
        Message::System { text } => json!({"role": "system", "content": text}),
        Message::User { text, images } if !images.is_empty() => {
            let pictures = images.iter().map(picture);
            let parts: Vec<Value> =
                iter::once(json!({"type": "text", "text": text})).chain(pictures).collect();
            json!({"role": "user", "content": parts})
        }
        Message::User { text, .. } | Message::Summary { text, .. } | Message::Resumed { text } => {
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

/// Returns where a picture is to be found, which may be the address itself.
pub(in crate::provider::openai) fn picture_url(image: &Image) -> String {
    match image {
        Image::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
        Image::Url(url) => url.clone(),
    }
}

fn assistant(reply: &ModelReply, dialect: Dialect, names: &NameMap) -> Value {
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
    if let Some(details) = details {
        message.insert(DETAILS.to_owned(), details.clone());
    }
    Value::Object(message)
}

fn call(call: &ToolCall, dialect: Dialect, names: &NameMap) -> Value {
    let function = json!({"name": names.outward(&call.name), "arguments": arguments(call)});
    json!({"id": call_id(&call.id, dialect), "type": "function", "function": function})
}

/// Returns a call's arguments, as text.
pub(in crate::provider::openai) fn arguments(call: &ToolCall) -> String {
    match &call.arguments {
        // Some servers parse the arguments of earlier calls and fall over text that is no JSON.
        Value::String(text) => json!({"malformed": text}).to_string(),
        value => value.to_string(),
    }
}

/// Returns a call's id as the server takes it: the same for the same.
fn call_id(id: &str, dialect: Dialect) -> String {
    let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if dialect.call_ids == CallIds::Any || fits {
        return id.to_owned();
    }
    // FNV-1a, with the last nine digits of base 16: enough to tell the calls of a turn apart.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:09x}", hash & 0xf_ffff_ffff)
}

fn tool(tool: &ToolDefinition, names: &NameMap) -> Value {
    let function = json!({
        "name": names.outward(&tool.name),
        "description": tool.description,
        "parameters": tool.schema,
    });
    json!({"type": "function", "function": function})
}

fn choice(choice: &ToolChoice, names: &NameMap) -> Option<Value> {
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
mod tests {
    use az_core::journal::{ModelReply, ToolOutcome};
    use serde_json::{Value, json};

    use super::request;
    use crate::chat::{ChatRequest, Message, ToolChoice, ToolDefinition, ToolMessage};
    use crate::provider::openai::dialect::Dialect;
    use crate::provider::wire::Delivery;
    use az_core::naming::NameMap;

    const COMPATIBLE: Dialect = Dialect::COMPATIBLE;

    fn conversation() -> ChatRequest {
        let reply = ModelReply {
            reasoning: "which?".to_owned(),
            replay: Some(Box::new(json!({"reasoning_details": [{"type": "x"}]}))),
            ..ModelReply::text("looking")
        };
        let asked = reply
            .with_call("filesystem.read", json!({"path": "a"}))
            .with_call("filesystem.read", json!("{\"path\": "));
        let read = ToolMessage {
            call_id: "call_1".to_owned(),
            tool: "filesystem.read".to_owned(),
            outcome: ToolOutcome::Refused,
            text: "not JSON".to_owned(),
            omitted: 0,
            data: None,
        };
        let messages = vec![
            Message::system("be brief"),
            Message::Summary { turns: 2, text: "so far".to_owned() },
            Message::user("read a"),
            Message::assistant(ModelReply::default()),
            Message::assistant(asked),
            Message::tool("call_0", "filesystem.read", "A"),
            Message::Tool(read),
            Message::Resumed { text: "again".to_owned() },
        ];
        let tool = ToolDefinition {
            name: "filesystem.read".to_owned(),
            description: "Reads".to_owned(),
            schema: json!({"type": "object"}),
        };
        ChatRequest::new("m", messages).with_tools(vec![tool])
    }

    fn encoded(asked: &ChatRequest, dialect: Dialect) -> Value {
        let names = NameMap::new(asked.tools.iter().map(|tool| tool.name.as_str()));
        request(asked, dialect, Delivery::Whole, &names)
    }

    #[test]
    fn a_conversation_with_tools_is_written_in_full() {
        let function = |arguments: &str| json!({"name": "filesystem_read", "arguments": arguments});
        let expected = json!({
            "model": "m",
            "max_tokens": 2048,
            "temperature": 0.7,
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "so far"},
                {"role": "user", "content": "read a"},
                {
                    "role": "assistant",
                    "content": "looking",
                    "reasoning_details": [{"type": "x"}],
                    "tool_calls": [
                        {"id": "call_0", "type": "function", "function": function("{\"path\":\"a\"}")},
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": function("{\"malformed\":\"{\\\"path\\\": \"}"),
                        },
                    ],
                },
                {"role": "tool", "tool_call_id": "call_0", "content": "A"},
                {"role": "tool", "tool_call_id": "call_1", "content": "not called: not JSON"},
                {"role": "user", "content": "again"},
            ],
            "tools": [{
                "type": "function",
                "function": {
                    "name": "filesystem_read",
                    "description": "Reads",
                    "parameters": {"type": "object"},
                },
            }],
        });
        assert_eq!(encoded(&conversation(), COMPATIBLE), expected);
    }

    #[test]
    fn options_change_only_what_they_say() {
        let plain = encoded(&conversation(), COMPATIBLE);
        let thoughtful = Dialect::DEEPSEEK;
        let message = &encoded(&conversation(), thoughtful)["messages"][3];
        assert_eq!(message["reasoning_content"], "which?");

        let body =
            encoded(&conversation().with_max_tokens(7).with_temperature(None), Dialect::OPENAI);
        assert_eq!(body["max_completion_tokens"], 7);
        assert!(body.get("max_tokens").is_none() && body.get("temperature").is_none());

        let body = encoded(&conversation().with_stop(vec!["END".to_owned()]), COMPATIBLE);
        assert_eq!(body["stop"], json!(["END"]));

        let choose = |choice| encoded(&conversation().with_tool_choice(choice), COMPATIBLE);
        assert_eq!(choose(ToolChoice::Auto), plain);
        assert_eq!(choose(ToolChoice::None)["tool_choice"], "none");
        assert_eq!(choose(ToolChoice::Required)["tool_choice"], "required");
        assert_eq!(
            choose(ToolChoice::Tool("filesystem.read".to_owned()))["tool_choice"]["function"],
            json!({"name": "filesystem_read"})
        );

        let names = NameMap::default();
        let body = request(&conversation(), COMPATIBLE, Delivery::Streamed, &names);
        assert_eq!(body["stream"], true);
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
    }
}
