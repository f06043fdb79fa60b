use crate::provider::hint_tests::hint_and_message;
use crate::provider::image_tests::drawn_and_seen;
use crate::provider::tool_names::ToolNames;
use az_core::journal::{ModelReply, ToolCall, ToolOutcome};
use serde_json::{Value, json};

use super::request;
use crate::chat::{
    CacheHints, ChatRequest, Effort, Image, Message, ReplyFormat, ToolChoice, ToolDefinition,
    ToolMessage,
};
use crate::provider::wire::Delivery;

fn tool() -> ToolDefinition {
    ToolDefinition::new("filesystem.read", "Reads", json!({"type": "object"}))
}

fn encoded(asked: &ChatRequest) -> Value {
    let names = ToolNames::new(asked.tools.iter().map(|tool| tool.name.as_str()));
    request(asked, Delivery::Whole, &names)
}

fn said(messages: Vec<Message>) -> Value {
    let mut body = encoded(&ChatRequest::new("claude-sonnet-4-5", messages));
    for turn in body["messages"].as_array_mut().unwrap() {
        for block in turn["content"].as_array_mut().unwrap() {
            block.as_object_mut().unwrap().remove("cache_control");
        }
    }
    body["messages"].take()
}

fn call(id: &str, arguments: Value) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "filesystem.read".to_owned(), arguments }
}

fn calls(calls: Vec<ToolCall>) -> Message {
    Message::assistant(ModelReply { calls, ..ModelReply::default() })
}

fn used(id: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": "filesystem_read", "input": input})
}

fn result(id: &str, text: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": text})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn a_conversation_with_tools_is_encoded() {
    let refused = ToolMessage {
        call_id: "b".to_owned(),
        tool: "filesystem.read".to_owned(),
        outcome: ToolOutcome::Refused,
        text: "not JSON".to_owned(),
        omitted: 0,
        images: Vec::new(),
        data: None,
    };
    let asked = ModelReply {
        calls: vec![call("a", json!({"path": "x"})), call("b", json!("{\"pa"))],
        reasoning: "which?".to_owned(),
        replay: Some(Box::new(json!({"reasoning_details": [{"type": "x"}]}))),
        ..ModelReply::text("I look.")
    };
    let shown = Image::Inline { media_type: "image/png".to_owned(), data: "aGk=".to_owned() };
    let linked = Image::Url("https://example.org/a.png".to_owned());
    let messages = vec![
        Message::system("be brief"),
        Message::Summary { turns: 2, text: "so far".to_owned() },
        Message::user_with_images("read x", vec![shown, linked]),
        Message::assistant(ModelReply::text(" \n")),
        Message::assistant(asked),
        Message::tool("a", "filesystem.read", "A"),
        Message::Resumed { text: "again".to_owned() },
        Message::Tool(refused),
        Message::system("and kind"),
    ];
    let request = ChatRequest::new("claude-sonnet-4-5", messages)
        .with_tools(vec![tool()])
        .with_stop(vec!["END".to_owned()]);
    let cached = json!({"type": "ephemeral"});
    let url = "https://example.org/a.png";
    let mut refused = result("b", "not JSON");
    refused["is_error"] = json!(true);
    let expected = json!({
        "model": "claude-sonnet-4-5",
        "max_tokens": 2048,
        "temperature": 0.7,
        "stop_sequences": ["END"],
        "system": [
            text("be brief"),
            {"type": "text", "text": "and kind", "cache_control": cached},
        ],
        "tools": [{
            "name": "filesystem_read",
            "description": "Reads",
            "input_schema": {"type": "object"},
        }],
        "messages": [
            {"role": "user", "content": [
                text("so far"),
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                },
                {"type": "image", "source": {"type": "url", "url": url}},
                {"type": "text", "text": "read x", "cache_control": cached},
            ]},
            {"role": "assistant", "content": [
                text("I look."),
                used("a", &json!({"path": "x"})),
                used("b", &json!({"malformed": "{\"pa"})),
            ]},
            {"role": "user", "content": [
                result("a", "A"),
                refused,
                {"type": "text", "text": "again", "cache_control": cached},
            ]},
        ],
    });
    assert_eq!(encoded(&request), expected);
}

