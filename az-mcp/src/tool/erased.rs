//! The object-safe trait of tools: JSON arguments in, content parts and JSON out.

use std::fmt;

use async_trait::async_trait;
use az_core::tool::{BackgroundProcess, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec};
use az_core::{Result, TaskId};
use serde_json::Value;

use crate::schema::McpTool;

/// A tool that a registry can call.
///
/// Most tools implement [`TypedTool`](super::TypedTool). Implement this trait for tools whose
/// arguments are not known at compile time.
///
/// # Contract
///
/// 1. [`spec`](Self::spec) and [`info`](Self::info) never change, and describe the same arguments.
/// 2. [`prepare`](Self::prepare) receives arguments whose names and types fit the spec; it returns
///    `Invalid` for arguments that are otherwise wrong, and is side-effect free.
/// 3. The other methods only receive calls that this tool prepared.
/// 4. A tool fulfils the clauses of [`Toolbox`](az_core::Toolbox) that concern single tools.
#[async_trait]
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// Returns the description for models and policies.
    fn spec(&self) -> &ToolSpec;

    /// Returns the description for people.
    fn info(&self) -> &McpTool;

    /// Returns the arguments of an example call, for documents and help; by default none.
    fn example(&self) -> Option<&Value> {
        None
    }

    /// Parses the arguments of a call and determines its effect class.
    ///
    /// # Errors
    ///
    /// `Invalid`.
    fn prepare(&self, call: Invocation) -> Result<PreparedCall>;

    /// Records the state before a call, for [`probe`](Self::probe); side-effect free.
    ///
    /// # Errors
    ///
    /// The tool's own, if the state cannot be read.
    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>>;

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `Invalid`, or `LeaseLost` from the check of the call's lease, if nothing was changed; the registry
    /// turns any other error into a failed output.
    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput>;

    /// Determines whether an interrupted call took effect.
    ///
    /// # Errors
    ///
    /// The tool's own, if the state cannot be read.
    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed>;

    /// Stops and removes what an interrupted call left behind.
    ///
    /// # Errors
    ///
    /// The tool's own, if that fails.
    async fn abandon(&self, call: &PreparedCall) -> Result<()>;

    /// Lists the processes that the calls of a task left running; by default none.
    ///
    /// # Errors
    ///
    /// The tool's own.
    async fn background(&self, _task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }

    /// Ends the processes that the calls of a task left running, and returns them; by default there
    /// are none.
    ///
    /// # Errors
    ///
    /// The tool's own, if processes are left.
    async fn end_background(&self, _task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }
}
