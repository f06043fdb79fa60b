//! The toolbox that calls registered tools.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::content::ContentPart;
use az_core::tool::{
    BackgroundProcess, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox,
};
use az_core::{CancellationToken, Error, Result, TaskId};
use futures_util::FutureExt;
use serde_json::Value;

use crate::check::check_arguments;
use crate::schema::{McpTool, McpToolResult};
use crate::tool::{Recoverable, RecoverableTool, Tool, Typed, TypedTool};

/// The prefix of the keys of calls outside any task.
const BARE_KEY_PREFIX: &str = "bare:";

/// The advice in the output of a call that was cut short.
pub(crate) const OUTCOME_UNKNOWN: &str = "the outcome is unknown: verify before repeating it";

/// How long a tool may take to clean up after it was cancelled or timed out.
const GRACE_PERIOD: Duration = Duration::from_secs(2);

/// A set of tools, in the order in which they were registered.
#[derive(Debug, Default)]
pub struct ToolRegistry {
    tools: Vec<Arc<dyn Tool>>,
    specs: Arc<[ToolSpec]>,
    index: HashMap<String, usize>,
    workspace: Option<String>,
}

impl ToolRegistry {
    /// Returns a registry without tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the workspace of calls that do not have one.
    #[must_use]
    pub fn in_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = Some(workspace.into());
        self
    }

    /// Registers a typed tool.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn add(&mut self, tool: impl TypedTool) -> Result<()> {
        self.register(Arc::new(Typed::new(tool)))
    }

    /// Registers a typed tool that can recover its interrupted calls.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn add_recoverable(&mut self, tool: impl RecoverableTool) -> Result<()> {
        self.register(Arc::new(Recoverable::new(tool)))
    }

    /// Registers a tool.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if a tool of that name is registered; `Invalid` if the name does not match
    /// `[A-Za-z][A-Za-z0-9_.-]*`, or the schema's `type` is not `object`.
    pub fn register(&mut self, tool: Arc<dyn Tool>) -> Result<()> {
        let spec = tool.spec();
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !spec.name.starts_with(|c: char| c.is_ascii_alphabetic())
            || !spec.name.chars().all(legal)
        {
            let rule = "must start with a letter and consist of ASCII letters, digits and _.-";
            return Err(Error::invalid("tool name", format!("{:?} {rule}", spec.name)));
        }
        if spec.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            let reason = format!("the type of the schema of {} must be \"object\"", spec.name);
            return Err(Error::invalid("tool schema", reason));
        }
        if self.index.contains_key(&spec.name) {
            return Err(Error::AlreadyExists { what: "tool", id: spec.name.clone() });
        }
        self.index.insert(spec.name.clone(), self.tools.len());
        self.tools.push(tool);
        self.specs = self.tools.iter().map(|tool| tool.spec().clone()).collect();
        Ok(())
    }

    /// Lists the tools.
    pub fn list_tools(&self) -> Vec<McpTool> {
        self.tools.iter().map(|tool| tool.info().clone()).collect()
    }

    /// Describes a tool.
    pub fn tool_info(&self, name: &str) -> Option<McpTool> {
        self.find(name).ok().map(|tool| tool.info().clone())
    }

    /// Returns the arguments of an example call of a tool, if it has one.
    pub fn example(&self, name: &str) -> Option<Value> {
        self.find(name).ok()?.example().cloned()
    }

    /// Calls a tool outside any task.
    ///
    /// Errors are returned as a failed result.
    pub async fn call_tool(
        &self,
        name: &str,
        arguments: Value,
        timeout: Option<Duration>,
    ) -> McpToolResult {
        let output = match bare_call(name, arguments, timeout) {
            Ok(call) => self.call(call).await,
            Err(error) => Err(error),
        };
        output.map_or_else(|error| McpToolResult::failed(error.chain()), McpToolResult::from)
    }

    fn find(&self, name: &str) -> Result<&Arc<dyn Tool>> {
        let tool = self.index.get(name).and_then(|index| self.tools.get(*index));
        tool.ok_or_else(|| Error::not_found("tool", name))
    }
}

