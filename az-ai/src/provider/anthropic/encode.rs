//! Encodes requests.

use crate::provider::tool_names::ToolNames;
use serde_json::{Map, Value, json};

use super::cache;
use super::conversation::{Conversation, ConversationTurn};
use super::dialect::{self, Dialect, Formats, Rest, Temperature, Thinking};
use super::turn::{ANSWER, is};
use crate::chat::{ChatRequest, Effort, ReplyFormat, ToolChoice, ToolDefinition};
use crate::provider::json::decimal;
use crate::provider::wire::Delivery;

/// Returns a request's body.
pub(super) fn request(request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> Value {
    let dialect = Dialect::of(&request.model);
    let mut conversation = Conversation::new(request, dialect, names);
    let asked = Tools::of(request, dialect, names);
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("model", json!(request.model));
    put("max_tokens", json!(request.max_tokens));
    if !request.stop.is_empty() {
        put("stop_sequences", json!(request.stop));
    }
    let thinking = thinking(request, dialect, &conversation, asked.calls);
    let thinks = thinking.as_ref().is_some_and(|thinking| !is(thinking, "disabled"));
    if let Some(thinking) = thinking {
        put("thinking", thinking);
    }
    if let (Some(temperature), Temperature::Taken, false) =
        (request.temperature, dialect.temperature, thinks)
    {
        put("temperature", decimal(temperature));
    }
    let config = config(request, dialect);
    if !config.is_empty() {
        put("output_config", Value::Object(config));
    }
    let mut tools = asked.tools;
    cache::mark(request, &mut tools, &mut conversation);
    let Conversation { system, turns, .. } = conversation;
    if !system.is_empty() {
        put("system", Value::Array(system));
    }
    if !tools.is_empty() {
        put("tools", Value::Array(tools));
        if let Some(choice) = asked.choice {
            put("tool_choice", choice);
        }
    }
    let turn = |turn: ConversationTurn| json!({"role": turn.role, "content": turn.blocks});
    put("messages", turns.into_iter().map(turn).collect());
    if delivery == Delivery::Streamed {
        put("stream", json!(true));
    }
    Value::Object(body)
}

/// Returns effort and output format, where the model takes both in this field.
fn config(request: &ChatRequest, dialect: Dialect) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(word) = request.effort.and_then(|effort| dialect::word(effort, dialect)) {
        config.insert("effort".to_owned(), json!(word));
    }
    if let (Some(format), Formats::Native) = (&request.format, dialect.formats) {
        let schema = closed(format.schema.clone());
        config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    config
}

/// Returns the thinking parameter. A model cannot think if it must call a tool; a model with a
/// budget must not start to think within a sequence of calls that it began without thinking.
fn thinking(
    request: &ChatRequest,
    dialect: Dialect,
    so_far: &Conversation,
    calls: Calls,
) -> Option<Value> {
    let unasked = dialect.thinking == Thinking::Unasked;
    let forced = calls == Calls::Forced;
    if request.effort == Some(Effort::None) || (forced && unasked) {
        return match dialect.rest {
            Rest::Disabled => Some(json!({"type": "disabled"})),
            Rest::BetweenTools => Some(json!({"type": "between_tools"})),
            Rest::Unasked | Rest::Never => None,
        };
    }
    let shown = json!({"type": "adaptive", "display": "summarized"});
    match (dialect.thinking, request.effort) {
        _ if forced => None,
        (Thinking::Unasked, _) | (Thinking::Hidden, Some(_)) => Some(shown),
        (Thinking::Adaptive, Some(_)) => Some(json!({"type": "adaptive"})),
        (Thinking::Budget, Some(effort)) if !so_far.continues_without_thinking() => {
            let budget = dialect::budget(effort, request.max_tokens)?;
            Some(json!({"type": "enabled", "budget_tokens": budget}))
        }
        _ => None,
    }
}

/// Whether the model must call a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    Free,
    Forced,
}

/// The tools that the model may call.
#[derive(Debug)]
struct Tools {
    tools: Vec<Value>,
    choice: Option<Value>,
    calls: Calls,
}

impl Tools {
    fn of(request: &ChatRequest, dialect: Dialect, names: &ToolNames) -> Self {
        let mut tools: Vec<Value> = request.tools.iter().map(|t| tool(t, names)).collect();
        let choice = (!tools.is_empty()).then_some(&request.tool_choice);
        let mut choice = choice.and_then(|choice| choose(choice, names));
        if let (Some(format), Formats::Tool) = (&request.format, dialect.formats) {
            // With a choice of tools the model may call them before it replies.
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
        let calls = if forced { Calls::Forced } else { Calls::Free };
        Self { tools, choice, calls }
    }
}

fn tool(tool: &ToolDefinition, names: &ToolNames) -> Value {
    let schema = match &*tool.schema {
        schema @ Value::Object(_) => schema.clone(),
        _ => json!({"type": "object"}),
    };
    json!({
        "name": names.outward(&tool.name),
        "description": tool.description,
        "input_schema": schema,
    })
}

/// Returns the tool whose input is the structured output.
fn answer(format: &ReplyFormat) -> Value {
    let description = format!("Gives the answer: {}.", format.name);
    json!({"name": ANSWER, "description": description, "input_schema": format.schema})
}

fn choose(choice: &ToolChoice, names: &ToolNames) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Tool(name) => Some(json!({"type": "tool", "name": names.outward(name)})),
    }
}

/// Sets `additionalProperties: false` on every object in a schema, which the provider requires.
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

#[cfg(test)]
mod tests;
