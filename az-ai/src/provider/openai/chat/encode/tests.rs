use az_core::journal::{ModelReply, ToolOutcome};
use serde_json::{Value, json};

use super::request;
use crate::chat::{
    ChatRequest, Effort, Message, ReplyFormat, ToolChoice, ToolDefinition, ToolMessage,
};
use crate::provider::hint_tests::hint_and_message;
use crate::provider::image_tests::drawn_and_seen;
use crate::provider::openai::dialect::Dialect;
use crate::provider::tool_names::ToolNames;
use crate::provider::wire::Delivery;

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
        images: Vec::new(),
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
    let tool = ToolDefinition::new("filesystem.read", "Reads", json!({"type": "object"}));
    ChatRequest::new("m", messages).with_tools(vec![tool])
}

fn encoded(asked: &ChatRequest, dialect: Dialect) -> Value {
    let names = ToolNames::new(asked.tools.iter().map(|tool| tool.name.as_str()));
    request(asked, dialect, Delivery::Whole, &names)
}

#[test]
fn a_conversation_with_tools_is_encoded() {
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
fn each_option_changes_only_its_field() {
    let plain = encoded(&conversation(), COMPATIBLE);
    let thoughtful = Dialect::DEEPSEEK;
    let message = &encoded(&conversation(), thoughtful)["messages"][3];
    assert_eq!(message["reasoning_content"], "which?");

    let body = encoded(&conversation().with_max_tokens(7).with_temperature(None), Dialect::OPENAI);
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

    let names = ToolNames::default();
    let body = request(&conversation(), COMPATIBLE, Delivery::Streamed, &names);
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
}

fn shape() -> ReplyFormat {
    ReplyFormat { name: "answer".to_owned(), schema: json!({"type": "object", "title": "A"}) }
}

#[test]
fn structured_output_is_a_schema_or_an_instruction() {
    let asked = conversation().with_format(shape());
    let schema = json!({"name": "answer", "schema": shape().schema, "strict": false});
    assert_eq!(
        encoded(&asked, COMPATIBLE)["response_format"],
        json!({"type": "json_schema", "json_schema": schema})
    );
    let told = encoded(&asked, Dialect::DEEPSEEK);
    assert_eq!(told["response_format"], json!({"type": "json_object"}));
    let words = told["messages"][0]["content"].as_str().unwrap();
    assert!(words.contains("JSON") && words.contains(&shape().schema.to_string()), "{words}");
    assert_eq!(told["messages"][1]["content"], "be brief");
}

#[test]
fn only_supported_parameters_are_sent() {
    let keys = ["temperature", "stop", "reasoning_effort", "thinking"];
    let set = |model: &str, dialect, effort| {
        let mut asked = conversation().with_stop(vec!["END".to_owned()]).with_effort(effort);
        asked.model = model.to_owned();
        let body = encoded(&asked, dialect);
        keys.map(|key| body.get(key).cloned().unwrap_or_default())
    };
    let (warm, end, no) = (json!(0.7), json!(["END"]), Value::Null);
    let high = Some(Effort::High);
    let all = |word: &str| [warm.clone(), end.clone(), json!(word), no.clone()];
    assert_eq!(set("m", COMPATIBLE, high), all("high"));
    assert_eq!(
        set("gpt-4o", Dialect::OPENAI, high),
        [warm.clone(), end.clone(), no.clone(), no.clone()]
    );
    assert_eq!(
        set("o3", Dialect::OPENAI, high),
        [no.clone(), no.clone(), json!("high"), no.clone()]
    );
    assert_eq!(set("m", Dialect::DEEPSEEK, high), all("high"));
    let calm = [warm, end, no, json!({"type": "disabled"})];
    assert_eq!(set("m", Dialect::DEEPSEEK, Some(Effort::None)), calm);
}

#[test]
fn a_forced_call_disables_thinking_where_required() {
    let thinking = |asked: &ChatRequest| encoded(asked, Dialect::DEEPSEEK).get("thinking").cloned();
    let forced = conversation().with_tool_choice(ToolChoice::Required);
    assert_eq!(thinking(&forced), Some(json!({"type": "disabled"})));
    assert_eq!(thinking(&forced.with_effort(Some(Effort::Low))), None);
    assert_eq!(thinking(&conversation()), None);
}

#[test]
fn reasoning_content_is_sent_with_calls_even_if_empty() {
    let bare = ModelReply::text("").with_call("filesystem.read", json!({}));
    let asked = ChatRequest::new("m", vec![Message::assistant(bare)]);
    assert_eq!(encoded(&asked, Dialect::DEEPSEEK)["messages"][0]["reasoning_content"], "");
    let plain = ChatRequest::new("m", vec![Message::assistant(ModelReply::text("hi"))]);
    assert!(encoded(&plain, Dialect::DEEPSEEK)["messages"][0].get("reasoning_content").is_none());
}

#[test]
fn replay_data_of_another_provider_is_ignored() {
    let foreign =
        json!({"gemini": [1], "responses": [2], "anthropic": [3], "reasoning_details": 4});
    let reply = ModelReply { replay: Some(Box::new(foreign)), ..ModelReply::text("hi") };
    let asked = ChatRequest::new("m", vec![Message::assistant(reply)]);
    assert_eq!(
        encoded(&asked, COMPATIBLE)["messages"],
        json!([{"role": "assistant", "content": "hi"}])
    );
}

#[test]
fn unsupported_ids_are_replaced() {
    let ids = |id: &str, dialect| {
        let mut reply = ModelReply::text("").with_call("x", json!({}));
        reply.calls[0].id = id.to_owned();
        let messages = vec![Message::assistant(reply), Message::tool(id, "x", "ok")];
        let messages = encoded(&ChatRequest::new("m", messages), dialect)["messages"].take();
        let (call, result) = (&messages[0]["tool_calls"][0]["id"], &messages[1]["tool_call_id"]);
        assert_eq!(call, result);
        call.as_str().unwrap().to_owned()
    };
    assert_eq!(ids("call_0", COMPATIBLE), "call_0");
    assert_eq!(ids("D681PevKs", Dialect::MISTRAL), "D681PevKs");
    let made = ["call_0", "call_1", "", "toolu_01A09q90qw90lq917835lq9"]
        .map(|id| ids(id, Dialect::MISTRAL));
    for id in &made {
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    }
    assert_ne!(made[0], made[1]);
}

#[test]
fn images_of_tools_follow_the_results_of_the_turn() {
    let body = encoded(&ChatRequest::new("m", drawn_and_seen()), Dialect::OPENAI);
    let url = json!({"url": "data:image/png;base64,aGk="});
    let expected = json!([
        {"role": "tool", "tool_call_id": "call_0", "content": "drawn"},
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
        {"role": "user", "content": [
            {"type": "text", "text": "Images that draw returned:"},
            {"type": "image_url", "image_url": url},
        ]},
    ]);
    assert_eq!(body["messages"].as_array().unwrap()[1..], *expected.as_array().unwrap());
}

#[test]
fn a_hint_is_a_message_of_the_user() {
    let [hint, message] = hint_and_message("m").map(|asked| encoded(&asked, COMPATIBLE));
    assert_eq!(hint, message);
}
