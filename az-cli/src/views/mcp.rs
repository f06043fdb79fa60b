//! MCP servers and their tools.

use az_mcp::client::{Change, Era, LeftOut, Listing};
use az_mcp::schema::WireTool;
use schemars::JsonSchema;
use serde::Serialize;

/// A server in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct McpServerView {
    /// Its name.
    pub name: String,
    /// The command that starts it, or its address.
    pub target: String,
    /// Whether it is used.
    pub enabled: bool,
    /// The era of the protocol that it spoke last: `legacy` or `modern`; absent if it was never listed.
    pub era: Option<&'static str>,
    /// The number of its tools that were approved; absent if it was never listed.
    pub tools: Option<usize>,
}

impl McpServerView {
    /// Creates the view of a server, with its name and what it is, and its approved tools, if any.
    pub fn new((name, target): (&str, String), enabled: bool, approved: Option<&Listing>) -> Self {
        Self {
            name: name.to_owned(),
            target,
            enabled,
            era: approved.map(|listing| listing.server.era.as_str()),
            tools: approved.map(|listing| listing.tools.len()),
        }
    }
}

/// What a server answered when it was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct McpTestView {
    /// Its name in the configuration.
    pub name: String,
    /// Its name for itself; empty if it has none.
    pub server: String,
    /// Its version; empty if it has none.
    pub version: String,
    /// The version of the protocol that is spoken with it.
    pub protocol: String,
    /// The era of that version: `legacy` or `modern`.
    pub era: &'static str,
    /// What it says about its use.
    pub instructions: Option<String>,
    /// Its tools, and those that are gone.
    pub tools: Vec<McpToolView>,
    /// The tools that are not used.
    pub left_out: Vec<McpLeftOutView>,
}

impl McpTestView {
    /// Creates the view of a listing.
    pub fn new(name: &str, listing: &Listing, tools: Vec<McpToolView>) -> Self {
        let server = &listing.server;
        let left_out = listing.left_out.iter().map(McpLeftOutView::from);
        Self {
            name: name.to_owned(),
            server: server.name.clone(),
            version: server.version.clone(),
            protocol: server.protocol.clone(),
            era: if server.era == Era::Modern { "modern" } else { "legacy" },
            instructions: server.instructions.clone(),
            tools,
            left_out: left_out.collect(),
        }
    }
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct McpToolView {
    /// Its name.
    pub name: String,
    /// What the server says that it does.
    pub description: String,
    /// How it differs from what was approved: `added`, `removed` or `changed`; absent if it does not.
    pub change: Option<&'static str>,
    /// The parts of the definition that differ.
    pub differences: Vec<McpDifferenceView>,
    /// What a person should look at before it is used.
    pub suspicions: Vec<String>,
}

impl McpToolView {
    /// Creates the view of a tool.
    pub fn new(tool: &WireTool, change: Option<&Change>, suspicions: Vec<String>) -> Self {
        let differences = match change {
            Some(change @ Change::Changed { .. }) => change.parts(),
            _ => Vec::new(),
        };
        let differences = differences.into_iter().map(|(part, before, after)| McpDifferenceView {
            part,
            before,
            after,
        });
        Self {
            name: tool.name.clone(),
            description: tool.description.clone(),
            change: change.map(|change| match change {
                Change::Added(_) => "added",
                Change::Removed(_) => "removed",
                Change::Changed { .. } => "changed",
            }),
            differences: differences.collect(),
            suspicions,
        }
    }
}

/// A part of a definition that differs from what was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct McpDifferenceView {
    /// The part: `title`, `description`, `inputSchema`, `outputSchema` or `annotations`.
    pub part: String,
    /// The part as it was approved; absent if there was none.
    pub before: Option<String>,
    /// The part now; absent if there is none.
    pub after: Option<String>,
}

/// A tool that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct McpLeftOutView {
    /// Its name.
    pub tool: String,
    /// Why.
    pub reason: String,
}

impl From<&LeftOut> for McpLeftOutView {
    fn from(left_out: &LeftOut) -> Self {
        Self { tool: left_out.tool.clone(), reason: left_out.reason.clone() }
    }
}
