//! `az mcp import`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::stored::{NewServer, key};
use crate::commands::config::{Context, Target, change};
use crate::config::{Layer, open_regular};
use crate::error::CliError;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az mcp import .mcp.json
  az mcp import ~/.config/Claude/claude_desktop_config.json
  az mcp test time

The file has an object `mcpServers` (or `servers`) with the servers by name. They are added to your
file and not used: `az mcp test NAME` shows what each runs, and approves it. Values of variables
and headers that are secrets are kept in files that only you can read.

Exit codes: 2 for a file that is not of this form, 74 for one that cannot be read.";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// Add the servers of a file of another program, to be approved one by one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// File with the servers, in JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// A file of another program. Other fields are not read.
#[derive(Debug, Deserialize)]
struct ForeignFile {
    #[serde(rename = "mcpServers", alias = "servers")]
    servers: BTreeMap<String, ForeignServer>,
}

/// A server in such a file.
#[derive(Debug, Deserialize)]
struct ForeignServer {
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, Value>,
    #[serde(default)]
    cwd: Option<String>,
    #[serde(default, alias = "serverUrl", alias = "httpUrl")]
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Adds the servers of a file that are not there yet.
///
/// # Errors
///
/// A file that cannot be read; a usage error for one that is not of the form.
pub(super) fn run(args: &ImportArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let shown = args.file.display();
    let failed = |source| CliError::Io { what: format!("reading {shown}"), source };
    let (file, length) = open_regular(&args.file).map_err(failed)?;
    if length > LARGEST {
        return Err(CliError::Usage(format!("{shown} has more than {LARGEST} bytes")));
    }
    let text = std::io::read_to_string(file.take(LARGEST)).map_err(failed)?;
    let file: ForeignFile = serde_json::from_str(&text).map_err(|error| {
        let at = (error.line(), error.column());
        CliError::Usage(format!(
            "{shown}:{}:{}: it has no servers in the form {{\"mcpServers\": {{\"NAME\": {{\"command\": …}}}}}}: {}",
            at.0,
            at.1,
            kind_of(&error)
        ))
    })?;
    let path = Target::User.only_file(context)?;
    let (mut added, mut skipped) = (Vec::new(), Vec::new());
    change(context, Layer::User, &path, |config| {
        for (name, server) in file.servers {
            match new_server(&name, server) {
                Err(reason) => skipped.push(format!("{name} was left out: {reason}")),
                Ok(server) if config.has(&key(&server.name, "")?) => {
                    skipped.push(format!("{} was left out: it is there already", server.name));
                }
                Ok(server) => {
                    server.store(config)?;
                    added.push(server.name);
                }
            }
        }
        Ok(())
    })?;
    for reason in skipped {
        context.printer.say(&reason);
    }
    let source = path.display().to_string();
    for name in added {
        let notice =
            NoticeView::ConfigSet { key: format!("mcp.servers.{name}"), source: source.clone() };
        let text = format!("added {name}; `az mcp test {name}` shows what it runs and approves it");
        context.printer.done(&text, &notice)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is wrong with the JSON, without the values in it, which may be secrets.
fn kind_of(error: &serde_json::Error) -> &'static str {
    match error.is_data() {
        true => "a field is missing, or has another type",
        false => "it is not JSON",
    }
}

/// Returns a server as it is written, or why it cannot be used.
fn new_server(name: &str, server: ForeignServer) -> Result<NewServer, String> {
    if server.kind.as_deref() == Some("sse") {
        return Err("the transport `sse` was removed from the protocol".to_owned());
    }
    // The keys of a configuration are in lower case.
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = name.to_ascii_lowercase().chars().map(legal).take(32).collect();
    let ForeignServer { command, args, env, cwd, url, headers, .. } = server;
    if command.is_some() == url.is_some() {
        return Err("it has neither a command nor a url, or both".to_owned());
    }
    let env = env.into_iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name, Some(value.replace("${env:", "${")))
    });
    let headers =
        headers.into_iter().map(|(name, value)| (name, value.replace("${env:", "${").clone()));
    let server = NewServer {
        name,
        command,
        args,
        env: env.collect(),
        cwd,
        url,
        headers: headers.collect(),
        era: None,
    };
    server.check().map_err(|error| error.to_string())?;
    Ok(server)
}
