//! `az task resume`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::task::TaskStatus;
use az_core::{Clock, Error, Task};
use clap::Args;

use super::execute::{Start, execute, report};
use super::find::find;
use super::limits::LimitArgs;
use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task resume 4f2a9c81d0e7
  az task resume 4f2a9c81d0e7 --allow shell.execute --max-steps 100

What the journal has is not done again: replies of models and results of tool calls are kept. An
interrupted tool call is repeated only if that is safe.";

/// Resume a task where its journal ends
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ResumeArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    #[command(flatten)]
    limits: LimitArgs,
    /// Continue with this model
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
}

/// Resumes the task.
///
/// # Errors
///
/// As for running a task.
pub(super) async fn run(args: &ResumeArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let task = find(&*store, &args.id).await?;
    if task.status == TaskStatus::Completed {
        return report(&task, !services.printer().is_json(), services).await;
    }
    if let Some(waiting) = task.waiting.as_ref().filter(|wait| !wait.is_over(SystemClock.now())) {
        let (task, what) = (task.id.clone(), waiting.in_words());
        return Err(Error::Waiting { task, what }.into());
    }
    let rules = args.limits.rules(services)?;
    services.check_env(&args.limits.env)?;
    let model = match &args.model {
        Some(name) => Some(services.models()?.choose(Some(name)).await?.name),
        None => None,
    };
    let id = task.id.clone();
    if let Some(changed) = changed(args, rules, model, &task) {
        store.update(&changed, SystemClock.now()).await?;
    }
    execute(services, Start::Resume(id)).await
}

/// Returns the task with the changed options, if any.
fn changed(
    args: &ResumeArgs,
    (allow, deny): (Vec<String>, Vec<String>),
    model: Option<String>,
    task: &Task,
) -> Option<Task> {
    let mut changed = task.clone();
    let options = &mut changed.options;
    add(&mut options.allow, &allow);
    add(&mut options.deny, &deny);
    add(&mut options.env, &args.limits.env);
    args.limits.apply_to(options);
    changed.model = model.or(changed.model);
    (changed != *task).then_some(changed)
}

/// Adds the names that are not in the list.
fn add(list: &mut Vec<String>, names: &[String]) {
    for name in names {
        if !list.contains(name) {
            list.push(name.clone());
        }
    }
}
