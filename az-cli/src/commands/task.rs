//! `az task`: run and manage tasks.

mod cancel;
mod delete;
mod execute;
mod find;
mod list;
mod logs;
mod remedy;
mod resume;
mod retry;
mod run;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

pub(super) use execute::{Start, execute};
pub(crate) use find::find;

/// Run and manage tasks.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// State a task and have it done
    Run(run::RunArgs),
    /// List tasks, the newest first
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Show one task: what was asked, what came of it, what it cost
    Show(show::ShowArgs),
    /// Show what happened in a task, step by step
    Logs(logs::LogsArgs),
    /// Stop a task, wherever it runs
    Cancel(cancel::CancelArgs),
    /// Go on with a task where its record ends
    Resume(resume::ResumeArgs),
    /// Run a task's command again from the start, as a new task
    Retry(retry::RetryArgs),
    /// Delete tasks and their records; what they cost stays in the books
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteArgs),
}

impl TaskCommand {
    /// Whether the command only looks something up or changes it, and waits for nothing.
    pub const fn is_short(&self) -> bool {
        match self {
            Self::List(_) | Self::Show(_) | Self::Delete(_) | Self::Logs(_) => true,
            Self::Run(_) | Self::Cancel(_) | Self::Resume(_) | Self::Retry(_) => false,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &TaskCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        TaskCommand::Run(args) => run::run(args, services).await,
        TaskCommand::List(args) => list::run(args, services).await,
        TaskCommand::Show(args) => show::run(args, services).await,
        TaskCommand::Logs(args) => logs::run(args, services).await,
        TaskCommand::Cancel(args) => cancel::run(args, services).await,
        TaskCommand::Resume(args) => resume::run(args, services).await,
        TaskCommand::Retry(args) => retry::run(args, services).await,
        TaskCommand::Delete(args) => delete::run(args, services).await,
    }
}
