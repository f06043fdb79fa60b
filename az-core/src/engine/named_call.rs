//! Calls of tools by their names: those that a call of `tool_call` contains, and those of tools that do not exist.

use serde_json::Value;

use super::run::Run;
use crate::error::{Error, Result};
use crate::journal::ToolCall;
use crate::tool::{TOOL_CALL, TOOL_SEARCH, search_tools, sent_tools};

/// The number of tools that are named if there is none of the name of a call.
const NAMED: usize = 5;

/// Returns the call that a call of [`TOOL_CALL`] contains; any other call is returned as it is.
///
/// # Errors
///
/// `Invalid` for arguments that contain no call.
pub(super) fn contained_call(call: ToolCall) -> Result<ToolCall> {
    if call.name != TOOL_CALL {
        return Ok(call);
    }
    // Some models send arguments as a string of JSON.
    let parsed = |value: Value| match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    };
    let refused = |reason: &str| {
        let example = r#"{"name": "TOOL", "arguments": {…}}"#;
        Error::invalid("tool_call", format!("{reason}; the arguments of tool_call are {example}"))
    };
    let Value::Object(mut given) = parsed(call.arguments) else {
        return Err(refused("the arguments must be an object"));
    };
    let name = match given.remove("name") {
        Some(Value::String(name)) if name == TOOL_CALL => {
            return Err(refused("name: tool_call cannot call itself"));
        }
        Some(Value::String(name)) if !name.is_empty() => name,
        _ => return Err(refused("name: must be the name of a tool")),
    };
    let arguments = given.remove("arguments").map_or_else(|| Value::Object(<_>::default()), parsed);
    if let Some(unknown) = given.keys().next() {
        return Err(refused(&format!("{unknown}: unknown argument")));
    }
    if !arguments.is_object() {
        return Err(refused("arguments: must be an object"));
    }
    Ok(ToolCall { id: call.id, name, arguments })
}

impl Run {
    /// Returns the error for a call of a tool that does not exist, which names those that do.
    pub(super) fn unknown_tool(&self, name: &str) -> Error {
        let tools = self.tools();
        let is_searched = sent_tools(&tools).count() < tools.len();
        let named = match is_searched {
            true => search_tools(&tools, name, NAMED),
            false => tools.iter().collect(),
        };
        let names = named.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
        let rest = match (is_searched, names.is_empty()) {
            (true, true) => format!("find one with {TOOL_SEARCH}"),
            (true, false) => format!("similar ones are {names}; find others with {TOOL_SEARCH}"),
            (false, true) => "this task has none".to_owned(),
            (false, false) => format!("the tools are {names}"),
        };
        Error::invalid("tool", format!("there is no tool {name:?}; {rest}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::contained_call;
    use crate::journal::ToolCall;

    #[test]
    fn a_call_by_name_is_the_call_that_it_contains() {
        let call = |arguments: Value| {
            let made = ToolCall { id: "c".to_owned(), name: "tool_call".to_owned(), arguments };
            contained_call(made).map(|call| (call.name, call.arguments)).map_err(|e| e.to_string())
        };
        let made = ("t1".to_owned(), json!({"x": 1}));
        assert_eq!(call(json!({"name": "t1", "arguments": {"x": 1}})), Ok(made.clone()));
        assert_eq!(call(json!({"name": "t1", "arguments": "{\"x\": 1}"})), Ok(made.clone()));
        assert_eq!(call(json!("{\"name\": \"t1\", \"arguments\": {\"x\": 1}}")), Ok(made));
        assert_eq!(call(json!({"name": "t1"})), Ok(("t1".to_owned(), json!({}))));
        for (arguments, reason) in [
            (json!([]), "the arguments must be an object"),
            (json!({}), "name: must be the name of a tool"),
            (json!({"name": ""}), "name: must be the name of a tool"),
            (json!({"name": "tool_call"}), "name: tool_call cannot call itself"),
            (json!({"name": "t1", "arguments": 7}), "arguments: must be an object"),
            (json!({"name": "t1", "path": "x"}), "path: unknown argument"),
        ] {
            let message = call(arguments).unwrap_err();
            let expected = format!(
                "invalid tool_call: {reason}; the arguments of tool_call are {{\"name\": \"TOOL\", \"arguments\": {{…}}}}"
            );
            assert_eq!(message, expected);
        }
    }
}
