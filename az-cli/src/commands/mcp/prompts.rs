//! `az mcp prompts`.

use std::process::ExitCode;

use az_core::content::ContentPart;
use clap::Args;
use serde_json::Map;

use super::lower_case;
use super::used_server;
use crate::error::CliError;
use crate::output::Table;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az mcp prompts everything
  az mcp prompts everything args-prompt city=Berlin
  az mcp prompts everything --json";

/// List the prompts of a server, or show one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PromptsArgs {
    /// Name of the server
    #[arg(value_name = "NAME", value_parser = lower_case)]
    name: String,
    /// Name of the prompt
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    /// Arguments of the prompt
    #[arg(value_name = "NAME=VALUE", requires = "prompt")]
    arguments: Vec<String>,
}

/// Lists the prompts, or prints the messages of one.
///
/// # Errors
///
/// `UnknownServer`; a usage error for an argument without a value; the error of a server that cannot be used.
pub(super) async fn run(args: &PromptsArgs, services: &Services) -> Result<ExitCode, CliError> {
    let mut arguments = Map::new();
    for argument in &args.arguments {
        let (name, value) = argument.split_once('=').ok_or_else(|| {
            CliError::Usage(format!("{argument:?}: an argument has the form NAME=VALUE"))
        })?;
        arguments.insert(name.to_owned(), value.into());
    }
    let client = services.client_of(used_server(services, &args.name)?)?;
    let printer = services.printer();
    match &args.prompt {
        None => {
            let prompts = client.prompts().await;
            services.close_servers().await;
            let prompts = prompts?;
            if printer.is_json() {
                printer.json(&prompts)?;
                return Ok(ExitCode::SUCCESS);
            }
            let mut table = Table::new(&["name", "arguments", "description"]);
            for prompt in prompts {
                let arguments = prompt.arguments.into_iter().map(|argument| match argument {
                    argument if argument.required => argument.name,
                    argument => format!("[{}]", argument.name),
                });
                let arguments = arguments.collect::<Vec<_>>().join(" ");
                table.row(vec![prompt.name, arguments, prompt.description.unwrap_or_default()]);
            }
            printer.out(&table.text(printer.width()))?;
        }
        Some(name) => {
            let messages = client.prompt(name, arguments).await;
            services.close_servers().await;
            let messages = messages?;
            if printer.is_json() {
                printer.json(&messages)?;
                return Ok(ExitCode::SUCCESS);
            }
            for message in messages {
                let part = ContentPart::from(&message.content);
                printer.foreign(&format!("{}: {}", message.role, part.describe()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
