//! `az task delete`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::task::TaskRepository;
use az_core::{Clock, Error};
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;

/// Delete tasks and their records; what they cost stays in the books
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The tasks: ids, or beginnings or ends of them that no others have
    #[arg(required = true)]
    ids: Vec<String>,
}

/// Deletes.
///
/// # Errors
///
/// `UnknownTask` before anything is deleted, `LeaseHeld` for a running one, or the store's own.
pub(super) async fn run(args: &DeleteArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store()?;
    let mut tasks = Vec::new();
    for typed in &args.ids {
        tasks.push(find(&*store, typed).await?);
    }
    for task in tasks {
        match store.delete(&task.id, SystemClock.now()).await? {
            true => services.printer().line(&format!("deleted {}", short(task.id.as_str())))?,
            false => return Err(Error::not_found("task", &task.id).into()),
        }
    }
    Ok(ExitCode::SUCCESS)
}
