use crate::provider::hint_tests::hint_and_message;
use crate::provider::image_tests::drawn_and_seen;
use crate::provider::tool_names::ToolNames;
use az_core::journal::{ModelReply, ToolOutcome};
use serde_json::{Value, json};

use super::request;
use crate::chat::{
    ChatRequest, Effort, Image, Message, ReplyFormat, ToolChoice, ToolDefinition, ToolMessage,
};

const MODEL: &str = "gemini-3-flash-preview";

fn encoded(asked: &ChatRequest) -> Value {
    let names = ToolNames::new(asked.tools.iter().map(|tool| tool.name.as_str()));
    request(asked, &names)
}

fn tool() -> ToolDefinition {
    ToolDefinition::new("filesystem.read", "Reads", json!({"type": "object"}))
}

fn format() -> ReplyFormat {
    ReplyFormat { name: "answer".to_owned(), schema: json!({"type": "object", "title": "A"}) }
}

fn refused(id: &str, text: &str) -> Message {
    Message::Tool(ToolMessage {
        call_id: id.to_owned(),
        tool: "filesystem.read".to_owned(),
        outcome: ToolOutcome::Refused,
        text: text.to_owned(),
        omitted: 0,
        images: Vec::new(),
        data: None,
    })
}

fn signed() -> ModelReply {
    let call = |id: &str| json!({"name": "old_name", "args": {"path": "a"}, "id": id});
    let parts = json!([
        {"text": "looking"},
        {"functionCall": call("x1"), "thoughtSignature": "sig"},
        {"functionCall": {"name": "filesystem_read", "args": {}}},
    ]);
    let mut reply = ModelReply::text("looking")
        .with_call("filesystem.read", json!({"path": "a"}))
        .with_call("filesystem.read", json!({}));
    reply.calls[0].id = "x1".to_owned();
    reply.replay = Some(Box::new(json!({"gemini": parts})));
    reply
}

#[test]
fn a_conversation_with_tools_is_encoded() {
    let messages = vec![
        Message::system("be brief"),
        Message::Summary { turns: 2, text: "so far".to_owned() },
        Message::user("read a"),
        Message::assistant(ModelReply::default()),
        Message::assistant(signed()),
        Message::tool("x1", "filesystem.read", "A"),
        refused("call_1", "no path"),
        Message::Resumed { text: "again".to_owned() },
        Message::system("and polite"),
    ];
    let asked = ChatRequest::new(MODEL, messages).with_tools(vec![tool()]);
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "be brief"}, {"text": "and polite"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "so far"}]},
            {"role": "user", "parts": [{"text": "read a"}]},
            {"role": "model", "parts": [
                {"text": "looking"},
                {
                    "functionCall": {"name": "filesystem_read", "args": {"path": "a"}, "id": "x1"},
                    "thoughtSignature": "sig",
                },
                {"functionCall": {"name": "filesystem_read", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {
                    "name": "filesystem_read", "id": "x1", "response": {"output": "A"},
                }},
                {"functionResponse": {
                    "name": "filesystem_read", "response": {"error": "not called: no path"},
                }},
            ]},
            {"role": "user", "parts": [{"text": "again"}]},
        ],
        "tools": [{"functionDeclarations": [{
            "name": "filesystem_read",
            "description": "Reads",
            "parametersJsonSchema": {"type": "object"},
        }]}],
        "generationConfig": {
            "maxOutputTokens": 2048,
            "temperature": 0.7,
            "thinkingConfig": {"includeThoughts": true},
        },
    });
    assert_eq!(encoded(&asked), expected);
}

/// Checks `Wire` 4.
#[test]
fn another_providers_turn_is_sent_without_ids() {
    let mut reply = ModelReply { reasoning: "hm".to_owned(), ..ModelReply::text("") }
        .with_call("filesystem.read", json!({"path": "a"}))
        .with_call("filesystem.read", json!("{\"pa"));
    reply.replay = Some(Box::new(json!({"reasoning_details": [1], "anthropic": [{"x": 1}]})));
    let messages = vec![
        Message::user("go"),
        Message::assistant(reply),
        Message::tool("call_0", "filesystem.read", "A"),
        Message::tool("call_1", "filesystem.read", "B"),
    ];
    let parts = |model: &str| {
        let contents = encoded(&ChatRequest::new(model, messages.clone()))["contents"].take();
        (contents[1]["parts"].clone(), contents[2]["parts"].clone())
    };
    let call = |args: Value| json!({"name": "filesystem_read", "args": args});
    let result = |text: &str| json!({"functionResponse": {"name": "filesystem_read", "response": {"output": text}}});
    let first = json!({"functionCall": call(json!({"path": "a"}))});
    let second = json!({"functionCall": call(json!({"malformed": "{\"pa"}))});
    let results = json!([result("A"), result("B")]);
    assert_eq!(parts("gemini-2.5-pro"), (json!([first, second]), results.clone()));
    let mut unsigned = first;
    unsigned["thoughtSignature"] = json!("skip_thought_signature_validator");
    assert_eq!(parts(MODEL), (json!([unsigned, second]), results));
}

