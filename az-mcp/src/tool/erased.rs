//! A tool as a registry sees it: JSON in, text and JSON out.

use std::fmt;

use async_trait::async_trait;
use az_core::Result;
use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolSpec};
use serde_json::Value;

use crate::schema::McpTool;

/// A tool.
///
/// Most tools are a [`TypedTool`](super::TypedTool); implement this one for tools whose arguments
/// are not known when the program is built.
///
/// # Contract
///
/// 1. [`spec`](Self::spec) and [`info`](Self::info) say the same every time, and fit each other.
/// 2. Names and types of the arguments have been checked against the spec before; what else is
///    wrong with them is refused with `Invalid`, and nothing was done.
/// 3. All else that [`Toolbox`](az_core::Toolbox) promises of its tools, this one keeps.
#[async_trait]
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// Returns what models are told of it.
    fn spec(&self) -> &ToolSpec;

    /// Returns what people are told of it.
    fn info(&self) -> &McpTool;

    /// Returns the effect class of one call.
    ///
    /// # Errors
    ///
    /// `Invalid`, as for the call itself.
    fn effect(&self, call: &Invocation) -> Result<EffectClass>;

    /// Notes how things stand before a call, for [`probe`](Self::probe); changes nothing.
    ///
    /// # Errors
    ///
    /// `Invalid`, or whatever kept it from looking.
    async fn witness(&self, call: &Invocation) -> Result<Option<Value>>;

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `Invalid`; the registry makes a failed output of any other error.
    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput>;

    /// Tells whether an interrupted call happened.
    ///
    /// # Errors
    ///
    /// Whatever kept it from looking.
    async fn probe(&self, call: &Invocation, witness: Option<&Value>) -> Result<Probed>;

    /// Ends and removes whatever an interrupted call left behind.
    ///
    /// # Errors
    ///
    /// Whatever kept it from that.
    async fn abandon(&self, call: &Invocation) -> Result<()>;
}