#[async_trait]
impl Toolbox for ToolRegistry {
    fn specs(&self) -> Arc<[ToolSpec]> {
        Arc::clone(&self.specs)
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let tool = self.find(&call.tool)?;
        let mut call = check_arguments(tool.spec(), call)?;
        if call.workspace.is_none() {
            call.workspace.clone_from(&self.workspace);
        }
        let name = &tool.spec().name;
        catch_unwind(AssertUnwindSafe(|| tool.prepare(call)))
            .unwrap_or_else(|panic| Err(panicked(name, panic.as_ref())))
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        let tool = self.find(&call.invocation.tool)?;
        catch_panics(tool, tool.witness(call)).await
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        let tool = self.find(&call.invocation.tool)?;
        let (cancel, timeout) = (call.invocation.cancel.clone(), call.invocation.timeout);
        let corrections = call.invocation.corrections.clone();
        if cancel.is_cancelled() {
            return Ok(ToolOutput::failed("cancelled before the tool was started"));
        }
        let output = tokio::select! {
            biased;
            output = catch_panics(tool, tool.invoke(call)) => output,
            reason = cancelled_or_timed_out(cancel, timeout) => {
                Ok(ToolOutput::unknown(format!("{reason}; {OUTCOME_UNKNOWN}")))
            }
        };
        match output {
            // A call that was refused changed nothing.
            Err(Error::Invalid { .. } | Error::LeaseLost { .. }) => output,
            Ok(output) => Ok(with_corrections(output, &corrections)),
            // A tool that panicked or was cut short may have changed something before.
            Err(error @ (Error::Internal(_) | Error::Cancelled | Error::TimedOut { .. })) => {
                Ok(ToolOutput::unknown(format!("{}; {OUTCOME_UNKNOWN}", error.chain())))
            }
            Err(error) => Ok(ToolOutput::failed(error.chain())),
        }
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        let tool = self.find(&call.invocation.tool)?;
        catch_panics(tool, tool.probe(call, witness)).await
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        if call.invocation.key.starts_with(BARE_KEY_PREFIX) {
            // Keys of calls outside any task are not unique over time: what is found under this
            // key may belong to a later call.
            return Ok(());
        }
        let tool = self.find(&call.invocation.tool)?;
        catch_panics(tool, tool.abandon(call)).await
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        let mut running = Vec::new();
        for tool in &self.tools {
            running.extend(catch_panics(tool, tool.background(task)).await?);
        }
        Ok(running)
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        let (mut ended, mut failed) = (Vec::new(), None);
        for tool in &self.tools {
            match catch_panics(tool, tool.end_background(task)).await {
                Ok(processes) => ended.extend(processes),
                // The processes of other tools are ended nevertheless.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(ended), Err)
    }
}

/// Adds how the arguments of the call were corrected.
fn with_corrections(output: ToolOutput, corrections: &[String]) -> ToolOutput {
    corrections.iter().fold(output, |output, correction| {
        output.with_part(ContentPart::Text { text: format!("[{correction}]") })
    })
}

/// Returns a call with a key that is unique among the running processes.
fn bare_call(name: &str, arguments: Value, timeout: Option<Duration>) -> Result<Invocation> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let number = CALLS.fetch_add(1, Ordering::Relaxed);
    let key = format!("{BARE_KEY_PREFIX}{}:{number}", std::process::id());
    Ok(Invocation::bare(name, arguments)?.with_key(key).with_timeout(timeout))
}

/// Waits for cancellation or the timeout and then for the grace period; returns the reason.
///
/// A tool that observes both returns earlier, with a more specific output.
#[expect(clippy::disallowed_methods, reason = "the timeout of a tool is real time")]
async fn cancelled_or_timed_out(cancel: CancellationToken, timeout: Option<Duration>) -> String {
    let timed_out = async {
        match timeout {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                format!("timed out after {} s", limit.as_secs_f64())
            }
            None => std::future::pending().await,
        }
    };
    let reason = tokio::select! {
        () = cancel.cancelled() => "cancelled".to_owned(),
        reason = timed_out => reason,
    };
    tokio::time::sleep(GRACE_PERIOD).await;
    reason
}

/// Runs a tool's future, and turns a panic in it into an error.
async fn catch_panics<T>(
    tool: &Arc<dyn Tool>,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.unwrap_or_else(|panic| Err(panicked(&tool.spec().name, panic.as_ref())))
}

fn panicked(tool: &str, panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("no message");
    Error::Internal(format!("{tool} panicked: {message}"))
}

#[cfg(test)]
mod tests;