/// Checks `Wire` 4.
#[test]
fn a_turn_is_sent_back_unchanged_and_another_providers_as_text() {
    let kept = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s=="},
        {"type": "redacted_thinking", "data": "x"},
        text("first"),
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
        used("a", &json!({"path": "x"})),
        text("then"),
    ]);
    let reply = ModelReply {
        calls: vec![call("a", json!({"path": "x"}))],
        replay: Some(Box::new(json!({"anthropic": kept}))),
        ..ModelReply::text("firstthen")
    };
    let turn = |reply: &ModelReply| {
        said(vec![Message::user("go"), Message::assistant(reply.clone())])[1]["content"].take()
    };
    assert_eq!(turn(&reply), kept);

    let neutral = json!([text("firstthen"), used("a", &json!({"path": "x"}))]);
    let elsewhere = |replay: Value| ModelReply { replay: Some(Box::new(replay)), ..reply.clone() };
    assert_eq!(turn(&elsewhere(json!({"gemini": [{"x": 1}]}))), neutral);
    assert_eq!(turn(&elsewhere(json!({"anthropic": "?"}))), neutral);
    let more_calls = json!({"anthropic": [used("a", &json!({})), used("b", &json!({}))]});
    assert_eq!(turn(&elsewhere(more_calls)), neutral, "its calls are not those of the turn");
}

#[test]
fn a_paused_turn_is_sent_back_at_the_end() {
    let kept = json!([
        text("searching"),
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
    ]);
    let paused = ModelReply {
        stop: "pause_turn".to_owned(),
        replay: Some(Box::new(json!({"anthropic": kept}))),
        ..ModelReply::text("searching")
    };
    let user = json!({"role": "user", "content": [text("go")]});
    let mut messages = vec![Message::user("go"), Message::assistant(paused)];
    let expected = json!([user, {"role": "assistant", "content": kept}]);
    assert_eq!(said(messages.clone()), expected);

    messages.push(Message::assistant(ModelReply::text("found")));
    let mut both = kept;
    both.as_array_mut().unwrap().push(text("found"));
    assert_eq!(said(messages), json!([user, {"role": "assistant", "content": both}]));
}

#[test]
fn calls_have_unique_ids_that_results_refer_to() {
    let messages = vec![
        Message::user("go"),
        calls(vec![call("call_0", json!({})), call("fc|1", json!({}))]),
        Message::tool("fc|1", "t", "B"),
        Message::tool("call_0", "t", "A"),
        calls(vec![call("call_0", json!({})), call("", json!({})), call("", json!({}))]),
        Message::tool("call_0", "t", "C"),
        Message::tool("", "t", "D"),
        Message::tool("", "t", "E"),
        Message::tool("gone", "t", "F"),
    ];
    let expected = json!([
        {"role": "user", "content": [text("go")]},
        {"role": "assistant", "content": [used("call_0", &json!({})), used("fc_1", &json!({}))]},
        {"role": "user", "content": [result("fc_1", "B"), result("call_0", "A")]},
        {"role": "assistant", "content": [
            used("call_0_2", &json!({})), used("call", &json!({})), used("call_2", &json!({})),
        ]},
        {"role": "user", "content": [
            result("call_0_2", "C"), result("call", "D"), result("call_2", "E"), text("t: F"),
        ]},
    ]);
    assert_eq!(said(messages), expected);
}

#[test]
fn only_reused_prefixes_are_cached() {
    let marks = |request: &ChatRequest| encoded(request).to_string().matches("ephemeral").count();
    let once = ChatRequest::new("m", vec![Message::system("s"), Message::user("u")]);
    assert_eq!(marks(&once), 0);
    let with_tools = once.clone().with_tools(vec![tool()]);
    assert_eq!(marks(&with_tools), 2, "the system prompt with the tools, and the question");
    let prompt = ChatRequest::prompt("m", "u").with_tools(vec![tool()]);
    assert_eq!(encoded(&prompt)["tools"][0]["cache_control"], json!({"type": "ephemeral"}));
    let mut longer = once;
    for word in ["a", "b", "c"] {
        longer.messages.push(Message::assistant(ModelReply::text(word)));
        longer.messages.push(Message::user(word));
    }
    assert_eq!(marks(&longer), 3, "the system prompt, and the last two turns of ours");
}

#[test]
fn the_tool_choice_is_sent_only_with_tools() {
    let choice = |choice: ToolChoice, tools| {
        let request = ChatRequest::prompt("m", "u").with_tools(tools).with_tool_choice(choice);
        encoded(&request)["tool_choice"].take()
    };
    assert_eq!(choice(ToolChoice::Auto, vec![tool()]), json!(null));
    assert_eq!(choice(ToolChoice::None, vec![tool()]), json!({"type": "none"}));
    assert_eq!(choice(ToolChoice::Required, vec![tool()]), json!({"type": "any"}));
    let this = ToolChoice::Tool("filesystem.read".to_owned());
    assert_eq!(choice(this, vec![tool()]), json!({"type": "tool", "name": "filesystem_read"}));
    assert_eq!(choice(ToolChoice::Required, Vec::new()), json!(null));
}

