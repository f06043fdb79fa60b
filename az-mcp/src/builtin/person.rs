//! `person.ask`: asks the person who runs the task.

use async_trait::async_trait;
use az_core::Result;
use az_core::tool::{
    EffectClass, Invocation, PreparedCall, Probed, Question, ToolOutput, ToolScope, ToolSpec,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::check::invalid_arguments;
use crate::schema::{McpTool, ToolArgument, argument_order, input_schema};
use crate::tool::Tool;

const NAME: &str = "person.ask";
const DESCRIPTION: &str = "Asks the person who runs this task a question, and returns the answer. Use it when the task cannot be \
     done without a decision or a fact that only the person has. The answer may take hours.";

/// The arguments of `person.ask`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskArgs {
    /// The question, with what the person needs to know to answer it
    pub question: String,
    /// The answers to choose from; without it, any text is an answer
    #[serde(default)]
    pub options: Vec<String>,
}

/// `person.ask`. The engine asks the question before it makes the call, which returns the answer.
#[derive(Debug)]
pub struct AskTool {
    spec: ToolSpec,
    info: McpTool,
    example: Value,
}

impl Default for AskTool {
    fn default() -> Self {
        let schema = input_schema::<AskArgs>();
        let spec = ToolSpec::new(NAME, DESCRIPTION, schema)
            .with_category("person")
            .with_effect(EffectClass::Read)
            .with_scope(ToolScope::Workspace)
            .asking_person()
            .as_core();
        let info = McpTool {
            arguments: ToolArgument::read(&spec.input_schema, argument_order::<AskArgs>()),
            ..McpTool::new(NAME, DESCRIPTION, "string").with_category("person")
        };
        let example = json!({"question": "Which server?", "options": ["staging", "production"]});
        Self { spec, info, example }
    }
}

#[async_trait]
impl Tool for AskTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn info(&self) -> &McpTool {
        &self.info
    }

    fn example(&self) -> Option<&Value> {
        Some(&self.example)
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let args = AskArgs::deserialize(&call.arguments)
            .map_err(|error| invalid_arguments(NAME, &error.to_string()))?;
        if args.question.trim().is_empty() {
            return Err(invalid_arguments(NAME, "question: must not be empty"));
        }
        if args.options.iter().any(|option| option.trim().is_empty()) {
            return Err(invalid_arguments(NAME, "options: must not contain an empty text"));
        }
        let question = Question::new(args.question)
            .with_options(args.options.iter().map(|option| option.trim()));
        Ok(PreparedCall::new(call, EffectClass::Read).with_question(question))
    }

    async fn witness(&self, _call: &PreparedCall) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        Ok(match call.invocation.answer {
            Some(answer) => ToolOutput::done(answer),
            None => ToolOutput::failed("no one was asked"),
        })
    }

    async fn probe(&self, _call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> Result<()> {
        Ok(())
    }
}
