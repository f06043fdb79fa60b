//! Tool calls in plain text, for models without native tool calls.

use az_core::journal::{ModelReply, ToolCall};
use serde_json::Value;

use super::text_arguments as arguments;
use crate::chat::ToolDefinition;

/// The prefixes at which a model begins to invent tool results.
pub(super) const OBSERVATION: &str = "Observation:";

const THOUGHT: &str = "thought:";
const ACTION: &str = "action:";
const INPUT: &str = "action input:";
const FINAL: &str = "final answer:";

/// Describes the tools and the format of calls.
///
/// The format comes last and with an example, because small models follow what they read last, and copy what
/// they see.
pub(super) fn explain(tools: &[ToolDefinition]) -> String {
    let mut text = String::from("The tools, with their arguments:\n");
    for tool in tools {
        text.push_str(&format!("- {}: {}\n", tool.name, tool.description));
        text.push_str(&arguments::described(&tool.schema));
    }
    let (tool, arguments) = arguments::example(tools);
    text.push_str(&format!(
        "\nTo use a tool, reply with a thought, the name of one tool, and its arguments as one JSON object; for \
         example:\n\
         Thought: I need to call {tool}.\n\
         Action: {tool}\n\
         Action Input: {arguments}\n\
         Then stop; the result comes as an Observation. When the task is done, reply with the answer:\n\
         Thought: I know the answer.\n\
         Final Answer: the answer\n"
    ));
    text
}

/// Formats a turn in the form that the model is asked for.
pub(super) fn render(reply: &ModelReply) -> String {
    let mut text = match reply.text.as_str() {
        // A thought that was cut off.
        "" if reply.calls.is_empty() && !reply.reasoning.is_empty() => {
            format!("Thought: {}", reply.reasoning)
        }
        "" => String::new(),
        said if reply.calls.is_empty() => said.to_owned(),
        thought => format!("Thought: {thought}"),
    };
    for call in &reply.calls {
        let arguments = match &call.arguments {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("Action: {}\nAction Input: {arguments}", call.name));
    }
    text
}

/// Parses the calls or the answer in a reply, which may deviate from the requested format. Text
/// without either is the answer.
pub(super) fn read(mut reply: ModelReply) -> ModelReply {
    let text = std::mem::take(&mut reply.text);
    let mut answer: Option<String> = None;
    let mut thoughts = Vec::new();
    let mut part = Part::Thought;
    let mut is_labelled = false;
    for line in text.lines() {
        let (next, rest) = label(line);
        is_labelled |= next == Some(Part::Thought);
        // What follows an answer or an observation belongs to the answer, or is invented.
        if part != Part::Answer {
            match next {
                Some(Part::Observation) => break,
                Some(next) => part = next,
                None => {}
            }
        }
        let line = if next == Some(part) { rest } else { line };
        match part {
            Part::Thought => thoughts.push(line),
            Part::Action if next == Some(Part::Action) => reply.calls.push(ToolCall {
                id: format!("call_{}", reply.calls.len()),
                name: line.trim().trim_matches(['`', '*', '"', '\'']).to_owned(),
                arguments: Value::String(String::new()),
            }),
            Part::Input => {
                if let Some(ToolCall { arguments: Value::String(input), .. }) =
                    reply.calls.last_mut()
                {
                    input.push_str(line);
                    input.push('\n');
                }
            }
            Part::Answer => push_line(answer.get_or_insert_default(), line),
            Part::Action | Part::Observation => {}
        }
    }
    reply.calls.retain(|call| !call.name.is_empty());
    // A reply that was cut off before the arguments of its last call has no arguments, not empty ones.
    let is_cut = reply.finish_reason().is_cut();
    let last = reply.calls.len().saturating_sub(1);
    for (index, call) in reply.calls.iter_mut().enumerate() {
        let is_blank = call.arguments.as_str().is_some_and(|text| text.trim().is_empty());
        if !(is_cut && index == last && is_blank) {
            call.arguments = arguments(&call.arguments);
        }
    }
    let thoughts = thoughts.join("\n").trim().to_owned();
    match answer {
        // A reply with calls has no answer, whatever follows the calls.
        Some(answer) if reply.calls.is_empty() => {
            reply.text = answer.trim().to_owned();
            if reply.reasoning.is_empty() {
                reply.reasoning = thoughts;
            }
        }
        // A thought that was cut off is not the beginning of an answer.
        None if is_cut && is_labelled && reply.calls.is_empty() => {
            if !reply.reasoning.is_empty() {
                reply.reasoning.push('\n');
            }
            reply.reasoning.push_str(&thoughts);
        }
        _ => reply.text = thoughts,
    }
    reply
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Thought,
    Action,
    Input,
    Observation,
    Answer,
}

