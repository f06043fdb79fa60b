//! What can be typed: the root of the command line. Each command's own arguments are in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{cost, db, demo, models, task, worker};

const EXAMPLES: &str = "\
Examples:
  az task run \"list the files here, then write how many there are to count.txt\"
  az task run \"create function isPrime\" --model claude --priority high
  az task list --status failed
  az task resume 4f2a9c81d0e7
  az demo
  az cost budget set --amount 100 --alert 80
  az models list

Exit codes: 0 done, 1 the task failed, 2 bad arguments, 3 budget, 124 out of time, 130 cancelled;
the others are in docs/operations.md.";

/// Runs agent tasks: every step is recorded, priced, kept within budgets, and can be resumed
#[derive(Debug, Parser)]
#[command(name = "az", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What goes with every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What goes with every command.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Where tasks and their records are kept [default: $AZ_DATA_DIR, else ~/.local/share/az]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub data_dir: Option<PathBuf>,
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Use no colour, as with NO_COLOR or when the output is not a terminal
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// Print one JSON object per event, or the listing as JSON, on standard output
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run tasks and look after them
    #[command(subcommand)]
    Task(task::TaskCommand),
    /// Work off queued tasks
    #[command(subcommand)]
    Worker(worker::WorkerCommand),
    /// See which models there are, what they cost, and which one is asked when
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// See what was spent, and say what may be
    #[command(subcommand)]
    Cost(cost::CostCommand),
    /// Look after the database
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Watch a whole task: a recording plays the model, its tools really act
    Demo(demo::DemoArgs),
}
