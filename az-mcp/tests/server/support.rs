//! A client that writes and reads lines, and tools for it.

use std::sync::Arc;
use std::time::Duration;

use az_core::content::ContentPart;
use az_core::tool::{EffectClass, Invocation, Progress, ToolOutput, ToolScope};
use az_core::{CancellationToken, Result};
use az_mcp::server::{McpServer, ServeOptions};
use az_mcp::{ToolRegistry, TypedTool};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;

/// A client of a server in this process.
pub(crate) struct Client {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    pub(crate) served: JoinHandle<Result<()>>,
    pub(crate) stop: CancellationToken,
}

impl Client {
    pub(crate) fn of(tools: ToolRegistry, options: ServeOptions) -> Self {
        let server = McpServer::with_options(Arc::new(tools), options);
        let (near, far) = tokio::io::duplex(1 << 20);
        let (reader, writer) = tokio::io::split(near);
        let (far_reader, far_writer) = tokio::io::split(far);
        let stop = CancellationToken::new();
        let until = stop.clone();
        let serve = async move { server.serve(far_reader, far_writer, until).await };
        let served = tokio::spawn(serve);
        Self { lines: BufReader::new(reader).lines(), writer, served, stop }
    }

    /// Returns a client that has shaken hands.
    pub(crate) async fn legacy(tools: ToolRegistry, options: ServeOptions) -> Self {
        let mut client = Self::of(tools, options);
        let info = json!({"name": "test", "version": "1"});
        let params =
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
        client.ask(0, "initialize", params).await;
        let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        client.send(&done).await;
        client
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn request(&mut self, id: u32, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
    }

    pub(crate) async fn message(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.next_line());
        serde_json::from_str(&line.await.unwrap().unwrap().unwrap()).unwrap()
    }

    /// Sends a request and returns the next message.
    pub(crate) async fn ask(&mut self, id: u32, method: &str, params: Value) -> Value {
        self.request(id, method, params).await;
        self.message().await
    }

    /// Calls a tool and returns the result.
    pub(crate) async fn call(&mut self, name: &str, arguments: Value) -> Value {
        let params = json!({"name": name, "arguments": arguments});
        let answer = self.ask(1, "tools/call", params).await;
        answer["result"].clone()
    }

    /// Closes the input, and returns how the server ended.
    pub(crate) async fn close(self) -> Result<()> {
        drop((self.writer, self.lines));
        self.served.await.unwrap()
    }
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct EchoArgs {
    /// What is returned
    text: String,
}

/// Returns its text.
#[derive(Debug)]
pub(crate) struct Echo;

impl TypedTool for Echo {
    type Args = EchoArgs;
    const NAME: &'static str = "test.echo";
    const DESCRIPTION: &'static str = "Return a text";
    const CATEGORY: &'static str = "test";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;

    async fn call(&self, args: EchoArgs, _call: &Invocation) -> Result<ToolOutput> {
        Ok(ToolOutput::done(args.text))
    }
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct NoArgs {}

/// Returns an image, a link and data, or fails.
#[derive(Debug)]
pub(crate) struct Parts(pub(crate) bool);

impl TypedTool for Parts {
    type Args = NoArgs;
    const NAME: &'static str = "test.parts";
    const DESCRIPTION: &'static str = "Return parts";
    const CATEGORY: &'static str = "test";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Read;

    async fn call(&self, _args: NoArgs, _call: &Invocation) -> Result<ToolOutput> {
        if !self.0 {
            return Ok(ToolOutput::failed("no parts"));
        }
        let output = ToolOutput::done("text")
            .with_part(ContentPart::image("image/png", "aW1n"))
            .with_part(ContentPart::link("https://example.org", "example"));
        Ok(output.with_data(json!({"count": 3})))
    }
}

/// Reports progress, and ends when it is cancelled.
#[derive(Debug)]
pub(crate) struct Waits(pub(crate) CancellationToken);

impl TypedTool for Waits {
    type Args = NoArgs;
    const NAME: &'static str = "test.wait";
    const DESCRIPTION: &'static str = "Wait until the call is cancelled";
    const CATEGORY: &'static str = "test";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Unsafe;

    async fn call(&self, _args: NoArgs, call: &Invocation) -> Result<ToolOutput> {
        call.progress.report(Progress::message("waiting").with_count(1, Some(4)));
        call.cancel.cancelled().await;
        self.0.cancel();
        Ok(ToolOutput::unknown("cancelled"))
    }
}

pub(crate) fn tools() -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    tools.add(Echo).unwrap();
    tools.add(Parts(true)).unwrap();
    tools
}
