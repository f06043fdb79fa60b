//! A toolbox of registered tools.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::tool::{Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox};
use az_core::{CancellationToken, Error, Result};
use futures_util::FutureExt;
use serde_json::Value;

use crate::check::checked;
use crate::schema::{McpTool, McpToolResult};
use crate::tool::{Recoverable, RecoverableTool, Tool, Typed, TypedTool};

/// How the keys of calls outside any task begin.
const BARE: &str = "bare:";

/// How long a tool that was cancelled, or is out of time, may take to clean up.
const GRACE: Duration = Duration::from_secs(2);

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

    /// Returns the registry with a directory for the calls that name none.
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

    /// Registers a typed tool that knows what to do about its interrupted calls.
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
    /// `AlreadyExists` when there is a tool of that name; `Invalid` when the name does not start
    /// with a letter or has more in it than `[A-Za-z0-9_.-]`, or the schema is not of an object.
    pub fn register(&mut self, tool: Arc<dyn Tool>) -> Result<()> {
        let spec = tool.spec();
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !spec.name.starts_with(|c: char| c.is_ascii_alphabetic())
            || !spec.name.chars().all(legal)
        {
            let rule = "it must start with a letter and consist of letters, digits and _.-";
            return Err(Error::invalid("tool name", format!("{:?}: {rule}", spec.name)));
        }
        if spec.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            let reason = format!("the schema of {} is not of an object", spec.name);
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

    /// Calls a tool outside any task.
    ///
    /// Whatever goes wrong is in the result.
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
        let mut call = checked(tool.spec(), call)?;
        if call.workspace.is_none() {
            call.workspace.clone_from(&self.workspace);
        }
        let name = &tool.spec().name;
        catch_unwind(AssertUnwindSafe(|| tool.prepare(call)))
            .unwrap_or_else(|panic| Err(panicked(name, panic.as_ref())))
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        let tool = self.find(&call.invocation.tool)?;
        guarded(tool, tool.witness(call)).await
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        let tool = self.find(&call.invocation.tool)?;
        let (cancel, timeout) = (call.invocation.cancel.clone(), call.invocation.timeout);
        if cancel.is_cancelled() {
            return Ok(ToolOutput::failed("cancelled before it began"));
        }
        let output = tokio::select! {
            biased;
            output = guarded(tool, tool.invoke(call)) => output,
            reason = given_up(cancel, timeout) => Ok(ToolOutput::failed(reason)),
        };
        match output {
            Err(Error::Invalid { .. }) | Ok(_) => output,
            Err(error) => Ok(ToolOutput::failed(error.chain())),
        }
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        let tool = self.find(&call.invocation.tool)?;
        guarded(tool, tool.probe(call, witness)).await
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        if call.invocation.key.starts_with(BARE) {
            // Such calls belong to no task that could abandon them, and share their keys: what is
            // found under this one may belong to another call.
            return Ok(());
        }
        let tool = self.find(&call.invocation.tool)?;
        guarded(tool, tool.abandon(call)).await
    }
}

/// Returns a call with a key that no other call in a living process has.
fn bare_call(name: &str, arguments: Value, timeout: Option<Duration>) -> Result<Invocation> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let number = CALLS.fetch_add(1, Ordering::Relaxed);
    let key = format!("{BARE}{}:{number}", std::process::id());
    Ok(Invocation::bare(name, arguments)?.with_key(key).with_timeout(timeout))
}

/// Waits until a tool should have returned and did not: cancelled or out of time, and the grace
/// over. A well-behaved tool returns before that, with more to say.
#[expect(clippy::disallowed_methods, reason = "a tool's limit is a matter of real time")]
async fn given_up(cancel: CancellationToken, timeout: Option<Duration>) -> String {
    let out_of_time = async {
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
        reason = out_of_time => reason,
    };
    tokio::time::sleep(GRACE).await;
    reason
}

/// Runs a tool's future; a panic in it is an error, not the end of the process.
async fn guarded<T>(
    tool: &Arc<dyn Tool>,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.unwrap_or_else(|panic| Err(panicked(&tool.spec().name, panic.as_ref())))
}

fn panicked(tool: &str, panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let said = said.unwrap_or("without a message");
    Error::Internal(format!("{tool} panicked: {said}"))
}

#[cfg(test)]
mod tests;
