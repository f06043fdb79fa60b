//! A tool of one's own, offered to MCP clients: `claude mcp add shop -- cargo run --example mcp_server`.

use std::sync::Arc;

use az_core::CancellationToken;
use az_core::tool::{EffectClass, Invocation, ToolOutput};
use az_mcp::server::{McpServer, ServeOptions};
use az_mcp::{ToolRegistry, TypedTool};

/// Looks up prices.
#[derive(Debug)]
struct Prices;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Item {
    /// Name of the item
    name: String,
}

impl TypedTool for Prices {
    type Args = Item;
    const NAME: &'static str = "shop.price";
    const DESCRIPTION: &'static str = "Look up the price of an item";
    const CATEGORY: &'static str = "shop";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;

    async fn call(&self, item: Item, _call: &Invocation) -> az_core::Result<ToolOutput> {
        Ok(ToolOutput::done(format!("{} costs {} EUR", item.name, item.name.len())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> az_core::Result<()> {
    let mut tools = ToolRegistry::new();
    tools.add(Prices)?;
    let options = ServeOptions::default().named("shop", "1.0");
    McpServer::with_options(Arc::new(tools), options).serve_stdio(CancellationToken::new()).await
}
