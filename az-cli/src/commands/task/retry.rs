//! `az task retry`.

use std::process::ExitCode;

use az_core::task::TaskOptions;
use clap::Args;

use super::execute::{Start, execute};
use super::find::find;
use super::run::LimitArgs;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task retry 4f2a9c81d0e7
  az task retry 4f2a9c81d0e7 --model offline

What was allowed with --allow is not allowed again by itself. To go on where the record ends instead
of starting over, use `az task resume`.";

/// Run a task's command again from the start, as a new task
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RetryArgs {
    /// The task: its id, or a beginning or end of it that no other has
    id: String,
    #[command(flatten)]
    limits: LimitArgs,
    /// Another model
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
}

/// Retries.
///
/// # Errors
///
/// As for running a task.
pub(super) async fn run(args: &RetryArgs, services: &Services) -> Result<ExitCode, CliError> {
    services.check_tools(&args.limits.allow)?;
    let old = find(&*services.store().await?, &args.id).await?;
    if let Some(model) = &args.model {
        services.models()?.choose(Some(model)).await?;
    }
    let mut task =
        services.new_task(old.command)?.with_priority(old.priority).with_options(TaskOptions {
            // What may run without asking is said anew each time.
            allow: args.limits.allow.clone(),
            max_steps: args.limits.max_steps.or(old.options.max_steps),
            timeout: args.limits.timeout.or(old.options.timeout),
            ..old.options
        });
    task.model = args.model.clone().or(old.model);
    task.parent_task_id = old.parent_task_id;
    services.printer().say(&format!("again, as a new task: {}", short(task.id.as_str())));
    execute(services, Start::New(Box::new(task))).await
}
