//! Tools that can recover their interrupted calls.

use async_trait::async_trait;
use az_core::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec,
};
use az_core::{Result, TaskId};
use serde_json::Value;

use super::erased::Tool;
use super::typed::{Typed, TypedTool};
use crate::schema::McpTool;

/// A tool that can determine the outcome of an interrupted call, and clean up after it.
///
/// It is separate from [`TypedTool`] so that a tool that needs neither is five constants and a
/// function.
///
/// # Contract
///
/// 1. A witness is taken before the call, is small, and holds all of the earlier state that a probe
///    needs.
/// 2. A probe that cannot determine the outcome returns `Unknown`.
/// 3. Abandoning a call that left nothing behind does nothing.
pub trait RecoverableTool: TypedTool {
    /// Returns the effect class of one call: [`EFFECT`](TypedTool::EFFECT) or a safer one.
    fn effect_of(&self, args: &Self::Args) -> EffectClass;

    /// Records the state before a call, for [`probe`](Self::probe); side-effect free.
    ///
    /// # Errors
    ///
    /// The tool's own, if the state cannot be read.
    fn witness(
        &self,
        args: &Self::Args,
        call: &Invocation,
    ) -> impl Future<Output = Result<Option<Value>>> + Send;

    /// Determines whether an interrupted call took effect; only called if the class is `Probe`.
    ///
    /// # Errors
    ///
    /// The tool's own, if the state cannot be read.
    fn probe(
        &self,
        args: &Self::Args,
        call: &Invocation,
        witness: Option<&Value>,
    ) -> impl Future<Output = Result<Probed>> + Send;

    /// Stops and removes what an interrupted call left behind.
    ///
    /// # Errors
    ///
    /// The tool's own, if that fails.
    fn abandon(
        &self,
        args: &Self::Args,
        call: &Invocation,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Lists the processes that the calls of a task left running; by default none.
    ///
    /// # Errors
    ///
    /// The tool's own.
    fn background(
        &self,
        _task: &TaskId,
    ) -> impl Future<Output = Result<Vec<BackgroundProcess>>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Ends the processes that the calls of a task left running, and returns them; by default there
    /// are none.
    ///
    /// # Errors
    ///
    /// The tool's own, if processes are left.
    fn end_background(
        &self,
        _task: &TaskId,
    ) -> impl Future<Output = Result<Vec<BackgroundProcess>>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
}

/// Adapts a [`RecoverableTool`] to [`Tool`].
#[derive(Debug)]
pub struct Recoverable<T>(Typed<T>);

impl<T: RecoverableTool> Recoverable<T> {
    /// Wraps the tool and derives its description.
    pub fn new(tool: T) -> Self {
        Self(Typed::new(tool))
    }
}

#[async_trait]
impl<T: RecoverableTool> Tool for Recoverable<T> {
    fn spec(&self) -> &ToolSpec {
        self.0.spec()
    }

    fn info(&self) -> &McpTool {
        self.0.info()
    }

    fn example(&self) -> Option<&Value> {
        self.0.example()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let args = self.0.parse(&call)?;
        let effect = self.0.tool.effect_of(&args);
        let accesses = self.0.tool.accesses(&args, &call);
        Ok(PreparedCall::new(call, effect).with_accesses(accesses).with_parsed(args))
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.0.tool.witness(call.parsed()?, &call.invocation).await
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        self.0.invoke(call).await
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        if call.effect != EffectClass::Probe {
            return Ok(Probed::Unknown);
        }
        self.0.tool.probe(call.parsed()?, &call.invocation, witness).await
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.0.tool.abandon(call.parsed()?, &call.invocation).await
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.0.tool.background(task).await
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.0.tool.end_background(task).await
    }
}
