use std::time::{Duration, Instant};

use az_core::tool::{EffectClass, Invocation, ToolOutput, Toolbox};
use az_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{OUTCOME_UNKNOWN, ToolRegistry};
use crate::schema::{ArgumentType, McpTool, McpToolResult, ToolArgument};
use crate::tool::TypedTool;

/// A tool that does what its `action` names.
#[derive(Debug)]
struct TestTool;

#[derive(Debug, Deserialize, JsonSchema)]
struct TestArgs {
    /// What to do
    action: Action,
    /// How often
    #[serde(default = "once")]
    times: u32,
    /// Must be empty
    #[serde(default)]
    nested: Vec<Nested>,
}

/// What the tool does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Returns an output.
    Answer,
    Panic,
    Fail,
    Hang,
    Workspace,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Nested {
    #[serde(rename = "title")]
    _title: Option<String>,
}

const fn once() -> u32 {
    1
}

impl TypedTool for TestTool {
    type Args = TestArgs;
    const NAME: &'static str = "test.tool";
    const DESCRIPTION: &'static str = "Test the registry";
    const CATEGORY: &'static str = "test";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;

    async fn call(&self, args: TestArgs, call: &Invocation) -> Result<ToolOutput> {
        assert!(args.nested.is_empty(), "no nested values");
        match args.action {
            Action::Answer => Ok(ToolOutput::done("yes ".repeat(args.times as usize))),
            Action::Panic => panic!("on purpose"),
            Action::Fail => Err(Error::not_found("form", "a38")),
            Action::Hang => std::future::pending().await,
            Action::Workspace => Ok(ToolOutput::done(call.workspace.clone().unwrap_or_default())),
        }
    }
}

fn registry() -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    tools.add(TestTool).unwrap();
    tools
}

fn call(action: &str) -> Invocation {
    Invocation::bare("test.tool", json!({"action": action})).unwrap()
}

#[test]
fn the_schema_is_closed_and_has_descriptions_and_no_references() {
    insta::assert_json_snapshot!(&*registry().specs()[0].input_schema, @r#"
    {
      "additionalProperties": false,
      "properties": {
        "action": {
          "description": "What to do",
          "enum": [
            "panic",
            "fail",
            "hang",
            "workspace",
            "answer"
          ],
          "type": "string"
        },
        "nested": {
          "description": "Must be empty",
          "items": {
            "properties": {
              "title": {
                "type": [
                  "string",
                  "null"
                ]
              }
            },
            "type": "object"
          },
          "type": "array"
        },
        "times": {
          "default": 1,
          "description": "How often",
          "minimum": 0,
          "type": "integer"
        }
      },
      "required": [
        "action"
      ],
      "type": "object"
    }
    "#);
}

#[test]
fn the_description_has_the_arguments_in_the_order_of_their_declaration() {
    let expect = McpTool::new("test.tool", "Test the registry", "string")
        .with_category("test")
        .with_argument(ToolArgument::required("action", ArgumentType::String, "What to do"))
        .with_argument(
            ToolArgument::optional("times", ArgumentType::Number, "How often").with_default(1),
        )
        .with_argument(ToolArgument::optional("nested", ArgumentType::Array, "Must be empty"));
    assert_eq!(registry().tool_info("test.tool"), Some(expect.clone()));
    assert_eq!(registry().list_tools(), [expect]);
    assert_eq!(registry().tool_info("test.missing"), None);
}

#[test]
fn a_second_tool_of_the_same_name_is_refused() {
    let error = registry().add(TestTool).unwrap_err();
    assert_eq!(error.to_string(), "tool \"test.tool\" exists already");
}

#[test]
fn invalid_names_are_refused() {
    #[derive(Debug)]
    struct InvalidName;
    impl TypedTool for InvalidName {
        type Args = TestArgs;
        const NAME: &'static str = "1 tool";
        const DESCRIPTION: &'static str = "";
        const CATEGORY: &'static str = "";
        const RETURNS: &'static str = "";
        const EFFECT: EffectClass = EffectClass::Read;
        async fn call(&self, _args: TestArgs, _call: &Invocation) -> Result<ToolOutput> {
            Ok(ToolOutput::default())
        }
    }
    assert_eq!(registry().add(InvalidName).unwrap_err().kind(), ErrorKind::Invalid);
}

/// Checks `Tool` 3.
#[tokio::test]
async fn an_unknown_tool_is_not_found() {
    let unknown = Invocation::bare("nope", json!({})).unwrap();
    let tools = registry();
    assert_eq!(tools.prepare(unknown).unwrap_err().kind(), ErrorKind::NotFound);
    let prepared = registry().prepare(call("answer")).unwrap();
    assert_eq!(ToolRegistry::new().invoke(prepared).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_unknown_enum_value_is_refused_with_the_known_values() {
    let error = registry().call(call("dance")).await.unwrap_err();
    let expect = "invalid arguments: test.tool: arguments.action: must be one of \"panic\", \"fail\", \
                  \"hang\", \"workspace\", \"answer\", got \"dance\"";
    assert_eq!(error.to_string(), expect);
}

#[tokio::test]
async fn a_panic_is_an_unknown_output() {
    let output = registry().call(call("panic")).await.unwrap();
    let text = format!("internal error: test.tool panicked: on purpose; {OUTCOME_UNKNOWN}");
    assert_eq!(output, ToolOutput::unknown(text));
}

#[tokio::test]
async fn an_error_of_a_running_tool_is_a_failed_output() {
    let output = registry().call(call("fail")).await.unwrap();
    assert_eq!(output, ToolOutput::failed("form \"a38\" not found"));
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_ignores_timeout_and_cancellation_is_dropped() {
    let limited = call("hang").with_timeout(Some(Duration::from_secs(1)));
    let output = registry().call(limited).await.unwrap();
    assert_eq!(output, ToolOutput::unknown(format!("timed out after 1 s; {OUTCOME_UNKNOWN}")));

    let hanging = call("hang");
    let cancel = hanging.cancel.clone();
    let tools = registry();
    let (output, ()) = tokio::join!(tools.call(hanging.clone()), async { cancel.cancel() });
    assert_eq!(output.unwrap(), ToolOutput::unknown(format!("cancelled; {OUTCOME_UNKNOWN}")));
    let output = tools.call(hanging).await.unwrap();
    assert_eq!(output, ToolOutput::failed("cancelled before the tool was started"));
}

#[tokio::test]
async fn call_tool_returns_errors_as_results() {
    let tools = registry().in_workspace("/here");
    let call = |name: &'static str, arguments| tools.call_tool(name, arguments, None);
    let answer = call("test.tool", json!({"action": "answer", "times": 2})).await;
    assert_eq!(answer, McpToolResult::done("yes yes "));
    let workspace = call("test.tool", json!({"action": "workspace"})).await;
    assert_eq!(workspace, McpToolResult::done("/here"));
    let missing = call("nope", json!({})).await;
    assert_eq!(missing, McpToolResult::failed("tool \"nope\" not found"));
}

#[tokio::test]
async fn the_registry_adds_less_than_50_microseconds_to_a_call() {
    let (tools, call) = (registry(), call("answer"));
    let mut fastest = Duration::MAX;
    for _ in 0..200 {
        let started = Instant::now();
        tools.call(call.clone()).await.unwrap();
        fastest = fastest.min(started.elapsed());
    }
    assert!(fastest < Duration::from_micros(50), "{fastest:?}");
}
