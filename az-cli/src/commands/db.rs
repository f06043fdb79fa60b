//! `az db`: manage the database.

mod clean;
pub(super) mod drafts;
mod init;
mod status;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az db status --check
  az db init
  az db clean --dry-run";

/// Manage the database.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum DbCommand {
    /// Create the database, or migrate it to this version
    Init(init::InitArgs),
    /// Remove the files that interrupted writes left beside the database and in workspaces
    Clean(clean::CleanArgs),
    /// Show where the database is, what it holds, and whether it is sound
    Status(status::StatusArgs),
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &DbCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        DbCommand::Clean(args) => clean::run(args, services).await,
        DbCommand::Init(args) => init::run(args, services).await,
        DbCommand::Status(args) => status::run(args, services).await,
    }
}
