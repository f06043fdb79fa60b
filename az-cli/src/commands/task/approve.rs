//! `az task approve`.

use std::process::ExitCode;

use az_core::task::{WaitKind, WaitReply};
use clap::Args;

use super::parked::Parked;
use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task list --waiting
  az task show 4f2a9c81d0e7
  az task approve 4f2a9c81d0e7
  az task approve 4f2a9c81d0e7 --always

The approval is for this call with these arguments. With --digest it is refused unless the call
has the digest that `az task show` printed. A worker continues the task within a second.";

/// Approve the call that a task waits for
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ApproveArgs {
    /// Id of the task, or a unique beginning or end of it
    #[arg(value_name = "ID")]
    waiting: String,
    /// Also add a rule to the configuration that allows such calls from now on
    #[arg(long)]
    always: bool,
    /// Approve only the call with this digest, or with one that begins like this
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
}

/// Approves the call.
///
/// # Errors
///
/// `UnknownTask`, `NotWaiting`, or the store's.
pub(super) async fn run(args: &ApproveArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let parked = Parked::find(&*store, &args.waiting, Some(WaitKind::Approval)).await?;
    if let Some(digest) = &args.digest {
        parked.check_digest(digest)?;
    }
    let always = args.always.then(|| parked.call(services)).transpose()?;
    parked.answer(("az task approve", "approved"), WaitReply::Granted, services).await?;
    if let Some(call) = always {
        let path = services.allow_always(&call)?;
        services.printer().say(&format!("the rule that allows such calls is in {path}"));
    }
    Ok(ExitCode::SUCCESS)
}
