//! `az mcp resources`.

use std::process::ExitCode;

use clap::Args;

use super::lower_case;
use super::used_server;
use crate::error::CliError;
use crate::output::Table;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az mcp resources files
  az mcp resources files file:///srv/notes.txt
  az mcp resources files --json";

/// List the resources of a server, or read one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ResourcesArgs {
    /// Name of the server
    #[arg(value_name = "NAME", value_parser = lower_case)]
    name: String,
    /// Address of the resource to read
    #[arg(value_name = "URI")]
    uri: Option<String>,
}

/// Lists the resources, or prints one.
///
/// # Errors
///
/// `UnknownServer`, or the error of a server that cannot be used.
pub(super) async fn run(args: &ResourcesArgs, services: &Services) -> Result<ExitCode, CliError> {
    let client = services.client_of(used_server(services, &args.name)?)?;
    let printer = services.printer();
    match &args.uri {
        None => {
            let resources = client.resources().await;
            services.close_servers().await;
            let resources = resources?;
            if printer.is_json() {
                printer.json(&resources)?;
                return Ok(ExitCode::SUCCESS);
            }
            let mut table = Table::new(&["uri", "name", "type", "description"]);
            for resource in resources {
                let (kind, about) = (resource.mime_type, resource.description);
                table.row(vec![
                    resource.uri,
                    resource.name,
                    kind.unwrap_or_default(),
                    about.unwrap_or_default(),
                ]);
            }
            printer.out(&table.text(printer.width()))?;
        }
        Some(uri) => {
            let parts = client.read_resource(uri).await;
            services.close_servers().await;
            let parts = parts?;
            if printer.is_json() {
                printer.json(&parts)?;
                return Ok(ExitCode::SUCCESS);
            }
            for part in parts {
                let size = part.blob.as_ref().map_or(0, String::len);
                let binary = format!("[{}: {size} bytes of base64; --json prints them]", part.uri);
                printer.foreign(&part.text.unwrap_or(binary))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
