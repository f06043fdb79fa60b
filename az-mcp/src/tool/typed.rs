//! A tool as its author writes it: typed arguments in, an output out.

use std::fmt;

use async_trait::async_trait;
use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolSpec};
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
    /// Its arguments: a struct whose field comments are their descriptions.
    type Args: DeserializeOwned + JsonSchema + Send;

    /// Its name, such as `filesystem.read`.
    const NAME: &'static str;
    /// What it does and when to use it, for the model.
    const DESCRIPTION: &'static str;
    /// What sort of tool, for people.
    const CATEGORY: &'static str;
    /// The type of what it returns: `string`, `number`, `boolean`, `array` or `object`.
    const RETURNS: &'static str;
    /// What may be done about an interrupted call; of several, the gravest.
    const EFFECT: EffectClass;

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
        let spec = ToolSpec {
            name: T::NAME.to_owned(),
            description: T::DESCRIPTION.to_owned(),
            input_schema: input_schema::<T::Args>(),
            category: T::CATEGORY.to_owned(),
            effect: T::EFFECT,
        };
        let info = McpTool {
            arguments: ToolArgument::read(&spec.input_schema, argument_order::<T::Args>()),
            ..McpTool::new(T::NAME, T::DESCRIPTION, T::RETURNS).with_category(T::CATEGORY)
        };
        Self { tool, spec, info }
    }

    /// Reads the arguments of a call.
    pub(super) fn args(call: &Invocation) -> Result<T::Args> {
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

    fn effect(&self, call: &Invocation) -> Result<EffectClass> {
        Self::args(call).map(|_args| T::EFFECT)
    }

    async fn witness(&self, call: &Invocation) -> Result<Option<Value>> {
        Self::args(call).map(|_args| None)
    }

    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput> {
        self.tool.call(Self::args(call)?, call).await
    }

    async fn probe(&self, _call: &Invocation, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &Invocation) -> Result<()> {
        Ok(())
    }
}
