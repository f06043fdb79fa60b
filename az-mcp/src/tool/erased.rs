//! A tool as a registry sees it: JSON in, text and JSON out.

use std::fmt;

use async_trait::async_trait;
use az_core::Result;
use az_core::tool::{Invocation, PreparedCall, Probed, ToolOutput, ToolSpec};
use serde_json::Value;

use crate::schema::McpTool;

/// A tool.
///
/// Most tools are a [`TypedTool`](super::TypedTool); implement this one for tools whose arguments
/// are not known when the program is built.
///
/// # Contract
///
/// 1. [`spec`](Self::spec) and [`info`](Self::info) never change, and describe the same arguments.
/// 2. [`prepare`](Self::prepare) gets arguments whose names and types fit the spec; it refuses with
///    `Invalid` whatever else is wrong with them, and nothing is done.
/// 3. The other methods get calls that this tool prepared.
/// 4. A tool keeps all else that [`Toolbox`](az_core::Toolbox) promises of its tools.
#[async_trait]
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// Returns the description for models and policies.
    fn spec(&self) -> &ToolSpec;

    /// Returns the description for people.
    fn info(&self) -> &McpTool;

    /// Parses the arguments of a call and determines its effect class.
    ///
    /// # Errors
    ///
    /// `Invalid`.
    fn prepare(&self, call: Invocation) -> Result<PreparedCall>;

    /// Notes the state before a call, for [`probe`](Self::probe); changes nothing.
    ///
    /// # Errors
    ///
    /// The tool's own, if it cannot look.
    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>>;

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `Invalid`; the registry makes a failed output of any other error.
    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput>;

    /// Finds out whether an interrupted call took effect.
    ///
    /// # Errors
    ///
    /// The tool's own, if it cannot look.
    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed>;

    /// Stops and removes what an interrupted call left behind.
    ///
    /// # Errors
    ///
    /// The tool's own, if that fails.
    async fn abandon(&self, call: &PreparedCall) -> Result<()>;
}
