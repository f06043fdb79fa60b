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
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::erased::Tool;
use crate::check::invalid_arguments;
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
    /// The time limit of a call, if the tool has one of its own.
    const TIMEOUT: Option<Duration> = None;

    /// Returns the description for the model: [`DESCRIPTION`](Self::DESCRIPTION), unless it depends
    /// on the options of the tool.
    fn description(&self) -> Cow<'static, str> {
        Self::DESCRIPTION.into()
    }

    /// Returns what a call accesses, as its arguments say; performs no I/O. Policies decide by it.
    fn accesses(&self, _args: &Self::Args, _call: &Invocation) -> Vec<Access> {
        Vec::new()
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
}

impl<T: TypedTool> Typed<T> {
    /// Wraps the tool and derives its description.
    pub fn new(tool: T) -> Self {
        let description = tool.description();
        let spec = ToolSpec::new(T::NAME, &*description, input_schema::<T::Args>())
            .with_category(T::CATEGORY)
            .with_effect(T::EFFECT)
            .with_scope(T::SCOPE)
            .with_timeout(T::TIMEOUT);
        let info = McpTool {
            arguments: ToolArgument::read(&spec.input_schema, argument_order::<T::Args>()),
            ..McpTool::new(T::NAME, &*description, T::RETURNS).with_category(T::CATEGORY)
        };
        Self { tool, spec, info }
    }

    /// Parses the arguments of a call.
    pub(super) fn parse(call: &Invocation) -> Result<T::Args> {
        T::Args::deserialize(&call.arguments)
            .map_err(|error| invalid_arguments(T::NAME, &error.to_string()))
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

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let args = Self::parse(&call)?;
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
