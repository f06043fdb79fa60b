//! `az task fork`.

use std::process::ExitCode;

use az_ai::react::changed_goals;
use az_core::Task;
use clap::Args;

use super::execute::{Start, execute};
use super::find::find;
use super::fitness::{check_model, leave_out_effort};
use super::input::read_words;
use super::limits::LimitArgs;
use super::queue::queue;
use super::source::SourceTask;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task fork 4f2a9c81d0e7 --at 3
  az task fork 4f2a9c81d0e7 --at 3 \"use the standard library only\"
  az task fork 4f2a9c81d0e7 --model openai/gpt-5.6
  echo \"a long text\" | az task fork 4f2a9c81d0e7 -

The new task begins with a copy of the first steps of the old one: what the model was told, what
it replied, and what the tools returned. Nothing of that is done or paid again, and what later
steps changed stays changed. Step 0 is before the first; `az task logs` shows them all. The new
task does not inherit --allow and --env.";

/// Start a new task from a step of an old one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ForkArgs {
    /// Id of the old task, or a unique beginning or end of it
    id: String,
    /// A text for the model, which follows the copied steps; `-` reads it from standard input, `-` after it reads
    /// input for it
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Continue after this step [default: the last complete one, or the one before the answer if there is no text]
    #[arg(long, value_name = "STEP")]
    at: Option<usize>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Use this model instead
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Queue the task for `az worker run`, and return
    #[arg(long, short)]
    detach: bool,
}

/// Forks the task.
///
/// # Errors
///
/// A usage error for a task or a step that cannot be continued; else as for running a task.
pub(super) async fn run(args: &ForkArgs, services: &Services) -> Result<ExitCode, CliError> {
    let task = fork(args, services).await?;
    let continued = task.options.origin.as_ref().map(|origin| {
        let (old, steps) = (short(origin.task.as_str()), origin.steps);
        format!("task {} continues task {old} after step {steps}", short(task.id.as_str()))
    });
    continued.iter().for_each(|said| services.printer().say(said));
    match args.detach {
        true => queue(services, task).await,
        false => execute(services, Start::New(Box::new(task))).await,
    }
}

async fn fork(args: &ForkArgs, services: &Services) -> Result<Task, CliError> {
    let (allow, deny) = args.limits.rules(services)?;
    if !args.detach {
        services.check_env(&args.limits.env)?;
    }
    let (text, input) = match args.text.as_slice() {
        [] => (None, None),
        words => {
            let (text, input) = read_words(words, services.printer()).await?;
            (Some(text), input)
        }
    };
    if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        return Err(CliError::Usage("the text must not be empty".to_owned()));
    }
    let old = find(&*services.store().await?, &args.id).await?;
    let source = SourceTask::read(services, old).await?;
    let step = source.step(args.at, text.is_some())?;
    let has_later_goals = source.has_later_goals(step);
    let (mut origin, command) = source.origin(step, text);
    let old = source.task;
    let mut options = old.options;
    // As for a retry: approvals and variables are not inherited, prohibitions are.
    options.allow = allow;
    // Nor is it a child task: its parent, whose budgets cover it, does not wait for it and has set no budget for it.
    options.spawned = None;
    options.deny.extend(deny);
    options.env.clone_from(&args.limits.env);
    args.limits.apply_to(&mut options);
    options.input = input.or(command.input);
    options.images = command.images;
    if has_later_goals {
        origin.note = Some(changed_goals(&options));
    }
    options.origin = Some(origin);
    let model = match &args.model {
        Some(name) => Some(services.models()?.choose(Some(name)).await?.name),
        None => old.model,
    };
    // The worker that runs a queued task chooses the model of one without a name.
    if model.is_some() || !args.detach {
        leave_out_effort(services, model.as_deref(), &mut options).await?;
    }
    if let Some(model) = &model {
        check_model(services, model, &options).await?;
    }
    let task = services.new_task(command.text, options.input.as_deref())?;
    let mut task = task.with_priority(old.priority).with_options(options);
    (task.model, task.parent_task_id) = (model, old.parent_task_id);
    Ok(task)
}
