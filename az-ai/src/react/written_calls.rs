//! Tool calls that a model writes as text, although it could make them natively.
//!
//! Small models, and models behind servers that do not know the form of their calls, write
//! `{"name": "…", "arguments": {…}}`: alone, in a code fence, or in tags. Such a reply is not an answer.

use az_core::journal::{ModelReply, ToolCall};
use serde_json::{Map, Value};

use crate::chat::{ChatRequest, Message, ToolDefinition};
use crate::provider::tool_names::ToolNames;

/// The prefix of the ids of calls that were read from text.
const ID: &str = "written_";

/// The end of a thought whose beginning is a part of the prompt.
const THOUGHT_END: &str = "</think>";

/// The tags around calls, and around the JSON of one. A model may leave the end out.
const TAGS: [(&str, &str); 4] = [
    ("<tool_call>", "</tool_call>"),
    ("<tools>", "</tools>"),
    ("[TOOL_CALLS]", "[/TOOL_CALLS]"),
    ("<|python_tag|>", "<|eom_id|>"),
];

/// The names under which models write the arguments of a call.
const ARGUMENTS: [&str; 4] = ["arguments", "parameters", "args", "input"];

/// Returns a reply with the calls in its text, if it consists of calls, or ends with calls and the
/// model has not made any natively in this conversation.
pub(super) fn read(
    reply: ModelReply,
    request: &ChatRequest,
    tools: &[ToolDefinition],
) -> ModelReply {
    let mut reply = without_thought(reply);
    if !reply.calls.is_empty() || tools.is_empty() {
        return reply;
    }
    let reader = Reader::new(tools, !calls_natively(request));
    let Some(Found { before, calls }) = reader.find(&reply.text) else { return reply };
    reply.text = before.trim().to_owned();
    reply.calls = calls;
    for (index, call) in reply.calls.iter_mut().enumerate() {
        call.id = format!("{ID}{index}");
    }
    reply
}

/// Moves a thought that ends with its tag to the reasoning.
fn without_thought(mut reply: ModelReply) -> ModelReply {
    if let Some((thought, rest)) = reply.text.split_once(THOUGHT_END) {
        let thought = thought.trim_start().trim_start_matches("<think>");
        if !thought.contains("<think>") {
            reply.reasoning.push_str(thought.trim());
            reply.text = rest.trim_start().to_owned();
        }
    }
    reply
}

/// Whether the model has made a call in its native form before.
fn calls_natively(request: &ChatRequest) -> bool {
    let mut turns = request.messages.iter().filter_map(|message| match message {
        Message::Assistant { reply } => Some(reply),
        _ => None,
    });
    turns.any(|reply| reply.calls.iter().any(|call| !call.id.starts_with(ID)))
}

/// The calls at the end of a text, and the text before them.
struct Found<'a> {
    before: &'a str,
    calls: Vec<ToolCall>,
}

struct Reader<'a> {
    tools: &'a [ToolDefinition],
    names: ToolNames,
    /// Whether a text before the calls, and names of tools that do not exist, are accepted.
    is_lenient: bool,
}

impl<'a> Reader<'a> {
    fn new(tools: &'a [ToolDefinition], is_lenient: bool) -> Self {
        let names = ToolNames::new(tools.iter().map(|tool| tool.name.as_str()));
        Self { tools, names, is_lenient }
    }

