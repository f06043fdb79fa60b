//! The verbs of `az db`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{init, status};
use crate::error::CliError;
use crate::services::Services;

/// Look after the database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Make the database, or bring it up to this version
    Init(init::InitArgs),
    /// Say where the database is, what is in it, and whether it is sound
    Status(status::StatusArgs),
}

/// Does what the verb says.
///
/// # Errors
///
/// Whatever kept it from it.
pub async fn run(command: &DbCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        DbCommand::Init(args) => init::run(args, services).await,
        DbCommand::Status(args) => status::run(args, services).await,
    }
}
