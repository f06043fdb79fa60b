use crate::provider::hint_tests::hint_and_message;
use crate::provider::image_tests::drawn_and_seen;
use crate::provider::tool_names::ToolNames;
use az_core::journal::ModelReply;
use serde_json::{Value, json};

use super::request;
use crate::chat::{ChatRequest, Effort, Image, Message, ReplyFormat, ToolChoice, ToolDefinition};
use crate::provider::openai::dialect::Dialect;
use crate::provider::wire::Delivery;

fn encoded(asked: &ChatRequest) -> Value {
    let names = ToolNames::new(asked.tools.iter().map(|tool| tool.name.as_str()));
    request(asked, Dialect::OPENAI, Delivery::Whole, &names)
}

fn tool() -> ToolDefinition {
    ToolDefinition::new("filesystem.read", "Reads", json!({"type": "object"}))
}

fn thoughtful() -> ModelReply {
    let items = json!([
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xx"},
        {"type": "message", "id": "msg_1", "role": "assistant", "phase": "commentary",
            "content": [{"type": "output_text", "text": "looking"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "old_name", "arguments": "{}"},
    ]);
    ModelReply {
        replay: Some(Box::new(json!({"responses": items}))),
        ..ModelReply::text("looking").with_call("filesystem.read", json!({}))
    }
}

#[test]
fn a_conversation_with_tools_and_encrypted_reasoning_is_encoded() {
    let foreign = ModelReply {
        replay: Some(Box::new(json!({"gemini": [], "reasoning_details": [1]}))),
        ..ModelReply::text("again")
            .with_call("filesystem.read", json!({"path": "a"}))
            .with_call("filesystem.read", json!("{\"pa"))
    };
    let messages = vec![
        Message::system("be brief"),
        Message::user("read a"),
        Message::assistant(ModelReply::default()),
        Message::assistant(thoughtful()),
        Message::tool("c1", "filesystem.read", "A"),
        Message::assistant(foreign),
        Message::Resumed { text: "go on".to_owned() },
    ];
    let mut items = thoughtful().replay.unwrap()["responses"].take();
    items[2]["name"] = json!("filesystem_read");
    let call = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "filesystem_read", "arguments": arguments});
    let asked = ChatRequest::new("gpt-5-pro", messages).with_tools(vec![tool()]);
    let expected = json!({
        "model": "gpt-5-pro",
        "input": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "read a"},
            items[0], items[1], items[2],
            {"type": "function_call_output", "call_id": "c1", "output": "A"},
            {"type": "message", "role": "assistant", "content": "again"},
            call("call_0", "{\"path\":\"a\"}"),
            call("call_1", "{\"malformed\":\"{\\\"pa\"}"),
            {"role": "user", "content": "go on"},
        ],
        "max_output_tokens": 2048,
        "store": false, "service_tier": "default",
        "include": ["reasoning.encrypted_content"],
        "tools": [{
            "type": "function",
            "name": "filesystem_read",
            "description": "Reads",
            "parameters": {"type": "object"},
            "strict": false,
        }],
    });
    assert_eq!(encoded(&asked), expected);
}

#[test]
fn a_turn_with_changed_calls_is_encoded_again() {
    let mut reply = thoughtful();
    reply.calls.clear();
    let asked = ChatRequest::new("o3-pro", vec![Message::assistant(reply)]);
    let told = json!([{"type": "message", "role": "assistant", "content": "looking"}]);
    assert_eq!(encoded(&asked)["input"], told);
}

#[test]
fn each_option_changes_only_its_field() {
    let plain = ChatRequest::prompt("gpt-4o", "hi");
    assert_eq!(
        encoded(&plain),
        json!({
            "model": "gpt-4o", "input": [{"role": "user", "content": "hi"}],
            "max_output_tokens": 2048, "temperature": 0.7, "store": false, "service_tier": "default",
        })
    );
    let asked = || ChatRequest::prompt("gpt-5.2", "hi").with_tools(vec![tool()]);
    let choose = |choice| encoded(&asked().with_tool_choice(choice))["tool_choice"].take();
    assert_eq!(choose(ToolChoice::Auto), Value::Null);
    assert_eq!(choose(ToolChoice::None), "none");
    assert_eq!(choose(ToolChoice::Required), "required");
    assert_eq!(
        choose(ToolChoice::Tool("filesystem.read".to_owned())),
        json!({"type": "function", "name": "filesystem_read"})
    );
    let effort = encoded(&asked().with_effort(Some(Effort::High)))["reasoning"].take();
    assert_eq!(effort, json!({"effort": "high"}));
    let schema = json!({"type": "object"});
    let format = ReplyFormat { name: "answer".to_owned(), schema: schema.clone() };
    assert_eq!(
        encoded(&asked().with_format(format))["text"]["format"],
        json!({"type": "json_schema", "name": "answer", "schema": schema, "strict": false})
    );
    let names = ToolNames::default();
    let body = request(&plain, Dialect::OPENAI, Delivery::Streamed, &names);
    assert_eq!((&body["stream"], body.get("stream_options")), (&json!(true), None));
}

#[test]
fn images_are_sent_as_data_or_by_url() {
    let inline = Image::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
    let images = vec![inline, Image::Url("https://x/a".to_owned())];
    let asked = ChatRequest::new("m", vec![Message::user_with_images("see", images)]);
    assert_eq!(
        encoded(&asked)["input"][0]["content"],
        json!([
            {"type": "input_text", "text": "see"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
            {"type": "input_image", "image_url": "https://x/a", "detail": "auto"},
        ])
    );
}

#[test]
fn images_of_a_tool_are_part_of_its_output() {
    let body = encoded(&ChatRequest::new("m", drawn_and_seen()));
    let image =
        json!({"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"});
    let expected = json!([
        {"type": "function_call_output", "call_id": "call_0",
            "output": [{"type": "input_text", "text": "drawn"}, image]},
        {"type": "function_call_output", "call_id": "call_1", "output": "seen"},
    ]);
    assert_eq!(body["input"].as_array().unwrap()[2..], *expected.as_array().unwrap());
}

#[test]
fn a_hint_is_a_message_of_the_user() {
    let [hint, message] = hint_and_message("gpt-5-pro").map(|asked| encoded(&asked));
    assert_eq!(hint, message);
}
