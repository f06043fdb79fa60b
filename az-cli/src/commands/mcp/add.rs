//! `az mcp add`.

use std::process::ExitCode;

use clap::Args;

use super::lower_case;
use super::review::review;
use super::stored::{NewServer, key};
use crate::commands::config::{Context, Target, change};
use crate::config::{Layer, header_of};
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  az mcp add time -- uvx mcp-server-time
  az mcp add files --env LOG_LEVEL=warn -- npx -y @modelcontextprotocol/server-filesystem .
  az mcp add issues --url https://mcp.example.org/mcp --header 'Authorization: Bearer ${TOKEN}'

The program is started once to list its tools, after a question or with --yes. What is typed is
visible to other processes: name a variable for a secret. Values of --env that are secrets by their
names, and those of headers, are kept in a file that only you can read.

Exit codes: 2 for invalid arguments, 69 if the server cannot be used, 77 if it was not approved.";

/// Add a server, start it, and list its tools
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AddArgs {
    /// Name of the server: letters, digits, _ and -
    #[arg(value_name = "NAME", value_parser = lower_case)]
    name: String,
    /// Address of a server over HTTP, instead of a command
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    url: Option<String>,
    /// Header of each request, as in `X-Version: 2`
    #[arg(long = "header", value_name = "HEADER", requires = "url")]
    headers: Vec<String>,
    /// Variable of the program; without a value, that of this environment
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Versions of the protocol that it speaks, if they are not to be found out
    #[arg(long, value_name = "ERA", value_parser = ["auto", "legacy", "modern"])]
    era: Option<String>,
    /// Start and approve it without asking
    #[arg(long, short)]
    yes: bool,
    /// Program and its arguments, behind `--`
    #[arg(value_name = "COMMAND", last = true, required_unless_present = "url")]
    command: Vec<String>,
}

/// Adds a server to the user's file, and approves it.
///
/// # Errors
///
/// A usage error for a name that is taken or not allowed, and for invalid arguments; those of `az mcp test`.
/// The server stays in the file, not used, if it could not be started or was not approved.
pub(super) async fn run(args: &AddArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let server = server_of(args)?;
    server.check()?;
    let services = context.services()?;
    if services.servers().find(&args.name).is_some() {
        let name = &args.name;
        return Err(CliError::Usage(format!(
            "there is a server {name} already; `az mcp remove {name}` removes it"
        )));
    }
    let path = Target::User.only_file(context)?;
    change(context, Layer::User, &path, |file| {
        let name = key(&server.name, "")?;
        if file.has(&name) {
            let what = format!("{name} is set in {}; remove it first", path.display());
            return Err(CliError::Usage(what));
        }
        server.store(file)
    })?;
    let reviewed = review(&args.name, args.yes, context).await;
    if reviewed.as_ref().is_ok_and(|code| *code == ExitCode::SUCCESS) {
        return reviewed;
    }
    let name = &args.name;
    context.printer.say(&format!(
        "{name} is in {} and not used; `az mcp test {name}` tries again, `az mcp remove {name}` removes it",
        path.display()
    ));
    reviewed
}

fn server_of(args: &AddArgs) -> Result<NewServer, CliError> {
    let mut command = args.command.iter().cloned();
    let env = args.env.iter().map(|variable| match variable.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (variable.clone(), None),
    });
    let headers = args.headers.iter().map(|header| match header_of(header) {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(CliError::Usage(format!(
            "--header: {:?} is none; write it as in 'X-Version: 2'",
            header.split(':').next().unwrap_or_default()
        ))),
    });
    Ok(NewServer {
        name: args.name.clone(),
        command: command.next(),
        args: command.collect(),
        env: env.collect(),
        cwd: None,
        url: args.url.clone(),
        headers: headers.collect::<Result<_, _>>()?,
        era: args.era.clone(),
    })
}
