//! `az task run`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use az_core::task::{
    GoalCheck, OutputSchema, ReasoningEffort, TaskImage, TaskInstructions, TaskOptions,
};
use az_core::{Task, TaskPriority, blocking};
use clap::Args;

use super::effort::Effort;
use super::execute::{Start, execute};
use super::find::find;
use super::fitness::{check_model, leave_out_effort};
use super::follow_up::FollowUp;
use super::images::{check_images, read_images};
use super::input::read_words;
use super::limits::LimitArgs;
use super::output_schema::read_output_schema;
use super::queue::queue;
use crate::commands::one_of;
use crate::commands::workspace::workspace;
use crate::error::CliError;
use crate::instructions::InstructionSources;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task run \"list the files here, then write how many there are to count.txt\"
  az task run \"create function isPrime\" --model claude --priority high
  az task run \"run 'cargo test' then write the output to test.log\" --allow shell.execute
  az task run --ask wait \"run 'make deploy'\"
  az task run --detach \"summarise notes.md\" && az worker run --until-idle
  echo \"a long task\" | az task run -
  git diff | az task run \"write a commit message\"
  az task run \"what is wrong with this page?\" --image screenshot.png
  az task run \"and now the same for the tests\" --continue 4f2a9c81d0e7
  az task run \"list the TODO comments in src\" --output-schema todos.schema.json | jq .

A file or a pipe on standard input is input for the task: data that the model gets beside it, at
most 256 KiB. A pipe counts if it has data within a second; with `-` after the task, az waits for
it. `< /dev/null` keeps standard input out.

Without --model, az uses the configured model or the one that the routing rules choose; else a
model whose key is in the environment (ANTHROPIC_API_KEY, OPENAI_API_KEY, …); else a model
server on this machine; else `offline`, which is not a model but a planner for a small language
of commands (list, read, write, append, count, find, run, joined by \"then\").
`az models list` lists the names of models. Any model of a provider with a key is
PROVIDER/MODEL, as in openai/gpt-5.6; one of a server on this machine is local/MODEL; auto applies
the routing rules.";

/// Run a task, or queue it with --detach
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// The task, in words; `-` reads it from standard input, `-` after it reads input for it
    #[arg(required = true, value_name = "TASK")]
    command: Vec<String>,
    /// Use this model: a name of `az models list`, provider/model, `auto`, `offline`, `record:FILE` or
    /// `replay:FILE`
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Set the priority in the queue
    #[arg(long, short, default_value = "medium", value_parser = one_of::priority())]
    priority: TaskPriority,
    /// Let the task use only these tools, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TOOLS")]
    tools: Option<Vec<String>>,
    /// Show the model the picture in this file (PNG, JPEG, GIF or WebP). Several such options are several
    /// pictures
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
    /// Complete the task only when this shell command succeeds; a failure goes back to the model. Several
    /// such options are several commands
    #[arg(long, value_name = "COMMAND", value_parser = check)]
    until: Vec<GoalCheck>,
    /// Complete the task only with an answer that is JSON and fits the JSON Schema in this file; the model
    /// may correct it once
    #[arg(long, value_name = "FILE")]
    output_schema: Option<PathBuf>,
    /// Give the model the instructions in this file, too
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// Leave out the instructions of the project, which are those in AGENTS.md in the workspace and above it,
    /// up to the root of the repository
    #[arg(long)]
    no_instructions: bool,
    #[command(flatten)]
    limits: LimitArgs,
    /// Let the tools work in this directory [default: the current one]
    #[arg(long, short = 'C', value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Make it a part of this task, whose budgets then cover it, too
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Continue the conversation of this completed task; the new task has its tools, workspace and instructions
    #[arg(
        long = "continue",
        value_name = "ID",
        conflicts_with_all = ["tools", "instructions", "no_instructions", "workspace"]
    )]
    continued: Option<String>,
    /// Let the model reason this much, if it has that setting
    #[arg(long, value_name = "EFFORT")]
    effort: Option<Effort>,
    /// Queue the task for `az worker run`, and return
    #[arg(long, short)]
    detach: bool,
}

/// Runs or queues a task.
///
/// # Errors
///
/// Bad arguments, the store's, or that the task ended without an answer.
pub(super) async fn run(args: &RunArgs, services: &Services) -> Result<ExitCode, CliError> {
    if !args.detach || args.tools.is_some() {
        services.list_new_servers().await;
    }
    let task = task_of(args, services).await?;
    match args.detach {
        true => queue(services, task).await,
        false => execute(services, Start::New(Box::new(task))).await,
    }
}

