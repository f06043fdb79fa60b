use crate::provider::hint_tests::hint_and_message;
use crate::provider::image_tests::drawn_and_seen;
use crate::provider::tool_names::ToolNames;
use az_core::journal::{ModelReply, ToolCall, ToolOutcome};
use serde_json::{Value, json};

use super::request;
use crate::chat::{
    ChatRequest, Effort, Image, Message, ReplyFormat, ToolChoice, ToolDefinition, ToolMessage,
};
use crate::provider::wire::Delivery;

fn tool(name: &str) -> ToolDefinition {
    ToolDefinition::new(name, "Reads", json!({"type": "object"}))
}

fn within(asked: &ChatRequest, context_window: Option<u64>) -> Value {
    let names = ToolNames::new(asked.tools.iter().map(|tool| tool.name.as_str()));
    request(asked, context_window, Delivery::Whole, &names)
}

fn encoded(asked: &ChatRequest) -> Value {
    within(asked, None)
}

#[test]
fn a_conversation_with_tools_is_encoded() {
    let call = |id: &str, arguments: Value| ToolCall {
        id: id.to_owned(),
        name: "filesystem.read".to_owned(),
        arguments,
    };
    let asked = ModelReply {
        calls: vec![call("call_0", json!({"path": "x"})), call("call_1", json!("{\"pa"))],
        reasoning: "which?".to_owned(),
        replay: Some(Box::new(json!({"anthropic": []}))),
        ..ModelReply::text("I look.")
    };
    let refused = ToolMessage {
        call_id: "call_1".to_owned(),
        tool: "filesystem.read".to_owned(),
        outcome: ToolOutcome::Refused,
        text: "not JSON".to_owned(),
        omitted: 0,
        images: Vec::new(),
        data: None,
    };
    let shown = Image::Inline { media_type: "image/png".to_owned(), data: "aGk=".to_owned() };
    let linked = Image::Url("https://example.org/a.png".to_owned());
    let done = ModelReply { reasoning: "hm".to_owned(), ..ModelReply::text("done") };
    let messages = vec![
        Message::system("be brief"),
        Message::user_with_images("read x", vec![shown, linked]),
        Message::assistant(ModelReply::default()),
        Message::assistant(asked),
        Message::tool("call_0", "filesystem.read", "A"),
        Message::Tool(refused),
        Message::assistant(done),
        Message::Resumed { text: "again".to_owned() },
    ];
    let request = ChatRequest::new("m", messages)
        .with_tools(vec![tool("filesystem.read")])
        .with_stop(vec!["END".to_owned()])
        .with_temperature(Some(0.5));
    let called =
        |arguments: Value| json!({"function": {"name": "filesystem_read", "arguments": arguments}});
    let result =
        |text: &str| json!({"role": "tool", "tool_name": "filesystem_read", "content": text});
    let expected = json!({
        "model": "m",
        "stream": false,
        "truncate": false,
        "shift": false,
        "options": {"num_ctx": 8192, "num_predict": 2048, "temperature": 0.5, "stop": ["END"]},
        "messages": [
            {"role": "system", "content": "be brief"},
            {
                "role": "user",
                "content": "read x\n[picture: https://example.org/a.png]",
                "images": ["aGk="],
            },
            {
                "role": "assistant",
                "content": "I look.",
                "thinking": "which?",
                "tool_calls": [
                    called(json!({"path": "x"})),
                    called(json!({"malformed": "{\"pa"})),
                ],
            },
            result("A"),
            result("not called: not JSON"),
            {"role": "assistant", "content": "done"},
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
    assert_eq!(encoded(&request), expected);
}

#[test]
fn the_context_size_covers_request_and_reply() {
    let room = |bytes: usize, max_tokens: u32, window: Option<u64>| {
        let request = ChatRequest::prompt("m", "x".repeat(bytes)).with_max_tokens(max_tokens);
        within(&request, window)["options"]["num_ctx"].as_u64()
    };
    assert_eq!(room(10, 100, None), Some(4096));
    assert_eq!(room(10, 4096, None), Some(8192));
    assert_eq!(room(60_000, 2048, None), Some(32_768));
    assert_eq!(room(60_000, 2048, Some(30_000)), Some(30_000));
    assert_eq!(room(60_000, 2048, Some(131_072)), Some(32_768));
    assert_eq!(room(10, u32::MAX, None), Some(1 << 33));
}

#[test]
fn only_callable_tools_are_sent() {
    let shown = |choice: ToolChoice| {
        let tools = vec![tool("a"), tool("b")];
        let body =
            encoded(&ChatRequest::prompt("m", "u").with_tools(tools).with_tool_choice(choice));
        let tools = body["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().map(|tool| tool["function"]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(shown(ToolChoice::Auto), ["a", "b"]);
    assert_eq!(shown(ToolChoice::Required), ["a", "b"]);
    assert_eq!(shown(ToolChoice::Tool("b".to_owned())), ["b"]);
    assert_eq!(shown(ToolChoice::None), Vec::<Value>::new());
}

#[test]
fn each_option_changes_only_its_field() {
    let prompt = |model: &str| ChatRequest::prompt(model, "u");
    let plain = encoded(&prompt("m"));
    assert_eq!((plain.get("think"), plain.get("format")), (None, None));
    let bare = encoded(&prompt("m").with_temperature(None));
    assert_eq!(bare["options"].get("temperature"), None);

    let think =
        |model: &str, effort| encoded(&prompt(model).with_effort(Some(effort)))["think"].take();
    assert_eq!(think("qwen3:4b", Effort::High), true);
    assert_eq!(think("qwen3:4b", Effort::None), false);
    assert_eq!(think("gpt-oss:20b", Effort::Low), "low");
    assert_eq!(think("gpt-oss:20b", Effort::None), false);

    let schema = json!({"type": "object", "properties": {}});
    let format = ReplyFormat { name: "n".to_owned(), schema: schema.clone() };
    assert_eq!(encoded(&prompt("m").with_format(format))["format"], schema);

    let body = request(&prompt("m"), None, Delivery::Streamed, &ToolNames::default());
    assert_eq!(body["stream"], true);
}

#[test]
fn images_of_a_tool_are_part_of_its_message() {
    let body = encoded(&ChatRequest::new("m", drawn_and_seen()));
    let expected = json!([
        {"role": "tool", "tool_name": "draw", "content": "drawn", "images": ["aGk="]},
        {"role": "tool", "tool_name": "look", "content": "seen"},
    ]);
    assert_eq!(body["messages"].as_array().unwrap()[1..], *expected.as_array().unwrap());
}

#[test]
fn a_hint_is_a_message_of_the_user() {
    let [hint, message] = hint_and_message("m").map(|asked| encoded(&asked));
    assert_eq!(hint, message);
}
