//! A tool of a server, in a registry.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::Result;
use az_core::tool::{EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec};
use serde_json::{Map, Value};

use super::contract::{ClientCall, McpClient};
use super::definition::digest_of;
use super::error::ClientError;
use super::limits::Limits;
use super::result::output_of;
use super::shown;
use crate::registry::OUTCOME_UNKNOWN;
use crate::schema::{McpTool, WireTool};
use crate::tool::Tool;

/// The category of servers' tools.
const CATEGORY: &str = "mcp";

/// A tool of a server, under the definition that was approved.
///
/// Its calls are of class `Unsafe` and of the scope `System`, whatever the server says: its annotations are
/// only hints. [`read_only`](Self::read_only) sets that it only reads, which the user has to decide.
#[derive(Debug)]
pub struct ForeignTool {
    client: Arc<dyn McpClient>,
    server: String,
    tool: String,
    pin: String,
    spec: ToolSpec,
    info: McpTool,
}

impl ForeignTool {
    /// Creates the tool of a server, with the name by which models know it. Its texts are shown to models as
    /// the limits say.
    pub fn new(
        client: Arc<dyn McpClient>,
        server: &str,
        (name, definition): (String, &WireTool),
        limits: &Limits,
    ) -> Self {
        let mut told = definition.clone();
        let most = limits.description_bytes;
        told.description = shown::description(&told.description, most);
        told.input_schema = shown::schema(&told.input_schema, most);
        told.output_schema = told.output_schema.map(|schema| shown::schema(&schema, most));
        told.name = name;
        let about = match told.description.as_str() {
            "" => format!("A tool of the MCP server {server}"),
            text => format!("Of the MCP server {server}: {text}"),
        };
        let spec = ToolSpec::new(told.name.clone(), about, told.input_schema.clone())
            .with_category(CATEGORY)
            .with_server(server)
            .with_output_schema(told.output_schema.clone());
        let info = McpTool { category: CATEGORY.to_owned(), ..McpTool::from(&told) };
        let (server, tool) = (server.to_owned(), definition.name.clone());
        Self { client, server, tool, pin: digest_of(definition), spec, info }
    }

    /// Declares that calls of the tool change nothing.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.spec = self.spec.with_effect(EffectClass::Read);
        self
    }

    fn failed(&self, error: &ClientError) -> ToolOutput {
        let is_read = self.spec.effect == EffectClass::Read;
        let text = match error {
            ClientError::NoSuchTool { .. } => format!(
                "the tool is gone: the MCP server {} does not have it any more; use another one",
                self.server
            ),
            other => other.to_string(),
        };
        match error.is_unknown() && !is_read {
            true => ToolOutput::unknown(format!("{text}; {OUTCOME_UNKNOWN}")),
            false => ToolOutput::failed(text),
        }
    }
}

#[async_trait]
impl Tool for ForeignTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn info(&self) -> &McpTool {
        &self.info
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        Ok(PreparedCall::new(call, self.spec.effect))
    }

    async fn witness(&self, _call: &PreparedCall) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        let invocation = call.invocation;
        let arguments = match invocation.arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        let request = ClientCall::new(self.tool.clone(), arguments)
            .with_pin(self.pin.clone())
            .with_timeout(invocation.timeout)
            .with_cancel(invocation.cancel)
            .with_progress(invocation.progress);
        if self.spec.effect != EffectClass::Read {
            invocation.lease.check()?;
        }
        Ok(match self.client.call(request).await {
            Ok(result) => output_of(&self.server, result),
            Err(error) => self.failed(&error),
        })
    }

    async fn probe(&self, _call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> Result<()> {
        Ok(())
    }
}
