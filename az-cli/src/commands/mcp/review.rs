//! Shows a server and its tools to a person, who approves them.

use std::process::ExitCode;

use az_mcp::client::{Change, Listing, PREFIX, changes, suspicions};

use super::stored::key;
use crate::commands::config::{Context, Target, change};
use crate::config::Layer;
use crate::error::CliError;
use crate::mcp_servers::ConfiguredServer;
use crate::output::{can_ask, consents, mcp_test_in_words, printable};
use crate::services::Services;
use crate::views::{McpTestView, McpToolView};

/// The exit code of a server that was not approved.
const NOT_APPROVED: u8 = 77;

/// Starts a server, shows its tools, and approves them: a new server after a question about what is started,
/// changed tools after one about the changes. `yes` answers both.
///
/// # Errors
///
/// `UnknownServer`; a usage error if a question cannot be asked; the error of a server that cannot be used.
pub(super) async fn review(
    name: &str,
    yes: bool,
    context: &Context<'_>,
) -> Result<ExitCode, CliError> {
    let services = context.services()?;
    let server = services.server(name)?;
    let printer = services.printer();
    let approved = services.servers().approved(server);
    // It was never approved, or with another command or address.
    if !server.section.enabled || approved.is_none() {
        printer.say(&description(server));
        if !yes && !may(&start_question(server))? {
            printer.say("it was not started");
            return Ok(ExitCode::from(NOT_APPROVED));
        }
    }
    let listing = services.client_of(server)?.listing().await;
    services.close_servers().await;
    let listing = listing?;
    let found = approved.as_ref().map(|known| changes(&known.tools, &listing.tools));
    let view = view_of(server, &listing, found.as_deref().unwrap_or_default(), &services)?;
    let is_suspicious = approved.is_none() && view.tools.iter().any(|it| !it.suspicions.is_empty());
    let needs_consent = is_suspicious || found.as_ref().is_some_and(|found| !found.is_empty());
    match printer.is_json() {
        true => printer.json(&view)?,
        false => printer.out(&mcp_test_in_words(&view, printer.out_style()))?,
    }
    if needs_consent && !yes {
        if !can_ask() {
            printer.say(&format!(
                "the tools were not approved; `az mcp test {name} --yes` approves them"
            ));
            return Ok(ExitCode::from(NOT_APPROVED));
        }
        if !consents("approve these tools?") {
            printer.say("the tools were not approved");
            return Ok(ExitCode::from(NOT_APPROVED));
        }
    }
    services.servers().approve(server, &listing)?;
    if !server.section.enabled {
        enable(name, context)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what a server is and what it gets.
fn description(server: &ConfiguredServer) -> String {
    let mut text = match server.section.command {
        Some(_) => format!("{} runs: {}", server.name, on_one_line(&server.in_words())),
        None => format!("{} is at: {}", server.name, on_one_line(&server.in_words())),
    };
    let variables = server.variables();
    if !variables.is_empty() {
        text.push_str(&format!("\n  with the variables {}", on_one_line(&variables.join(", "))));
    }
    let headers = server.headers();
    if !headers.is_empty() {
        text.push_str(&format!("\n  with the headers {}", on_one_line(&headers.join(", "))));
    }
    if let Some(directory) = &server.section.cwd {
        text.push_str(&format!("\n  in {}", on_one_line(&directory.display().to_string())));
    }
    text
}

/// Returns a text in which nothing can pass for another line.
fn on_one_line(text: &str) -> String {
    printable(&text.replace('\n', "\\n").replace('\r', "\\r"))
}

fn start_question(server: &ConfiguredServer) -> String {
    match server.section.command {
        Some(_) => "start this program? It runs with all your rights, in no sandbox".to_owned(),
        None => "connect to this address?".to_owned(),
    }
}

fn may(question: &str) -> Result<bool, CliError> {
    if !can_ask() {
        let what = "without a terminal, --yes is needed to start the server";
        return Err(CliError::Usage(what.to_owned()));
    }
    Ok(consents(question))
}

/// Makes the user's file use a server.
fn enable(name: &str, context: &Context<'_>) -> Result<(), CliError> {
    let path = Target::User.only_file(context)?;
    let enabled = key(name, "enabled")?;
    let was_set = change(context, Layer::User, &path, |file| Ok(file.unset(&enabled)?))?;
    if !was_set {
        let what = format!("`enabled = false` of {name} is set in another layer, and still counts");
        context.printer.say(&what);
    }
    Ok(())
}

fn view_of(
    server: &ConfiguredServer,
    listing: &Listing,
    changes: &[Change],
    services: &Services,
) -> Result<McpTestView, CliError> {
    let others = others(server, services)?;
    let others: Vec<_> = others.iter().map(|(of, tool)| (of.as_str(), tool.as_str())).collect();
    let tools = listing.tools.iter().map(|tool| {
        let change = changes.iter().find(|change| change.tool() == tool.name);
        McpToolView::new(tool, change, suspicions(tool, &others))
    });
    let gone = changes.iter().filter_map(|change| match change {
        Change::Removed(tool) => Some(McpToolView::new(tool, Some(change), Vec::new())),
        Change::Added(_) | Change::Changed { .. } => None,
    });
    Ok(McpTestView::new(&server.name, listing, tools.chain(gone).collect()))
}

/// Returns the tools that those of a server could be mistaken for, with what each is of.
fn others(
    server: &ConfiguredServer,
    services: &Services,
) -> Result<Vec<(String, String)>, CliError> {
    let toolbox = services.toolbox()?;
    let own = toolbox.list_tools().into_iter().map(|tool| tool.name);
    let own = own.filter(|name| !name.starts_with(PREFIX)).map(|name| ("az".to_owned(), name));
    let servers = services.servers();
    let of_servers = servers.all().iter().filter(|other| other.name != server.name);
    let of_servers = of_servers.flat_map(|other| {
        let tools = servers.approved(other).map(|listing| listing.tools).unwrap_or_default();
        tools.into_iter().map(|tool| (other.name.clone(), tool.name))
    });
    Ok(own.chain(of_servers).collect())
}
