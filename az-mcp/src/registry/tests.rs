use std::time::{Duration, Instant};

use az_core::tool::{EffectClass, Invocation, ToolOutput, Toolbox};
use az_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::ToolRegistry;
use crate::schema::{ArgumentType, McpTool, McpToolResult, ToolArgument};
use crate::tool::TypedTool;

/// Does as it is told.
#[derive(Debug)]
struct Obey;

#[derive(Debug, Deserialize, JsonSchema)]
struct Order {
    /// What to do
    what: What,
    /// How often
    #[serde(default = "once")]
    times: u32,
    /// For whom
    #[serde(default)]
    forms: Vec<Form>,
}

/// A form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum What {
    /// Answers.
    Answer,
    Panic,
    Fail,
    Hang,
    Workspace,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Form {
    #[serde(rename = "title")]
    _title: Option<String>,
}

const fn once() -> u32 {
    1
}

impl TypedTool for Obey {
    type Args = Order;
    const NAME: &'static str = "test.obey";
    const DESCRIPTION: &'static str = "Do as told";
    const CATEGORY: &'static str = "test";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;

    async fn call(&self, order: Order, call: &Invocation) -> Result<ToolOutput> {
        assert!(order.forms.is_empty(), "no forms");
        match order.what {
            What::Answer => Ok(ToolOutput::done("yes ".repeat(order.times as usize))),
            What::Panic => panic!("as told"),
            What::Fail => Err(Error::not_found("form", "a38")),
            What::Hang => std::future::pending().await,
            What::Workspace => Ok(ToolOutput::done(call.workspace.clone().unwrap_or_default())),
        }
    }
}

fn registry() -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    tools.add(Obey).unwrap();
    tools
}

fn told(what: &str) -> Invocation {
    Invocation::bare("test.obey", json!({"what": what})).unwrap()
}

#[test]
fn the_schema_is_plain_closed_and_described() {
    insta::assert_json_snapshot!(&*registry().specs()[0].input_schema, @r#"
    {
      "additionalProperties": false,
      "properties": {
        "forms": {
          "description": "For whom",
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
        },
        "what": {
          "description": "What to do",
          "enum": [
            "panic",
            "fail",
            "hang",
            "workspace",
            "answer"
          ],
          "type": "string"
        }
      },
      "required": [
        "what"
      ],
      "type": "object"
    }
    "#);
}

#[test]
fn people_see_the_arguments_in_the_order_in_which_they_were_written() {
    let expect = McpTool::new("test.obey", "Do as told", "string")
        .with_category("test")
        .with_argument(ToolArgument::required("what", ArgumentType::String, "What to do"))
        .with_argument(
            ToolArgument::optional("times", ArgumentType::Number, "How often").with_default(1),
        )
        .with_argument(ToolArgument::optional("forms", ArgumentType::Array, "For whom"));
    assert_eq!(registry().tool_info("test.obey"), Some(expect.clone()));
    assert_eq!(registry().list_tools(), [expect]);
    assert_eq!(registry().tool_info("test.disobey"), None);
}

#[test]
fn a_name_is_given_once() {
    let error = registry().add(Obey).unwrap_err();
    assert_eq!(error.to_string(), "tool \"test.obey\" exists already");
}

#[test]
fn names_that_no_peer_would_accept_are_refused() {
    #[derive(Debug)]
    struct Odd;
    impl TypedTool for Odd {
        type Args = Order;
        const NAME: &'static str = "1 tool";
        const DESCRIPTION: &'static str = "";
        const CATEGORY: &'static str = "";
        const RETURNS: &'static str = "";
        const EFFECT: EffectClass = EffectClass::Read;
        async fn call(&self, _order: Order, _call: &Invocation) -> Result<ToolOutput> {
            Ok(ToolOutput::default())
        }
    }
    assert_eq!(registry().add(Odd).unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_not_found() {
    let call = Invocation::bare("nope", json!({})).unwrap();
    let tools = registry();
    assert_eq!(tools.prepare(call).unwrap_err().kind(), ErrorKind::NotFound);
    let prepared = registry().prepare(told("answer")).unwrap();
    assert_eq!(ToolRegistry::new().invoke(prepared).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_wrong_value_within_an_argument_is_refused_with_advice() {
    let error = registry().call(told("dance")).await.unwrap_err();
    let expect = "invalid arguments: of test.obey: unknown variant `dance`, \
                  expected one of `answer`, `panic`, `fail`, `hang`, `workspace`";
    assert_eq!(error.to_string(), expect);
}

#[tokio::test]
async fn a_panic_is_a_failed_output() {
    let output = registry().call(told("panic")).await.unwrap();
    assert_eq!(output, ToolOutput::failed("internal error: test.obey panicked: as told"));
}

#[tokio::test]
async fn an_error_while_running_is_a_failed_output() {
    let output = registry().call(told("fail")).await.unwrap();
    assert_eq!(output, ToolOutput::failed("form \"a38\" not found"));
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_stop_is_left() {
    let call = told("hang").with_timeout(Some(Duration::from_secs(1)));
    let output = registry().call(call).await.unwrap();
    assert_eq!(output, ToolOutput::failed("timed out after 1 s"));

    let call = told("hang");
    let cancel = call.cancel.clone();
    let tools = registry();
    let (output, ()) = tokio::join!(tools.call(call.clone()), async { cancel.cancel() });
    assert_eq!(output.unwrap(), ToolOutput::failed("cancelled"));
    let output = tools.call(call).await.unwrap();
    assert_eq!(output, ToolOutput::failed("cancelled before it began"));
}

#[tokio::test]
async fn a_call_by_hand_has_a_result_whatever_happens() {
    let tools = registry().in_workspace("/here");
    let call = |name: &'static str, arguments| tools.call_tool(name, arguments, None);
    let answer = call("test.obey", json!({"what": "answer", "times": 2})).await;
    assert_eq!(answer, McpToolResult::done("yes yes "));
    let workspace = call("test.obey", json!({"what": "workspace"})).await;
    assert_eq!(workspace, McpToolResult::done("/here"));
    let missing = call("nope", json!({})).await;
    assert_eq!(missing, McpToolResult::failed("tool \"nope\" not found"));
}

#[tokio::test]
async fn the_registry_adds_little_to_a_call() {
    let (tools, call) = (registry(), told("answer"));
    let mut fastest = Duration::MAX;
    for _ in 0..200 {
        let started = Instant::now();
        tools.call(call.clone()).await.unwrap();
        fastest = fastest.min(started.elapsed());
    }
    assert!(fastest < Duration::from_micros(50), "{fastest:?}");
}
