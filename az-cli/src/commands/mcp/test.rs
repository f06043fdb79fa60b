//! `az mcp test`.

use std::process::ExitCode;

use clap::Args;

use super::lower_case;
use super::review::review;
use crate::commands::config::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  az mcp test time
  az mcp test time --yes
  az mcp test time --json

A tool whose definition has changed since it was approved is not called until the change is
approved here. Without a terminal, --yes approves it.

Exit codes: 66 for an unknown server, 69 if it cannot be used, 77 if it was not approved.";

/// Start a server, show its tools and how they have changed, and approve them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TestArgs {
    /// Name of the server
    #[arg(value_name = "NAME", value_parser = lower_case)]
    name: String,
    /// Start it and approve its tools without asking
    #[arg(long, short)]
    yes: bool,
}

/// Shows and approves the tools of a server.
///
/// # Errors
///
/// Those of [`review`].
pub(super) async fn run(args: &TestArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    review(&args.name, args.yes, context).await
}
