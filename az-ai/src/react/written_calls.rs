//! Tool calls that a model writes as text, although it could make them natively.
//!
//! Small models, and models behind servers that do not know the form of their calls, write
//! `{"name": "…", "arguments": {…}}`: alone, in a code fence, or in tags. Such a reply is not an answer.

use az_core::journal::{ModelReply, ToolCall};
use az_core::tool::meant_name;
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

/// The marks with which chat templates end a turn.
const MARKS: [&str; 5] = ["<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>", "</s>"];

/// The names under which models write the arguments of a call.
const ARGUMENTS: [&str; 4] = ["arguments", "parameters", "args", "input"];

/// Returns a reply with the calls in its text, if it consists of calls, or ends with calls and the
/// model has not made any natively in this conversation.
pub(super) fn read(
    reply: ModelReply,
    request: &ChatRequest,
    tools: &[ToolDefinition],
) -> ModelReply {
    let mut reply = without_marks(without_thought(reply));
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

/// Moves a thought to the reasoning. Its tag ends a line; one within a line is mentioned by an answer.
fn without_thought(mut reply: ModelReply) -> ModelReply {
    let ends = reply.text.match_indices(THOUGHT_END).filter_map(|(place, tag)| {
        let (thought, rest) = reply.text.split_at_checked(place)?;
        let rest = rest.get(tag.len()..)?.trim_start_matches([' ', '\t']);
        (rest.is_empty() || rest.starts_with(['\n', '\r'])).then_some((thought, rest))
    });
    let Some((thought, rest)) = ends.into_iter().next() else { return reply };
    let thought = thought.trim_start().trim_start_matches("<think>");
    if !thought.contains("<think>") {
        let rest = rest.trim_start().to_owned();
        reply.reasoning.push_str(thought.trim());
        reply.text = rest;
    }
    reply
}

/// Removes marks of the model's chat template at the end of the text, which a server should have removed.
fn without_marks(mut reply: ModelReply) -> ModelReply {
    while let Some(text) = MARKS.iter().find_map(|mark| reply.text.trim_end().strip_suffix(mark)) {
        reply.text.truncate(text.len());
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

    /// Finds calls in tags. One that cannot be read is a call too, so that the result tells the model;
    /// but tags within a line are mentioned by an answer, unless they contain JSON.
    fn tagged<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let (open, close) = TAGS.into_iter().find(|(open, _)| text.contains(open))?;
        let (before, mut rest) = text.split_once(open)?;
        let begins_line = begins_line(before);
        let mut calls = Vec::new();
        loop {
            let (inside, after) = rest.split_once(close).unwrap_or((rest, ""));
            let inside = inside.trim().trim_matches('`').trim_start_matches("json").trim();
            match self.values(inside).or_else(|| Some(vec![self.function(inside)?.calls.pop()?])) {
                Some(found) => calls.extend(found),
                None if begins_line || inside.starts_with(['{', '[']) => {
                    calls.push(self.unreadable(inside));
                }
                None => return None,
            }
            match after.split_once(open) {
                Some((between, next)) if between.trim().is_empty() => rest = next,
                None if after.trim().is_empty() => return Some(Found { before, calls }),
                _ => return None,
            }
        }
    }

    /// Finds a call such as `<function=name>{…}</function>`, or with its arguments in tags such as
    /// `<parameter=path>`.
    fn function<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        let (before, rest) = text.split_once("<function=")?;
        let (name, rest) = rest.split_once('>')?;
        let closed = rest.split_once("</function>");
        let (inside, after) = closed.unwrap_or((rest, ""));
        let arguments = match serde_json::from_str(inside.trim()) {
            Ok(Value::Object(arguments)) => Value::Object(arguments),
            _ if closed.is_none() => return None,
            _ => parameters(inside).unwrap_or_else(|| Value::String(inside.to_owned())),
        };
        if !after.trim().is_empty() {
            return None;
        }
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
        let mut found = starts.filter_map(|place| {
            let (before, json) = text.split_at_checked(place).filter(|it| begins_line(it.0))?;
            Some(Found { before, calls: self.values(json)? })
        });
        found.next()
    }

    /// Reads a text that consists of calls: objects one after the other, or lists of them. Stops at the
    /// first value that is no call.
    fn values(&self, json: &str) -> Option<Vec<ToolCall>> {
        let mut calls = Vec::new();
        for value in serde_json::Deserializer::from_str(json).into_iter::<Value>() {
            match value.ok()? {
                Value::Array(items) => {
                    for item in items {
                        calls.push(self.call(&item)?);
                    }
                }
                value => calls.push(self.call(&value)?),
            }
        }
        (!calls.is_empty()).then_some(calls)
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

    /// Returns a call that the toolbox refuses, because it cannot be read: of the tool whose name it begins
    /// with, so that the result says what is wrong with its arguments.
    fn unreadable(&self, written: &str) -> ToolCall {
        let end = written.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)));
        let name = written.get(..end.unwrap_or(written.len())).unwrap_or_default();
        let arguments = Value::String(written.to_owned());
        let known = self.known(name, arguments.clone());
        known.unwrap_or_else(|| call("tool_call", arguments))
    }

    /// Returns the call of a tool that exists, by its own name or by the one that is sent; or by one that
    /// the engine understands as its name.
    fn known(&self, name: &str, arguments: Value) -> Option<ToolCall> {
        let name = self.names.inward(name.trim());
        let tools: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        let is_known = tools.contains(&&*name) || meant_name(&name, &tools).is_some();
        is_known.then(|| call(&name, arguments))
    }
}