async fn task_of(args: &RunArgs, services: &Services) -> Result<Task, CliError> {
    services.check_tools(args.tools.iter().flatten())?;
    let (allow, deny) = args.limits.rules(services)?;
    if !args.detach {
        // A queued task gets the variables of its worker.
        services.check_env(&args.limits.env)?;
    }
    let (command, input) = read_words(&args.command, services.printer()).await?;
    let task = services.new_task(command, input.as_deref())?;
    let continued = match &args.continued {
        Some(id) => Some(FollowUp::of(services, id).await?),
        None => None,
    };
    let workspace = match &continued {
        Some(continued) => continued.workspace(),
        None => Some(workspace(args.workspace.as_deref())?),
    };
    let files = read_files(args, workspace.as_deref().unwrap_or("."), services).await?;
    let mut options = TaskOptions::default()
        .with_allow(allow)
        .with_deny(deny)
        .with_env(&args.limits.env)
        .with_until(files.checks)
        .with_images(files.images);
    options.workspace = workspace;
    options.tools.clone_from(&args.tools);
    options.input = input;
    options.instructions = files.instructions;
    options.output_schema = files.output_schema;
    options.effort = args.effort.map(ReasoningEffort::from);
    options.unattended = services.settings().tools.unattended;
    let limits = &services.settings().task;
    options.max_steps = limits.max_steps.map(NonZeroU32::get);
    options.max_calls = limits.max_calls.map(NonZeroU32::get);
    options.timeout = limits.timeout;
    args.limits.apply_to(&mut options);
    let mut model = args.model.clone();
    if let Some(continued) = &continued {
        continued.add_to(&mut options, &task.command);
        check_images(&options)?;
        model = model.or_else(|| continued.model());
    }
    if let Some(name) = model {
        model = Some(services.models()?.choose(Some(&name)).await?.name);
    }
    // The worker that runs a queued task chooses the model of one without a name.
    if continued.is_some() && args.effort.is_none() && (model.is_some() || !args.detach) {
        leave_out_effort(services, model.as_deref(), &mut options).await?;
    }
    if let Some(name) = &model {
        check_model(services, name, &options).await?;
    }
    let mut task = task.with_priority(args.priority).with_options(options);
    task.model = model;
    task.parent_task_id = match &args.parent {
        Some(parent) => Some(find(&*services.store().await?, parent).await?.id),
        // The budgets of a task cover what continues a part of it.
        None => continued.and_then(|continued| continued.parent()),
    };
    Ok(task)
}

/// What files add to a task.
struct TaskFiles {
    checks: Vec<GoalCheck>,
    instructions: Option<TaskInstructions>,
    output_schema: Option<OutputSchema>,
    images: Vec<TaskImage>,
}

/// Reads the files of the workspace, and those that the command line names.
async fn read_files(
    args: &RunArgs,
    workspace: &str,
    services: &Services,
) -> Result<TaskFiles, CliError> {
    let (checks, workspace) = (args.until.clone(), PathBuf::from(workspace));
    let file = args.instructions.clone();
    // A follow-up has the instructions of the task that it continues.
    let project = !args.no_instructions && args.continued.is_none();
    let secrets = services.secrets()?;
    let sources = InstructionSources { project, file, secrets };
    let (schema, images) = (args.output_schema.clone(), args.image.clone());
    let read = move || {
        let output_schema =
            schema.as_deref().map(|file| read_output_schema(file, &sources.secrets));
        let output_schema = output_schema.transpose()?;
        let images = read_images(&images)?;
        let checks = checks.into_iter().map(|check| check.with_files_of(&workspace)).collect();
        let read = sources.read(&workspace)?;
        let files = TaskFiles { checks, instructions: read.instructions, output_schema, images };
        Ok::<_, CliError>((files, read.notices))
    };
    let (files, notices) = blocking::run(read).await??;
    notices.iter().for_each(|notice| services.printer().say(notice));
    Ok(files)
}

fn check(command: &str) -> Result<GoalCheck, String> {
    GoalCheck::new(command).map_err(|_| {
        "must be a shell command without NUL characters, such as \"cargo test\"".to_owned()
    })
}
