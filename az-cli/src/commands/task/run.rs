//! `az task run`.

use std::io::Read;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use az_core::blocking;
use az_core::clock::SystemClock;
use az_core::task::{
    GoalCheck, LARGEST_COMMAND, OutputSchema, TaskImage, TaskInstructions, TaskOptions, UnattendedMode,
};
use az_core::{Clock, Task, TaskPriority};
use az_mcp::policy::RuleAction;
use clap::Args;

use super::execute::{Start, execute};
use super::find::find;
use super::images::read_images;
use super::input::{Asked, read_input};
use super::output_schema::read_output_schema;
use crate::commands::ask_mode::AskMode;
use crate::commands::one_of;
use crate::commands::workspace::workspace;
use crate::config::parse_duration;
use crate::error::CliError;
use crate::instructions::InstructionSources;
use crate::services::Services;
use crate::views::NoticeView;

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
    /// Queue the task for `az worker run`, and return
    #[arg(long, short)]
    detach: bool,
}

/// The limits of a task; a resumed task can be given other ones.
#[derive(Debug, Args)]
pub(super) struct LimitArgs {
    /// Run these calls without approval: tools, or TOOL(PATTERN), separated by commas
    #[arg(long, value_name = "RULES")]
    allow: Vec<String>,
    /// Never make these calls: tools, or TOOL(PATTERN), separated by commas
    #[arg(long, value_name = "RULES")]
    deny: Vec<String>,
    /// Pass these environment variables to its commands, separated by commas; only the names are
    /// stored
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = variable)]
    pub(super) env: Vec<String>,
    /// Stop after this many steps in all [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_steps: Option<u32>,
    /// Stop after this many tool calls in all [default: 10 for each step]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_calls: Option<u32>,
    /// Stop after this time, such as 90s, 10m or 1h30m; a resumed task starts anew
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// If a call needs an approval and no one can be asked: park the task until the call is answered,
    /// or end it as failed [default: deny]
    #[arg(long, value_name = "MODE")]
    ask: Option<AskMode>,
}

impl LimitArgs {
    /// Returns what to do about a call that needs an answer if no one can be asked, if the option is set.
    pub(super) fn unattended(&self) -> Option<UnattendedMode> {
        self.ask.map(UnattendedMode::from)
    }
}

impl LimitArgs {
    /// Returns the rules of `--allow` and those of `--deny`.
    ///
    /// # Errors
    ///
    /// A usage error for a rule that cannot be read, or about a tool that does not exist.
    pub(super) fn rules(
        &self,
        services: &Services,
    ) -> Result<(Vec<String>, Vec<String>), CliError> {
        rules_of(&self.allow, &self.deny, services)
    }
}

/// Returns the rules of `--allow` and those of `--deny`, each by itself.
///
/// # Errors
///
/// A usage error for a rule that cannot be read, or about a tool that does not exist.
pub(in crate::commands) fn rules_of(
    allow: &[String],
    deny: &[String],
    services: &Services,
) -> Result<(Vec<String>, Vec<String>), CliError> {
    let (allow, deny) = (split_rules(allow), split_rules(deny));
    services.check_rules("--allow", RuleAction::Allow, &allow)?;
    services.check_rules("--deny", RuleAction::Deny, &deny)?;
    Ok((allow, deny))
}

/// Splits rules at the commas that are not in parentheses.
fn split_rules(texts: &[String]) -> Vec<String> {
    let mut rules = Vec::new();
    for text in texts {
        let mut depth = 0_i32;
        let parts = text.split(|char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            char == ',' && depth <= 0
        });
        rules.extend(parts.map(|rule| rule.trim().to_owned()));
    }
    rules
}

/// Runs or queues a task.
///
/// # Errors
///
/// Bad arguments, the store's, or that the task ended without an answer.
pub(super) async fn run(args: &RunArgs, services: &Services) -> Result<ExitCode, CliError> {
    let task = task_of(args, services).await?;
    if !args.detach {
        return execute(services, Start::New(Box::new(task))).await;
    }
    let task = services.store().await?.enqueue(&task, SystemClock.now()).await?;
    services.printer().say("queued; `az worker run` runs queued tasks");
    let id = task.id.to_string();
    let notice = NoticeView::TaskQueued { task: task.id, priority: task.priority };
    services.printer().done(&id, &notice)?;
    Ok(ExitCode::SUCCESS)
}

