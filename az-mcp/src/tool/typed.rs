//! A tool as its author writes it: typed arguments in, an output out.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use az_core::tool::{
    EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolScope, ToolSpec,
};
use az_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::erased::Tool;
use crate::schema::{McpTool, ToolArgument, argument_order, input_schema};

/// A tool with typed arguments.
///
/// A tool whose interrupted calls leave something to find out or to clean up is a
/// [`RecoverableTool`](super::RecoverableTool) as well.
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
    /// What may be done about an interrupted call; of several classes, the gravest.
    const EFFECT: EffectClass;
    /// What the tool can reach; by default everything, so that its calls need approval.
    const SCOPE: ToolScope = ToolScope::System;
    /// How long a call may take, if the tool has a limit of its own.
    const TIMEOUT: Option<Duration> = None;

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `Invalid` when the arguments make no sense together. What the tool meets while running is a
    /// failed output; any other error becomes one.
    fn call(
        &self,
        args: Self::Args,
        call: &Invocation,
    ) -> impl Future<Output = Result<ToolOutput>> + Send;
}

/// A [`TypedTool`] made a [`Tool`]: an interrupted call of it leaves nothing behind.
#[derive(Debug)]
pub struct Typed<T> {
    pub(super) tool: T,
    spec: ToolSpec,
    info: McpTool,
}

impl<T: TypedTool> Typed<T> {
    /// Derives the tool's description.
    pub fn new(tool: T) -> Self {
        let spec = ToolSpec::new(T::NAME, T::DESCRIPTION, input_schema::<T::Args>())
            .with_category(T::CATEGORY)
            .with_effect(T::EFFECT)
            .with_scope(T::SCOPE)
            .with_timeout(T::TIMEOUT);
        let info = McpTool {
            arguments: ToolArgument::read(&spec.input_schema, argument_order::<T::Args>()),
            ..McpTool::new(T::NAME, T::DESCRIPTION, T::RETURNS).with_category(T::CATEGORY)
        };
        Self { tool, spec, info }
    }

    /// Parses the arguments of a call.
    pub(super) fn parse(call: &Invocation) -> Result<T::Args> {
        T::Args::deserialize(&call.arguments)
            .map_err(|error| Error::invalid("arguments", format!("of {}: {error}", T::NAME)))
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
        Ok(PreparedCall::new(call, T::EFFECT).with_parsed(args))
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