    fn find<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let found = self
            .tagged(text)
            .or_else(|| self.function(text))
            .or_else(|| self.fenced(text))
            .or_else(|| self.bare(text))?;
        (self.is_lenient || found.before.trim().is_empty()).then_some(found)
    }

    /// Finds calls in tags. JSON that cannot be read is a call too, so that the model is told.
    fn tagged<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let (open, close) = TAGS.into_iter().find(|(open, _)| text.contains(open))?;
        let (before, mut rest) = text.split_once(open)?;
        let mut calls = Vec::new();
        loop {
            let (inside, after) = rest.split_once(close).unwrap_or((rest, ""));
            let inside = inside.trim().trim_matches('`').trim_start_matches("json").trim();
            calls.extend(self.values(inside).unwrap_or_else(|| vec![unreadable(inside)]));
            match after.split_once(open) {
                Some((between, next)) if between.trim().is_empty() => rest = next,
                None if after.trim().is_empty() => return Some(Found { before, calls }),
                _ => return None,
            }
        }
    }

    /// Finds a call such as `<function=name>{…}</function>`.
    fn function<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let (before, rest) = text.split_once("<function=")?;
        let (name, rest) = rest.split_once('>')?;
        let inside = rest.trim().strip_suffix("</function>").unwrap_or(rest);
        let arguments = match serde_json::from_str(inside.trim()) {
            Ok(Value::Object(arguments)) => Value::Object(arguments),
            _ => Value::String(inside.to_owned()),
        };
        let call = self.known(name, arguments)?;
        Some(Found { before, calls: vec![call] })
    }

    /// Finds calls in a code fence at the end of the text.
    fn fenced<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let body = text.trim_end().strip_suffix("```")?;
        let (before, fenced) = body.rsplit_once("```")?;
        let (label, inside) = fenced.split_once('\n').unwrap_or(("", fenced));
        let is_label = label.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let inside = if is_label { inside } else { fenced };
        Some(Found { before, calls: self.values(inside.trim())? })
    }

    /// Finds calls that are the whole text, or begin a line and end the text.
    fn bare<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let starts = text.match_indices(['{', '[']).map(|(place, _)| place);
        let begins_line = |place: &usize| {
            let before = text.get(..*place).unwrap_or_default();
            before.trim_end_matches([' ', '\t']).is_empty()
                || before.trim_end_matches([' ', '\t']).ends_with('\n')
        };
        let mut found = starts.filter(begins_line).filter_map(|place| {
            let (before, json) = text.split_at_checked(place)?;
            Some(Found { before, calls: self.values(json)? })
        });
        found.next()
    }

    /// Reads a text that consists of calls: objects one after the other, or lists of them.
    fn values(&self, json: &str) -> Option<Vec<ToolCall>> {
        let values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
        let values: Vec<Value> = values.collect::<Result<_, _>>().ok()?;
        let values = values.into_iter().flat_map(|value| match value {
            Value::Array(items) => items,
            value => vec![value],
        });
        let calls: Option<Vec<ToolCall>> = values.map(|value| self.call(&value)).collect();
        calls.filter(|calls| !calls.is_empty())
    }

    /// Reads an object with a name and arguments, which may be in an object `function`.
    fn call(&self, value: &Value) -> Option<ToolCall> {
        let object = value.as_object()?;
        let inner = ["function", "tool_call"].iter().find_map(|key| object.get(*key)?.as_object());
        let object = inner.unwrap_or(object);
        let name = ["name", "tool", "tool_name", "function"].iter();
        let name = name.filter_map(|key| object.get(*key)).find_map(Value::as_str)?;
        let arguments = ARGUMENTS.iter().find_map(|key| object.get(*key))?;
        let arguments = match arguments {
            Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object)?,
            Value::Null => Value::Object(Map::new()),
            arguments => arguments.is_object().then(|| arguments.clone())?,
        };
        match self.known(name, arguments.clone()) {
            Some(call) => Some(call),
            // The toolbox refuses it, and lists the tools.
            None if self.is_lenient && is_bare_call(object) && is_name(name) => {
                Some(call(name, arguments))
            }
            None => None,
        }
    }

    /// Returns the call of a tool that exists, by its own name or by the one that is sent.
    fn known(&self, name: &str, arguments: Value) -> Option<ToolCall> {
        let name = self.names.inward(name.trim());
        self.tools.iter().any(|tool| tool.name == name).then(|| call(&name, arguments))
    }
}

