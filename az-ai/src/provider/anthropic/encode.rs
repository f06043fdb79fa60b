//! Requests.

use az_core::naming::NameMap;
use serde_json::{Map, Value, json};

use super::conversation::{Conversation, Turn};
use super::dialect::{self, Dialect, Formats, Temperature, Thinking};
use super::turn::{ANSWER, is};
use crate::chat::{ChatRequest, Message, ReplyFormat, ToolChoice, ToolDefinition};
use crate::provider::json::decimal;
use crate::provider::wire::Delivery;

/// Returns a request's body.
pub(super) fn request(request: &ChatRequest, delivery: Delivery, names: &NameMap) -> Value {
    let dialect = Dialect::of(&request.model);
    let mut conversation = Conversation::new(&request.messages, names);
    let asked = Tools::of(request, dialect, names);
    let mut config = Map::new();
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("model", json!(request.model));
    put("max_tokens", json!(request.max_tokens));
    if !request.stop.is_empty() {
        put("stop_sequences", json!(request.stop));
    }
    let thinking = if asked.forced { None } else { thinking(request, dialect, &conversation) };
    match (thinking, request.temperature) {
        (Some(thinking), _) => {
            put("thinking", thinking);
        }
        (None, Some(temperature)) if dialect.temperature == Temperature::Taken => {
            put("temperature", decimal(temperature));
        }
        (None, _) => {}
    }
    if let Thinking::Adaptive | Thinking::Hidden = dialect.thinking {
        let word = request.effort.and_then(dialect::word);
        config.extend(word.map(|word| ("effort".to_owned(), json!(word))));
    }
    if let (Some(format), Formats::Native) = (&request.format, dialect.formats) {
        let schema = closed(format.schema.clone());
        config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    if !config.is_empty() {
        put("output_config", Value::Object(config));
    }
    let mut tools = asked.tools;
    if is_to_be_cached(request) {
        cache(&mut tools, &mut conversation);
    }
    let Conversation { system, turns } = conversation;
    if !system.is_empty() {
        put("system", Value::Array(system));
    }
    if !tools.is_empty() {
        put("tools", Value::Array(tools));
        asked.choice.map(|choice| put("tool_choice", choice));
    }
    let turn = |turn: Turn| json!({"role": turn.role, "content": turn.blocks});
    put("messages", turns.into_iter().map(turn).collect());
    if delivery == Delivery::Streamed {
        put("stream", json!(true));
    }
    Value::Object(body)
}

/// Says how much to think. A model that is given a budget must not be asked to think in the middle
/// of work that it began without.
fn thinking(request: &ChatRequest, dialect: Dialect, so_far: &Conversation) -> Option<Value> {
    let effort = request.effort?;
    match dialect.thinking {
        Thinking::Never => None,
        Thinking::Budget if so_far.is_thoughtless() => None,
        Thinking::Budget => {
            let budget = dialect::budget(effort, request.max_tokens)?;
            Some(json!({"type": "enabled", "budget_tokens": budget}))
        }
        Thinking::Adaptive => dialect::word(effort).map(|_| json!({"type": "adaptive"})),
        Thinking::Hidden => {
            let shown = json!({"type": "adaptive", "display": "summarized"});
            dialect::word(effort).map(|_| shown)
        }
    }
}

/// What the model may call.
#[derive(Debug)]
struct Tools {
    tools: Vec<Value>,
    choice: Option<Value>,
    /// Whether it has to call one: it cannot think then.
    forced: bool,
}

impl Tools {
    fn of(request: &ChatRequest, dialect: Dialect, names: &NameMap) -> Self {
        let mut tools: Vec<Value> = request.tools.iter().map(|t| tool(t, names)).collect();
        let choice = (!tools.is_empty()).then_some(&request.tool_choice);
        let mut choice = choice.and_then(|choice| choose(choice, names));
        if let (Some(format), Formats::Tool) = (&request.format, dialect.formats) {
            // With tools to choose from it may call them before it answers.
            let may_call = !tools.is_empty() && request.tool_choice != ToolChoice::None;
            let only = json!({"type": "tool", "name": ANSWER});
            choice = match &request.tool_choice {
                ToolChoice::Tool(_) if may_call => choice,
                _ if may_call => Some(json!({"type": "any"})),
                _ => Some(only),
            };
            tools.push(answer(format));
        }
        let forces = |choice: &Value| is(choice, "any") || is(choice, "tool");
        let forced = choice.as_ref().is_some_and(forces);
        Self { tools, choice, forced }
    }
}

fn tool(tool: &ToolDefinition, names: &NameMap) -> Value {
    let schema = match &tool.schema {
        schema @ Value::Object(_) => schema.clone(),
        _ => json!({"type": "object"}),
    };
    json!({
        "name": names.outward(&tool.name),
        "description": tool.description,
        "input_schema": schema,
    })
}

/// Returns the tool whose input is the answer.
fn answer(format: &ReplyFormat) -> Value {
    let description = format!("Gives the answer: {}.", format.name);
    json!({"name": ANSWER, "description": description, "input_schema": format.schema})
}

fn choose(choice: &ToolChoice, names: &NameMap) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Tool(name) => Some(json!({"type": "tool", "name": names.outward(name)})),
    }
}

/// Says of every object in a schema that it has no other fields, which the provider insists on.
fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(|field| *field = closed(field.take()));
            if fields.get("type").and_then(Value::as_str) == Some("object") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = closed(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

/// Whether the same beginning is likely to be sent again soon: there are tools whose results are
/// to follow, or it was sent before. Writing to the cache costs a quarter more than sending, and
/// reading from it a tenth.
fn is_to_be_cached(request: &ChatRequest) -> bool {
    let spoken = |message: &Message| matches!(message, Message::Assistant { .. });
    !request.tools.is_empty() || request.messages.iter().any(spoken)
}

/// Marks up to where requests are the same: the tools and the system prompt, which come first, and
/// the last two turns of ours. The mark before the last finds what was cached even when more has
/// happened since than the provider looks back.
fn cache(tools: &mut [Value], conversation: &mut Conversation) {
    mark(conversation.system.last_mut().or(tools.last_mut()));
    let ours = conversation.turns.iter_mut().rev().filter(|turn| turn.role == "user");
    for turn in ours.take(2) {
        mark(turn.blocks.last_mut());
    }
}

fn mark(block: Option<&mut Value>) {
    if let Some(block) = block.and_then(Value::as_object_mut) {
        block.insert("cache_control".to_owned(), json!({"type": "ephemeral"}));
    }
}

#[cfg(test)]
mod tests;
