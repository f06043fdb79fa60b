//! `az task deny`.

use std::process::ExitCode;

use az_core::task::WaitReply;
use clap::Args;

use super::parked::Parked;
use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task deny 4f2a9c81d0e7
  az task deny 4f2a9c81d0e7 --reason \"use the staging server\"

The model sees the reason as the result of the call, and the task continues; `az task cancel` ends
the task.";

/// Deny the call that a task waits for, or decline to answer its question
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DenyArgs {
    /// Id of the task, or a unique beginning or end of it
    #[arg(value_name = "ID")]
    waiting: String,
    /// Tell the model this reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Denies the call.
///
/// # Errors
///
/// `UnknownTask`, `NotWaiting`, or the store's.
pub(super) async fn run(args: &DenyArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let parked = Parked::find(&*store, &args.waiting, None).await?;
    let reason = args.reason.clone().filter(|reason| !reason.trim().is_empty());
    parked.answer(("az task deny", "denied"), WaitReply::Denied { reason }, services).await?;
    Ok(ExitCode::SUCCESS)
}