async fn task_of(args: &RunArgs, services: &Services) -> Result<Task, CliError> {
    services.check_tools(args.tools.iter().flatten())?;
    let (allow, deny) = args.limits.rules(services)?;
    if !args.detach {
        // A queued task gets the variables of its worker.
        services.check_env(&args.limits.env)?;
    }
    let (command, asked) = match args.command.as_slice() {
        [only] if only == "-" => (read_command()?, None),
        [words @ .., last] if last == "-" => (words.join(" "), Some(Asked::Explicitly)),
        words => (words.join(" "), Some(Asked::No)),
    };
    let input = match asked {
        Some(asked) => read_input(asked, services.printer()).await?,
        None => None,
    };
    let model = match &args.model {
        Some(name) => Some(services.models()?.choose(Some(name)).await?.name),
        None => None,
    };
    let workspace = workspace(args.workspace.as_deref())?;
    let task = services.new_task(command, input.as_deref())?;
    let files = read_files(args, &workspace, services).await?;
    let mut options = TaskOptions::default()
        .with_allow(allow)
        .with_deny(deny)
        .with_env(&args.limits.env)
        .with_until(files.checks)
        .with_workspace(workspace);
    options.tools.clone_from(&args.tools);
    options.input = input;
    options.instructions = files.instructions;
    options.output_schema = files.output_schema;
    options.images = files.images.into();
    options.unattended = args.limits.unattended().or(services.settings().tools.unattended);
    let limits = services.settings().task;
    options.max_steps = args.limits.max_steps.or(limits.max_steps.map(NonZeroU32::get));
    options.max_calls = args.limits.max_calls.or(limits.max_calls.map(NonZeroU32::get));
    options.timeout = args.limits.timeout.or(limits.timeout);
    let mut task = task.with_priority(args.priority).with_options(options);
    if let Some(model) = model {
        task = task.with_model(model);
    }
    if let Some(parent) = &args.parent {
        let parent = find(&*services.store().await?, parent).await?;
        task = task.with_parent(parent.id);
    }
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
    let secrets = services.secrets()?;
    let sources = InstructionSources { project: !args.no_instructions, file, secrets };
    let (schema, images) = (args.output_schema.clone(), args.image.clone());
    let read = move || {
        let output_schema = schema.as_deref().map(read_output_schema).transpose()?;
        let images = read_images(&images)?;
        let checks = checks.into_iter().map(|check| check.with_files_of(&workspace)).collect();
        let read = sources.read(&workspace)?;
        let files =
            TaskFiles { checks, instructions: read.instructions, output_schema, images };
        Ok::<_, CliError>((files, read.notices))
    };
    let (files, notices) = blocking::run(read).await??;
    notices.iter().for_each(|notice| services.printer().say(notice));
    Ok(files)
}

/// Reads a command from standard input, and no more than one byte above the limit.
fn read_command() -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST_COMMAND).unwrap_or(u64::MAX).saturating_add(1);
    std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|source| CliError::Io {
        what: "reading the task from standard input".to_owned(),
        source,
    })?;
    if bytes.len() > LARGEST_COMMAND {
        return Err(CliError::Usage(format!(
            "the task is longer than {LARGEST_COMMAND} bytes; put large input into a file and name the file"
        )));
    }
    String::from_utf8(bytes)
        .map(|text| text.trim_end().to_owned())
        .map_err(|_| CliError::Usage("the task on standard input is not UTF-8".to_owned()))
}

fn check(command: &str) -> Result<GoalCheck, String> {
    GoalCheck::new(command).map_err(|_| {
        "must be a shell command without NUL characters, such as \"cargo test\"".to_owned()
    })
}

/// Checks the name of a variable.
fn variable(name: &str) -> Result<String, String> {
    match name {
        "" => Err("must be the name of a variable".to_owned()),
        name if name.contains('=') => Err(
            "must be a name without a value, because a value would be stored with the task; set the \
             variable in the environment of az, or in shell.env of the configuration file"
                .to_owned(),
        ),
        name => Ok(name.to_owned()),
    }
}