/// Returns the part that a line begins, and the rest of the line.
fn label(line: &str) -> (Option<Part>, &str) {
    // Models often add decoration: `**Action:** name`, `### Final Answer: …`.
    let plain = line.trim_start_matches([' ', '\t', '*', '#', '>']);
    let labels = [
        (INPUT, Part::Input),
        (ACTION, Part::Action),
        (FINAL, Part::Answer),
        (THOUGHT, Part::Thought),
        ("observation:", Part::Observation),
    ];
    for (label, part) in labels {
        let head = plain.get(..label.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(label)) {
            let rest = plain.get(label.len()..).unwrap_or_default();
            return (Some(part), rest.trim_start_matches("**").trim_start());
        }
    }
    (None, line)
}

/// Parses the arguments, which may be within a code fence or followed by text.
fn arguments(written: &Value) -> Value {
    let Value::String(written) = written else {
        return written.clone();
    };
    let bare = written.trim().trim_matches('`').trim();
    let bare = bare.strip_prefix("json").unwrap_or(bare).trim();
    if bare.is_empty() || bare == "null" {
        return Value::Object(serde_json::Map::new());
    }
    let mut values = serde_json::Deserializer::from_str(bare).into_iter::<Value>();
    match values.next() {
        Some(Ok(object @ Value::Object(_))) => object,
        _ => Value::String(bare.to_owned()),
    }
}

fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{read, render};

    #[track_caller]
    fn check(written: &str, text: &str, calls: &[(&str, Value)]) {
        let reply = read(ModelReply::text(written));
        let found: Vec<_> =
            reply.calls.iter().map(|c| (c.name.as_str(), c.arguments.clone())).collect();
        assert_eq!((reply.text.as_str(), found.as_slice()), (text, calls), "{written}");
    }

    #[test]
    fn an_action_is_a_call() {
        let path = || json!({"path": "a"});
        let read = [("filesystem.read", path())];
        check(
            "Thought: look\nAction: filesystem.read\nAction Input: {\"path\": \"a\"}",
            "look",
            &read,
        );
        check(
            "I'll look.\n**Action:** `filesystem.read`\n**Action Input:**\n```json\n{\"path\":\n \"a\"}\n```\n",
            "I'll look.",
            &read,
        );
        check(
            "ACTION: filesystem.read\naction input: {\"path\": \"a\"} as you asked\nObservation: A\nFinal Answer: A",
            "",
            &read,
        );
        check("Action: a\nAction Input: {}\nAction: b", "", &[("a", json!({})), ("b", json!({}))]);
        check("Action: a\nAction Input: path=x", "", &[("a", json!("path=x"))]);
    }

    #[test]
    fn an_answer_is_the_text_and_text_without_labels_is_the_answer() {
        check(
            "Thought: easy\nFinal Answer: 42\nAction: none\nreally",
            "42\nAction: none\nreally",
            &[],
        );
        check("It is 42.", "It is 42.", &[]);
        check("Final Answer:\n\n42", "42", &[]);
        check("", "", &[]);
        assert_eq!(read(ModelReply::text("Thought: easy\nFinal Answer: 42")).reasoning, "easy");
    }

    #[test]
    fn a_thought_that_was_cut_off_is_no_part_of_the_answer() {
        let cut = |text: &str| {
            let reply = ModelReply { stop: "length".to_owned(), ..ModelReply::text(text) };
            let read = read(reply);
            (read.text, read.reasoning)
        };
        let both = |text: &str, reasoning: &str| (text.to_owned(), reasoning.to_owned());
        assert_eq!(cut("Thought: the first file is"), both("", "the first file is"));
        assert_eq!(cut("Thought: easy\nFinal Answer: it is"), both("it is", "easy"));
        assert_eq!(cut("It is"), both("It is", ""), "the beginning of an answer without a label");
        let thought = ModelReply { reasoning: "the first".to_owned(), ..ModelReply::default() };
        assert_eq!(render(&thought), "Thought: the first");
    }

    #[test]
    fn a_formatted_turn_parses_to_itself() {
        let turn = ModelReply::text("look")
            .with_call("a.b", json!({"x": [1, "two"]}))
            .with_call("c", json!("broken {"));
        assert_eq!(read(ModelReply::text(render(&turn))), turn);
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "(Thought:|Action:|Action Input:|Final Answer:|\\{|\\}|\n|.{0,9}){0,12}") {
            read(ModelReply::text(text));
        }
    }
}