/// Reads arguments in tags, each a text: `<parameter=path>a</parameter>`. The toolbox reads numbers from them.
fn parameters(inside: &str) -> Option<Value> {
    let mut arguments = Map::new();
    let mut rest = inside.trim();
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix("<parameter=")?.split_once('>')?;
        let (value, after) = after.split_once("</parameter>")?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        arguments.insert(name.trim().to_owned(), value.into());
        rest = after.trim();
    }
    (!arguments.is_empty()).then_some(Value::Object(arguments))
}

/// Whether what follows a text begins a line.
fn begins_line(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

/// Whether an object has nothing but the fields of a call.
fn is_bare_call(object: &Map<String, Value>) -> bool {
    let fields = ["name", "arguments", "parameters", "id", "type"];
    object.keys().all(|key| fields.contains(&key.as_str()))
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
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
            "<function=filesystem.read>\n<parameter=path>\na\n</parameter>\n</function>".to_owned(),
            "<tool_call>\n<function=filesystem.read>\n<parameter=path>\na\n</parameter>\n</function>\n</tool_call>"
                .to_owned(),
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
    fn a_call_that_cannot_be_read_is_of_the_tool_that_it_names() {
        for written in [
            "<tool_call>filesystem.read(a)</tool_call>",
            "<|python_tag|>filesystem.read(path=\"a\")",
        ] {
            let (text, calls) = found(written, &ChatRequest::prompt("m", "go"));
            let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!((text.as_str(), names), ("", vec!["filesystem.read"]), "{written}");
            assert!(calls[0].1.is_string(), "{written}");
        }
    }

    #[test]
    fn marks_of_a_chat_template_are_no_part_of_an_answer() {
        check("done<|im_end|>", "done", &[]);
        check("done</s>\n<|endoftext|>\n", "done", &[]);
        check("The mark <|im_end|> ends a turn.", "The mark <|im_end|> ends a turn.", &[]);
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
    fn an_answer_about_the_form_of_calls_is_an_answer() {
        for written in [
            "Qwen's template has a section called <tools>".to_owned(),
            "Calls are in <tool_call> tags, one each.".to_owned(),
            "A call is `<function=filesystem.read>{\"path\": \"a\"}</function>`, as text."
                .to_owned(),
            "Write <function=filesystem.read> and the arguments".to_owned(),
        ] {
            check(&written, &written, &[]);
        }
        // A form that is not read is refused, instead of being the answer.
        let xml = "<tool_call>\n<parameter=path>\na\n</parameter>\n</tool_call>";
        let inside = "<parameter=path>\na\n</parameter>";
        check(xml, "", &[("tool_call", json!(inside))]);
    }

    /// Each line is parsed once, and not once for every line before it.
    #[test]
    fn many_lines_of_json_are_read_once() {
        let written = "{\"a\": 1}\n".repeat(20_000);
        check(&written, &written, &[]);
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
        let meant = r#"{"name": "functions.filesystem_read", "arguments": {}}"#;
        let expected = [("functions.filesystem_read".to_owned(), json!({}))];
        assert_eq!(found(meant, &request).1, expected, "the engine understands the name");
    }

    #[test]
    fn a_thought_without_its_beginning_is_reasoning() {
        let reply =
            read(ModelReply::text("hm\n</think>\n\n42"), &ChatRequest::prompt("m", ""), &[]);
        assert_eq!((reply.reasoning.as_str(), reply.text.as_str()), ("hm", "42"));
    }

    #[test]
    fn a_thought_ends_with_a_tag_that_ends_its_line() {
        let read = |text: &str| read(ModelReply::text(text), &ChatRequest::prompt("m", ""), &[]);
        let answer = "Strip everything up to `</think>`, then parse.";
        assert_eq!(read(answer), ModelReply::text(answer));
        let reply = read("It ends with `</think>`, so\r\n</think> \r\n42");
        assert_eq!(
            (reply.reasoning.as_str(), reply.text.as_str()),
            ("It ends with `</think>`, so", "42")
        );
    }
}
