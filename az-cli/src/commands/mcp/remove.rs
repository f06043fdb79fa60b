//! `az mcp remove`.

use std::fs;
use std::process::ExitCode;

use clap::Args;

use super::lower_case;
use super::stored::{key, secrets_file};
use crate::commands::config::{Context, Target, change};
use crate::config::Layer;
use crate::error::CliError;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az mcp remove time

The server is removed from your file, with the file of its secrets and what was approved of its
tools. One that another file has is not.";

/// Remove a server
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RemoveArgs {
    /// Name of the server
    #[arg(value_name = "NAME", value_parser = lower_case)]
    name: String,
}

/// Removes a server from the user's file.
///
/// # Errors
///
/// `UnknownServer`; a usage error for a server of another file.
pub(super) fn run(args: &RemoveArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let name = &args.name;
    let services = context.services()?;
    services.server(name)?;
    let path = Target::User.only_file(context)?;
    let table = key(name, "")?;
    let was_there = change(context, Layer::User, &path, |file| Ok(file.unset(&table)?))?;
    if !was_there {
        let what = format!(
            "{name} is not in {}; `az config get {table} --origin` shows where it is set",
            path.display()
        );
        return Err(CliError::Usage(what));
    }
    let secrets = path.with_file_name(secrets_file(name));
    // Most servers have none.
    fs::remove_file(secrets).ok();
    services.servers().forget(name);
    let source = path.display().to_string();
    let notice = NoticeView::ConfigUnset { key: table.to_string(), source: source.clone() };
    context.printer.done(&format!("removed {name} from {source}"), &notice)?;
    Ok(ExitCode::SUCCESS)
}
