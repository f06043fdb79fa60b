//! What a tool adds when its interrupted calls leave something to find out or to clean up.

use async_trait::async_trait;
use az_core::Result;
use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolSpec};
use serde_json::Value;

use super::erased::Tool;
use super::typed::{Typed, TypedTool};
use crate::schema::McpTool;

/// A tool that can tell what became of an interrupted call, and put it in order.
///
/// It stands apart from [`TypedTool`] so that a tool without such needs stays five constants and a
/// function.
///
/// # Contract
///
/// 1. A witness is taken before the call, is small, and is all of the past that a probe needs.
/// 2. A probe that is not sure says `Unknown`.
/// 3. Abandoning a call that left nothing behind does nothing.
pub trait RecoverableTool: TypedTool {
    /// Returns the effect class of one call: [`EFFECT`](TypedTool::EFFECT) or a milder one.
    fn effect_of(&self, args: &Self::Args) -> EffectClass;

    /// Notes how things stand before a call, for [`probe`](Self::probe); changes nothing.
    ///
    /// # Errors
    ///
    /// Whatever kept it from looking.
    fn witness(
        &self,
        args: Self::Args,
        call: &Invocation,
    ) -> impl Future<Output = Result<Option<Value>>> + Send;

    /// Tells whether an interrupted call happened; only asked of calls whose class is `Probe`.
    ///
    /// # Errors
    ///
    /// Whatever kept it from looking.
    fn probe(
        &self,
        args: Self::Args,
        call: &Invocation,
        witness: Option<&Value>,
    ) -> impl Future<Output = Result<Probed>> + Send;

    /// Ends and removes whatever an interrupted call left behind.
    ///
    /// # Errors
    ///
    /// Whatever kept it from that.
    fn abandon(
        &self,
        args: Self::Args,
        call: &Invocation,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// A [`RecoverableTool`] made a [`Tool`].
#[derive(Debug)]
pub struct Recoverable<T>(Typed<T>);

impl<T: RecoverableTool> Recoverable<T> {
    /// Derives the tool's description.
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

    fn effect(&self, call: &Invocation) -> Result<EffectClass> {
        Typed::<T>::args(call).map(|args| self.0.tool.effect_of(&args))
    }

    async fn witness(&self, call: &Invocation) -> Result<Option<Value>> {
        self.0.tool.witness(Typed::<T>::args(call)?, call).await
    }

    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput> {
        self.0.invoke(call).await
    }

    async fn probe(&self, call: &Invocation, witness: Option<&Value>) -> Result<Probed> {
        let Some(args) = Typed::<T>::args(call)
            .ok()
            .filter(|args| self.0.tool.effect_of(args) == EffectClass::Probe)
        else {
            return Ok(Probed::Unknown);
        };
        self.0.tool.probe(args, call, witness).await
    }

    async fn abandon(&self, call: &Invocation) -> Result<()> {
        match Typed::<T>::args(call) {
            Ok(args) => self.0.tool.abandon(args, call).await,
            // What cannot be called has left nothing behind.
            Err(_) => Ok(()),
        }
    }
}
