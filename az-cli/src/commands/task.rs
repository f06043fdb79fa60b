//! `az task`: run and manage tasks.

mod answer;
mod approve;
mod cancel;
mod delete;
mod deny;
mod effort;
mod execute;
mod find;
mod fitness;
mod follow;
mod follow_up;
mod fork;
mod hint;
mod images;
mod input;
mod limits;
mod list;
mod logs;
mod output_schema;
mod parked;
mod queue;
mod remedy;
mod resume;
mod retry;
mod run;
mod show;
mod source;
mod trace;
mod typed_hints;
mod unpriced;
mod watch;

pub(super) use limits::rules_of;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

pub(super) use execute::{Start, execute};
pub(crate) use find::find;

const EXAMPLES: &str = "\
Examples:
  az task run \"list the files here\"
  az task list --status failed
  az task show 4f2a9c81d0e7
  az task approve 4f2a9c81d0e7
  az task resume 4f2a9c81d0e7";

/// Run and manage tasks.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum TaskCommand {
    /// Run a task, or queue it with --detach
    Run(run::RunArgs),
    /// List tasks, newest first
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Show one task: its command, status, answer and cost
    Show(show::ShowArgs),
    /// Show the journal of a task, event by event
    Logs(logs::LogsArgs),
    /// Watch a task that another process runs, until it ends
    Watch(watch::WatchArgs),
    /// Show the runs, steps, model calls and tool calls of a task as a tree with their times
    Trace(trace::TraceArgs),
    /// Send a text to the model of a task that waits or runs
    Hint(hint::HintArgs),
    /// Approve the call that a task waits for
    Approve(approve::ApproveArgs),
    /// Deny the call that a task waits for, or decline to answer its question
    Deny(deny::DenyArgs),
    /// Answer the question that a task waits for
    Answer(answer::AnswerArgs),
    /// Cancel tasks, whichever process runs them
    Cancel(cancel::CancelArgs),
    /// Resume a task where its journal ends
    Resume(resume::ResumeArgs),
    /// Run the command of a task again, as a new task
    Retry(retry::RetryArgs),
    /// Start a new task from a step of an old one
    Fork(fork::ForkArgs),
    /// Delete tasks and their journals; their costs stay in the ledger
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteArgs),
}

impl TaskCommand {
    /// Whether the command only looks something up or changes it, and waits for nothing.
    pub const fn is_short(&self) -> bool {
        match self {
            Self::List(_)
            | Self::Show(_)
            | Self::Delete(_)
            | Self::Hint(_)
            | Self::Logs(_)
            | Self::Watch(_)
            | Self::Approve(_)
            | Self::Deny(_)
            | Self::Answer(_) => true,
            Self::Trace(args) => args.is_short(),
            Self::Run(_) | Self::Cancel(_) | Self::Resume(_) | Self::Retry(_) | Self::Fork(_) => {
                false
            }
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
        TaskCommand::Hint(args) => hint::run(args, services).await,
        TaskCommand::Watch(args) => watch::run(args, services).await,
        TaskCommand::Trace(args) => trace::run(args, services).await,
        TaskCommand::Approve(args) => approve::run(args, services).await,
        TaskCommand::Deny(args) => deny::run(args, services).await,
        TaskCommand::Answer(args) => answer::run(args, services).await,
        TaskCommand::Cancel(args) => cancel::run(args, services).await,
        TaskCommand::Resume(args) => resume::run(args, services).await,
        TaskCommand::Retry(args) => retry::run(args, services).await,
        TaskCommand::Fork(args) => fork::run(args, services).await,
        TaskCommand::Delete(args) => delete::run(args, services).await,
    }
}
