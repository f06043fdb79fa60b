//! `az task retry`.

use std::process::ExitCode;

use clap::Args;

use super::execute::{Start, execute};
use super::find::find;
use super::fitness::leave_out_effort;
use super::limits::LimitArgs;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task retry 4f2a9c81d0e7
  az task retry 4f2a9c81d0e7 --model offline

The new task does not inherit --allow. To continue where the journal ends, use `az task resume`.";

/// Run the command of a task again, as a new task
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RetryArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    #[command(flatten)]
    limits: LimitArgs,
    /// Use this model instead
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
}

/// Runs the command again.
///
/// # Errors
///
/// As for running a task.
pub(super) async fn run(args: &RetryArgs, services: &Services) -> Result<ExitCode, CliError> {
    let (allow, deny) = args.limits.rules(services)?;
    services.check_env(&args.limits.env)?;
    let old = find(&*services.store().await?, &args.id).await?;
    let mut options = old.options;
    let model = args.model.clone().or(old.model);
    if args.model.is_some() || model.is_none() {
        let name = services.models()?.choose(model.as_deref()).await?.name;
        leave_out_effort(services, Some(&name), &mut options).await?;
    }
    // Approvals and variables are not inherited.
    options.allow = allow;
    // A person has created the new task, and not the parent of the old one.
    options.spawned = None;
    // What a task may not do, its next attempt may not do either.
    options.deny.extend(deny);
    options.env.clone_from(&args.limits.env);
    args.limits.apply_to(&mut options);
    let task = services.new_task(old.command, options.input.as_deref())?;
    let mut task = task.with_priority(old.priority).with_options(options);
    task.model = model;
    task.parent_task_id = old.parent_task_id;
    services.printer().say(&format!("the new task is {}", short(task.id.as_str())));
    execute(services, Start::New(Box::new(task))).await
}
