//! MCP servers and their tools.

use az_core::text::plural;

use crate::output::{Style, Table, printable};
use crate::views::{McpServerView, McpTestView, McpToolView};

/// Returns the table of servers.
pub fn mcp_servers_table(servers: &[McpServerView]) -> Table {
    let mut table = Table::new(&["name", "state", "tools", "era", "target"]);
    for server in servers {
        let state = match (server.enabled, server.tools) {
            (false, _) => "not approved",
            (true, None) => "new",
            (true, Some(_)) => "used",
        };
        let tools = server.tools.map(|count| count.to_string()).unwrap_or_default();
        let era = server.era.unwrap_or_default().to_owned();
        table.row(vec![server.name.clone(), state.to_owned(), tools, era, server.target.clone()]);
    }
    table
}

/// Returns what a server answered, with its tools. Its texts are shown with what is not visible escaped.
pub fn mcp_test_in_words(test: &McpTestView, style: Style) -> String {
    let identity = match test.server.as_str() {
        "" => "a server that does not say its name".to_owned(),
        name => printable(format!("{name} {}", test.version).trim_end()),
    };
    let mut text = format!(
        "{}  {identity}, MCP {}, {}\n",
        style.bold(&test.name),
        printable(&test.protocol),
        plural(test.tools.iter().filter(|tool| tool.change != Some("removed")).count(), "tool")
    );
    for tool in &test.tools {
        text.push_str(&tool_in_words(tool, style));
    }
    for left_out in &test.left_out {
        let name = printable(&left_out.tool);
        text.push_str(&format!("  {name} is left out: {}\n", left_out.reason));
    }
    text
}

fn tool_in_words(tool: &McpToolView, style: Style) -> String {
    let mark = match tool.change {
        Some("added") => "+ ",
        Some("removed") => "- ",
        Some(_) => "~ ",
        None => "  ",
    };
    let name = printable(&tool.name);
    let about = printable(&tool.description).replace('\n', "\n      ");
    let mut text = format!("{mark}{}  {about}\n", style.bold(&name));
    for difference in &tool.differences {
        let shown = |part: &Option<String>| {
            part.as_deref().map_or_else(|| "none".to_owned(), printable).replace('\n', "\n      ")
        };
        let (before, after) = (shown(&difference.before), shown(&difference.after));
        text.push_str(&format!("    {} was: {before}\n", difference.part));
        text.push_str(&format!("    {} is:  {after}\n", difference.part));
    }
    for suspicion in &tool.suspicions {
        text.push_str(&format!("    {} {}\n", style.red("suspicious:"), printable(suspicion)));
    }
    text
}