#[test]
fn thinking_has_the_models_form_and_excludes_a_temperature() {
    let options = |model: &str, effort: Option<Effort>| {
        let request = ChatRequest::prompt(model, "u").with_max_tokens(10_000).with_effort(effort);
        let body = encoded(&request);
        let part = |name: &str| body.get(name).cloned().unwrap_or_default();
        [part("thinking"), part("output_config"), part("temperature")]
    };
    let null = || json!(null);
    let budget = json!({"type": "enabled", "budget_tokens": 8000});
    let adaptive = json!({"type": "adaptive"});
    let shown = json!({"type": "adaptive", "display": "summarized"});
    let high = json!({"effort": "high"});
    for (model, plain, thoughtful) in [
        ("claude-3-5-haiku", json!(0.7), [null(), null(), json!(0.7)]),
        ("claude-haiku-4-5", json!(0.7), [budget, null(), null()]),
        ("claude-sonnet-4-6", json!(0.7), [adaptive, high.clone(), null()]),
        ("claude-opus-4-7", null(), [shown.clone(), high.clone(), null()]),
    ] {
        assert_eq!(options(model, None), [null(), null(), plain.clone()], "{model}");
        assert_eq!(options(model, Some(Effort::None)), [null(), null(), plain], "{model}");
        assert_eq!(options(model, Some(Effort::High)), thoughtful, "{model}");
    }
    let disabled = json!({"type": "disabled"});
    let between = json!({"type": "between_tools"});
    let low = json!({"effort": "low"});
    for (model, rest) in [
        ("claude-opus-5", [disabled, null(), null()]),
        ("claude-sonnet-5-5", [between, null(), null()]),
        ("claude-opus-5-5", [null(), low, null()]),
    ] {
        assert_eq!(options(model, None), [shown.clone(), null(), null()], "{model}");
        assert_eq!(options(model, Some(Effort::High)), [shown.clone(), high.clone(), null()]);
        assert_eq!(options(model, Some(Effort::None)), rest, "{model}");
    }
    let elsewhere = options("deepseek-v4-pro", Some(Effort::None));
    assert_eq!(elsewhere, [json!({"type": "disabled"}), null(), json!(0.7)]);
}

#[test]
fn bound_reasoning_is_sent_back_only_to_its_model() {
    let thought = json!({"type": "thinking", "thinking": "", "signature": "s"});
    let kept = json!({"anthropic": [thought, text("so")], "model": "claude-opus-5-5"});
    let reply = ModelReply { replay: Some(Box::new(kept)), ..ModelReply::text("so") };
    let sent = |model: &str, first: Message| {
        let messages = vec![first, Message::assistant(reply.clone()), Message::user("on")];
        encoded(&ChatRequest::new(model, messages))["messages"][1]["content"].take()
    };
    let all = json!([thought, text("so")]);
    assert_eq!(sent("claude-opus-5-5", Message::user("go")), all);
    assert_eq!(sent("claude-sonnet-4-6", Message::user("go")), all);
    let words = json!([text("so")]);
    assert_eq!(sent("claude-sonnet-5-5", Message::user("go")), words);
    let summary = Message::Summary { turns: 1, text: "so far".to_owned() };
    assert_eq!(sent("claude-opus-5-5", summary), words, "it is another conversation");
}

#[test]
fn a_thinking_budget_is_omitted_where_it_would_be_refused() {
    let effort = Some(Effort::Low);
    let thinks = |request: ChatRequest| {
        let request = request.with_effort(effort).with_tools(vec![tool()]);
        encoded(&request.with_max_tokens(10_000)).get("thinking").is_some()
    };
    let asked = |reply: ModelReply| {
        let turn = Message::assistant(ModelReply { calls: vec![call("a", json!({}))], ..reply });
        let result = Message::tool("a", "t", "A");
        ChatRequest::new("claude-haiku-4-5", vec![Message::user("u"), turn, result])
    };
    assert!(thinks(ChatRequest::prompt("claude-haiku-4-5", "u")));
    assert!(!thinks(asked(ModelReply::default())), "its work began without");
    let kept =
        json!([{"type": "thinking", "thinking": "", "signature": "s"}, used("a", &json!({}))]);
    let replay = Some(Box::new(json!({"anthropic": kept})));
    assert!(thinks(asked(ModelReply { replay, ..ModelReply::default() })));
    let forced =
        ChatRequest::prompt("claude-haiku-4-5", "u").with_tool_choice(ToolChoice::Required);
    assert!(!thinks(forced), "it has to call a tool");
}