#[test]
fn a_turn_with_changed_calls_is_encoded_again() {
    let mut reply = signed();
    reply.calls.truncate(1);
    let asked = ChatRequest::new(MODEL, vec![Message::user("go"), Message::assistant(reply)]);
    assert_eq!(
        encoded(&asked)["contents"][1]["parts"],
        json!([
            {"text": "looking"},
            {
                "functionCall": {"name": "filesystem_read", "args": {"path": "a"}},
                "thoughtSignature": "skip_thought_signature_validator",
            },
        ])
    );
    let mut odd = signed();
    odd.replay =
        Some(Box::new(json!({"gemini": [{"functionCall": 1}, 2, {"functionCall": null}]})));
    let asked = ChatRequest::new(MODEL, vec![Message::assistant(odd)]);
    assert_eq!(encoded(&asked)["contents"][0]["parts"][0], json!({"text": "looking"}));
}

#[test]
fn images_are_sent_as_data_or_by_url() {
    let url = |url: &str| Image::Url(url.to_owned());
    let inline = Image::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
    let images = vec![inline, url("https://x/a.JPG?b=c.png"), url("https://x/a")];
    let asked = ChatRequest::new("m", vec![Message::user_with_images("", images)]);
    assert_eq!(
        encoded(&asked)["contents"][0]["parts"],
        json!([
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x/a.JPG?b=c.png"}},
            {"fileData": {"fileUri": "https://x/a"}},
        ])
    );
}

#[test]
fn each_option_changes_only_its_field() {
    let asked = |model: &str| ChatRequest::prompt(model, "hi").with_temperature(None);
    let config = |asked: &ChatRequest| encoded(asked)["generationConfig"].take();
    assert_eq!(config(&asked("m")), json!({"maxOutputTokens": 2048}));
    assert_eq!(config(&asked("m").with_effort(Some(Effort::High))), config(&asked("m")));
    let stopping = asked("m").with_stop(vec!["END".to_owned()]);
    assert_eq!(config(&stopping)["stopSequences"], json!(["END"]));
    let thinking =
        |model, effort| config(&asked(model).with_effort(effort))["thinkingConfig"].take();
    assert_eq!(thinking("gemini-2.5-flash", Some(Effort::None)), json!({"thinkingBudget": 0}));
    assert_eq!(
        thinking("gemini-2.5-flash", Some(Effort::Low)),
        json!({"thinkingBudget": 1024, "includeThoughts": true})
    );
    assert_eq!(thinking("gemini-2.5-flash", None), json!({"includeThoughts": true}));

    let choose = |choice| {
        let asked = asked("m").with_tools(vec![tool()]).with_tool_choice(choice);
        encoded(&asked)["toolConfig"]["functionCallingConfig"].take()
    };
    assert_eq!(choose(ToolChoice::Auto), Value::Null);
    assert_eq!(choose(ToolChoice::None), json!({"mode": "NONE"}));
    assert_eq!(choose(ToolChoice::Required), json!({"mode": "ANY"}));
    assert_eq!(
        choose(ToolChoice::Tool("filesystem.read".to_owned())),
        json!({"mode": "ANY", "allowedFunctionNames": ["filesystem_read"]})
    );
}

#[test]
fn a_format_is_an_instruction_where_tools_exclude_it() {
    let old = ChatRequest::prompt("gemini-2.5-flash", "hi").with_format(format());
    let config = encoded(&old)["generationConfig"].take();
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseJsonSchema"], format().schema);
    let both = encoded(&old.with_tools(vec![tool()]));
    assert!(both["generationConfig"].get("responseMimeType").is_none());
    let told = both["systemInstruction"]["parts"][0]["text"].as_str().unwrap();
    assert!(told.contains("JSON") && told.contains(&format().schema.to_string()), "{told}");
    let new = ChatRequest::prompt(MODEL, "hi").with_format(format()).with_tools(vec![tool()]);
    assert_eq!(encoded(&new)["generationConfig"]["responseJsonSchema"], format().schema);
    assert!(encoded(&new).get("systemInstruction").is_none());
}

#[test]
fn images_of_a_tool_follow_its_response() {
    let body = encoded(&ChatRequest::new("m", drawn_and_seen()));
    let response = |name: &str, text: &str| json!({"functionResponse": {"name": name, "response": {"output": text}}});
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "aGk="}});
    let expected = json!([response("draw", "drawn"), image, response("look", "seen")]);
    assert_eq!(body["contents"][1]["parts"], expected);
}

#[test]
fn a_hint_is_a_message_of_the_user() {
    let [hint, message] = hint_and_message(MODEL).map(|asked| encoded(&asked));
    assert_eq!(hint, message);
}
