//! Tools with typed arguments.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use az_core::Result;
use az_core::tool::{
    Access, EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolScope, ToolSpec,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::erased::Tool;
use crate::check::{arguments_root, invalid_arguments};
use crate::schema::{McpTool, ToolArgument, argument_order, input_schema};

/// A tool with typed arguments.
///
/// A tool that can probe its interrupted calls, or has to clean up after them, also implements
/// [`RecoverableTool`](super::RecoverableTool).
pub trait TypedTool: fmt::Debug + Send + Sync + 'static {
    /// The arguments: a struct whose field comments are their descriptions.
    type Args: DeserializeOwned + JsonSchema + Send + Sync + 'static;

    /// The name, such as `filesystem.read`.
    const NAME: &'static str;
    /// What the tool does and when to use it, for the model.
    const DESCRIPTION: &'static str;
    /// A category for listings.
    const CATEGORY: &'static str;
    /// The type of the result: `string`, `number`, `boolean`, `array` or `object`.
    const RETURNS: &'static str;
    /// The effect class; if calls differ, the least safe one.
    const EFFECT: EffectClass;
    /// What the tool can access; by default everything, so that its calls need approval.
    const SCOPE: ToolScope = ToolScope::System;
    /// Whether nearly every task uses the tool, so that it is always sent to the model; see
    /// [`ToolSpec::core`].
    const CORE: bool = false;
    /// The time limit of a call, if the tool has one of its own.
    const TIMEOUT: Option<Duration> = None;
    /// The arguments of an example call as a JSON object, for documents and help; empty if there is none.
    const EXAMPLE: &'static str = "";

    /// Returns the description for the model: [`DESCRIPTION`](Self::DESCRIPTION), unless it depends
    /// on the options of the tool.
    fn description(&self) -> Cow<'static, str> {
        Self::DESCRIPTION.into()
    }

    /// Returns what a call accesses, as its arguments say; performs no I/O. Policies decide by it.
    fn accesses(&self, _args: &Self::Args, _call: &Invocation) -> Vec<Access> {
        Vec::new()
    }

    /// Returns the JSON Schema of the data of a successful call, or of its text if it has none; by
    /// default only the type, which is [`RETURNS`](Self::RETURNS).
    fn output_schema(&self) -> Option<Value> {
        ["string", "number", "boolean", "array", "object"]
            .contains(&Self::RETURNS)
            .then(|| json!({"type": Self::RETURNS}))
    }

    /// Checks what the types of the arguments do not express, before the call is recorded; by default
    /// nothing.
    ///
    /// # Errors
    ///
    /// `Invalid`, from [`invalid_argument`](crate::tool::invalid_argument).
    fn check(&self, _args: &Self::Args) -> Result<()> {
        Ok(())
    }

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `Invalid` if the arguments contradict each other. A failure while running is a failed
    /// output; the registry turns any other error into one.
    fn call(
        &self,
        args: Self::Args,
        call: &Invocation,
    ) -> impl Future<Output = Result<ToolOutput>> + Send;
}

/// Adapts a [`TypedTool`] to [`Tool`]; interrupted calls are neither probed nor cleaned up.
#[derive(Debug)]
pub struct Typed<T> {
    pub(super) tool: T,
    spec: ToolSpec,
    info: McpTool,
    example: Option<Value>,
}

impl<T: TypedTool> Typed<T> {
    /// Wraps the tool and derives its description.
    pub fn new(tool: T) -> Self {
        let description = tool.description();
        let mut spec = ToolSpec::new(T::NAME, &*description, input_schema::<T::Args>())
            .with_category(T::CATEGORY)
            .with_effect(T::EFFECT)
            .with_scope(T::SCOPE)
            .with_timeout(T::TIMEOUT)
            .with_output_schema(tool.output_schema());
        spec.core = T::CORE;
        let info = McpTool {
            arguments: ToolArgument::read(&spec.input_schema, argument_order::<T::Args>()),
            ..McpTool::new(T::NAME, &*description, T::RETURNS).with_category(T::CATEGORY)
        };
        let example = serde_json::from_str(T::EXAMPLE).ok();
        Self { tool, spec, info, example }
    }

    /// Parses and checks the arguments of a call.
    pub(super) fn parse(&self, call: &Invocation) -> Result<T::Args> {
        let args = serde_path_to_error::deserialize(&call.arguments).map_err(|error| {
            let path = arguments_root().at(&error.path().to_string());
            invalid_arguments(T::NAME, &path.problem(&error.into_inner().to_string()))
        })?;
        self.tool.check(&args)?;
        Ok(args)
    }
}

#[async_trait]
impl<T: TypedTool> Tool for Typed<T> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn info(&self) -> &McpTool {
        &self.info
    }

    fn example(&self) -> Option<&Value> {
        self.example.as_ref()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let args = self.parse(&call)?;
        let accesses = self.tool.accesses(&args, &call);
        Ok(PreparedCall::new(call, T::EFFECT).with_accesses(accesses).with_parsed(args))
    }

    async fn witness(&self, _call: &PreparedCall) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        let (args, call) = call.into_parsed::<T::Args>()?;
        self.tool.call(args, &call).await
    }

    async fn probe(&self, _call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> Result<()> {
        Ok(())
    }
}