#[test]
fn structured_output_has_the_models_form() {
    let item = json!({"type": "object", "properties": {}});
    let schema =
        json!({"type": "object", "properties": {"items": {"type": "array", "items": item}}});
    let shaped = |model: &str| {
        let format = ReplyFormat { name: "list".to_owned(), schema: schema.clone() };
        ChatRequest::prompt(model, "u").with_format(format)
    };
    let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let expected = json!({"format": {"type": "json_schema", "schema": {
        "type": "object",
        "additionalProperties": false,
        "properties": {"items": {"type": "array", "items": closed}},
    }}});
    let body = encoded(&shaped("claude-sonnet-4-6"));
    assert_eq!((&body["output_config"], body.get("tools")), (&expected, None));

    let older = shaped("claude-sonnet-4-0").with_effort(Some(Effort::High)).with_max_tokens(9000);
    let body = encoded(&older);
    assert_eq!(body["tools"][0]["input_schema"], schema);
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "_answer"}));
    assert_eq!((body.get("thinking"), body.get("output_config")), (None, None));

    let choice = |choice: ToolChoice| {
        encoded(&older.clone().with_tools(vec![tool()]).with_tool_choice(choice))["tool_choice"]
            .take()
    };
    assert_eq!(choice(ToolChoice::Auto), json!({"type": "any"}));
    assert_eq!(choice(ToolChoice::None), json!({"type": "tool", "name": "_answer"}));
    let this = ToolChoice::Tool("filesystem.read".to_owned());
    assert_eq!(choice(this), json!({"type": "tool", "name": "filesystem_read"}));
}

#[test]
fn streaming_is_requested() {
    let body = request(&ChatRequest::prompt("m", "u"), Delivery::Streamed, &ToolNames::default());
    assert_eq!(body["stream"], true);
}

#[test]
fn images_of_a_tool_are_part_of_its_result() {
    let source = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    let drawn = json!([text("drawn"), {"type": "image", "source": source}]);
    let expected = json!([
        {"type": "tool_result", "tool_use_id": "call_0", "content": drawn},
        result("call_1", "seen"),
    ]);
    assert_eq!(said(drawn_and_seen())[1]["content"], expected);
}

#[test]
fn a_hint_is_a_message_of_the_user() {
    let [hint, message] = hint_and_message("claude-sonnet-4-5").map(|asked| encoded(&asked));
    assert_eq!(hint, message);
}

/// Returns the places of the marks: the part of the body, the number of the message and of the block, and
/// the life.
fn marks(body: &Value) -> Vec<String> {
    let life = |block: &Value| {
        let mark = block.get("cache_control")?;
        Some(mark.get("ttl").and_then(Value::as_str).unwrap_or("5m").to_owned())
    };
    let system = body["system"].as_array().unwrap().iter();
    let system = system.filter_map(|block| Some(format!("system {}", life(block)?)));
    let messages = body["messages"].as_array().unwrap().iter().enumerate();
    let messages = messages.flat_map(|(place, message)| {
        let blocks = message["content"].as_array().unwrap().iter().enumerate();
        blocks
            .filter_map(move |(block, content)| Some(format!("{place}.{block} {}", life(content)?)))
    });
    system.chain(messages).collect()
}

fn long_conversation() -> Vec<Message> {
    let turn = |n: usize| {
        let reply = ModelReply::text("hm").with_call("a", json!({})).with_call("b", json!({}));
        let results = ["call_0", "call_1"].map(|id| Message::tool(id, "a", format!("result {n}")));
        std::iter::once(Message::assistant(reply)).chain(results)
    };
    let start = [Message::system("s"), Message::user("input"), Message::user("task")];
    start.into_iter().chain((0..4).flat_map(turn)).collect()
}

#[test]
fn boundaries_are_marked_from_the_last_on_and_the_system_text_first() {
    let request = |boundaries: &[usize]| {
        let hints = CacheHints::of("t").with_boundaries(boundaries.to_vec());
        ChatRequest::new("claude-sonnet-4-5", long_conversation())
            .with_tools(vec![tool()])
            .with_cache(hints)
    };
    // Messages of one role are one turn: the task is turn 0, and results are the turns 2, 4, 6 and 8.
    for (boundaries, expected) in [
        (&[1, 3, 12, 15][..], &["system 5m", "0.1 5m", "6.1 5m", "8.1 5m"][..]),
        (&[1, 3, 9, 12, 15], &["system 5m", "4.1 5m", "6.1 5m", "8.1 5m"]),
        (&[15], &["system 5m", "8.1 5m"]),
        // A boundary after a turn of the model, one within a turn, and one beyond the end.
        (&[4, 2, 99], &["system 5m", "0.1 5m"]),
    ] {
        assert_eq!(marks(&encoded(&request(boundaries))), expected, "{boundaries:?}");
    }
    let without = ChatRequest { cache: CacheHints::default(), ..request(&[]) };
    assert_eq!(marks(&encoded(&without)), ["system 5m", "6.1 5m", "8.1 5m"]);
}

#[test]
fn the_system_text_is_kept_for_an_hour_when_a_pause_is_expected() {
    let hints = CacheHints::of("t").with_boundaries(vec![1, 15]).expecting_pause(true);
    let request = ChatRequest::new("claude-sonnet-4-5", long_conversation()).with_cache(hints);
    assert_eq!(marks(&encoded(&request)), ["system 1h", "8.1 5m"]);
}