/// Whether an object has nothing but the fields of a call.
fn is_bare_call(object: &Map<String, Value>) -> bool {
    let fields = ["name", "arguments", "parameters", "id", "type"];
    object.keys().all(|key| fields.contains(&key.as_str()))
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// Returns a call that the toolbox refuses, because its JSON cannot be read.
fn unreadable(written: &str) -> ToolCall {
    call("tool_call", Value::String(written.to_owned()))
}

fn call(name: &str, arguments: Value) -> ToolCall {
    ToolCall { id: String::new(), name: name.to_owned(), arguments }
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;
    use serde_json::{Value, json};

    use super::read;
    use crate::chat::{ChatRequest, Message, ToolDefinition};

    fn tools() -> Vec<ToolDefinition> {
        vec![ToolDefinition::new("filesystem.read", "", json!({"type": "object"}))]
    }

    fn found(written: &str, request: &ChatRequest) -> (String, Vec<(String, Value)>) {
        let reply = read(ModelReply::text(written), request, &tools());
        let calls = reply.calls.into_iter().map(|call| (call.name, call.arguments));
        (reply.text, calls.collect())
    }

    #[track_caller]
    fn check(written: &str, text: &str, calls: &[(&str, Value)]) {
        let calls: Vec<_> = calls.iter().map(|(n, a)| ((*n).to_owned(), a.clone())).collect();
        assert_eq!(found(written, &ChatRequest::prompt("m", "go")), (text.to_owned(), calls));
    }

    #[test]
    fn every_usual_form_of_a_call_is_one() {
        let call = [("filesystem.read", json!({"path": "a"}))];
        let json = r#"{"name": "filesystem_read", "arguments": {"path": "a"}}"#;
        for written in [
            json.to_owned(),
            format!("```json\n{json}\n```"),
            format!("```\n{json}\n```\n"),
            format!("<tool_call>\n{json}\n</tool_call>"),
            format!("<tool_call>{json}"),
            format!("[TOOL_CALLS] [{json}]"),
            format!("<|python_tag|>{json}"),
            r#"<function=filesystem.read>{"path": "a"}</function>"#.to_owned(),
            r#"{"type": "function", "function": {"name": "filesystem.read", "arguments": "{\"path\": \"a\"}"}}"#
                .to_owned(),
            r#"{"tool": "filesystem.read", "parameters": {"path": "a"}}"#.to_owned(),
        ] {
            check(&written, "", &call);
            check(&format!("I read it.\n{written}"), "I read it.", &call);
        }
        let twice = [call[0].clone(), call[0].clone()];
        check(&format!("<tool_call>{json}</tool_call>\n<tool_call>{json}</tool_call>"), "", &twice);
        check(&format!("{json}\n{json}"), "", &twice);
        check(&format!("[{json}, {json}]"), "", &twice);
    }

    #[test]
    fn a_call_of_no_tool_and_one_that_cannot_be_read_are_calls_that_are_refused() {
        let unknown = r#"{"name": "read_file", "arguments": {"path": "a"}}"#;
        check(unknown, "", &[("read_file", json!({"path": "a"}))]);
        check("<tool_call>{\"name\": </tool_call>", "", &[("tool_call", json!("{\"name\":"))]);
    }

    #[test]
    fn other_json_and_calls_in_the_middle_are_answers() {
        let json = r#"{"name": "filesystem.read", "arguments": {"path": "a"}}"#;
        for written in [
            "It is 42.".to_owned(),
            r#"{"name": "Bob", "age": 3}"#.to_owned(),
            r#"{"name": "Bob Smith", "arguments": {}}"#.to_owned(),
            format!("The model writes\n{json}\nand stops."),
            format!("The file has `{json}`"),
            "[1, 2]".to_owned(),
            "```json\n{\"a\": 1}\n```".to_owned(),
        ] {
            check(&written, &written, &[]);
        }
    }

    #[test]
    fn a_model_that_calls_natively_writes_calls_only_as_its_whole_reply() {
        let native = ModelReply::default().with_call("filesystem.read", json!({}));
        let mut request = ChatRequest::prompt("m", "go");
        request.messages.push(Message::assistant(native));
        let json = r#"{"name": "filesystem.read", "arguments": {}}"#;
        assert_eq!(found(json, &request).1.len(), 1);
        assert_eq!(found(&format!("As in:\n{json}"), &request).1.len(), 0);
        let unknown = r#"{"name": "other", "arguments": {}}"#;
        assert_eq!(found(unknown, &request).1.len(), 0);
    }

    #[test]
    fn a_thought_without_its_beginning_is_reasoning() {
        let reply =
            read(ModelReply::text("hm\n</think>\n\n42"), &ChatRequest::prompt("m", ""), &[]);
        assert_eq!((reply.reasoning.as_str(), reply.text.as_str()), ("hm", "42"));
    }
}
