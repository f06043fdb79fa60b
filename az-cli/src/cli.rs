//! The root of the command line. The arguments of each command are in its file.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    completions, config, cost, db, demo, doctor, log, man, mcp, models, setup, task, tools, worker,
};
use crate::global_args::GlobalArgs;
use crate::help;

const EXAMPLES: &str = "\
Examples:
  az task run \"list the files here, then write how many there are to count.txt\"
  az task run \"create function isPrime\" --model claude --priority high
  az task list --status failed
  az task resume 4f2a9c81d0e7
  az demo
  az cost budget set --amount 100 --alert 80
  az models list
  az tools list";

/// Run agent tasks: every step is recorded and priced, kept within budgets, and can be resumed
#[derive(Debug, Parser)]
#[command(name = "az", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Run and manage tasks
    #[command(subcommand)]
    Task(task::TaskCommand),
    /// Run queued tasks
    #[command(subcommand)]
    Worker(worker::WorkerCommand),
    /// Show models and prices, and explain routing
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// List, explain and call the tools that tasks have
    #[command(subcommand)]
    Tools(tools::ToolsCommand),
    /// Use the tools of MCP servers
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Show costs and manage budgets
    #[command(subcommand)]
    Cost(cost::CostCommand),
    /// Show and change the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Show and export the log, and list the commands that were run
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Manage the database
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Set up the first model: asks for a provider and its key, and makes a call
    Setup(setup::SetupArgs),
    /// Check the configuration, the store, the keys, the providers and the machine
    Doctor(doctor::DoctorArgs),
    /// Print a script that completes words in a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page of a command, or write all of them
    Man(man::ManArgs),
    /// Replay a recorded task without a key; its tool calls are real
    Demo(demo::DemoArgs),
}

/// Returns the command line, with the commands in groups in `az --help`.
pub fn command() -> clap::Command {
    help::grouped(Cli::command())
}

/// A command line that was parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The command with its arguments.
    pub(crate) cli: Cli,
    /// The words of the command, such as `task list`, without its arguments.
    pub(crate) name: String,
}

fn name_of(matches: &ArgMatches) -> String {
    let mut words = Vec::new();
    let mut next = matches.subcommand();
    while let Some((word, below)) = next {
        words.push(word);
        next = below.subcommand();
    }
    words.join(" ")
}

/// Parses arguments.
///
/// The help page with groups takes longer to render than a listing takes to print, so it is rendered only
/// for arguments that clap answers with help.
///
/// # Errors
///
/// Clap's, which is also how it returns help and version.
pub(crate) fn parse(args: &[OsString]) -> Result<Parsed, clap::Error> {
    let parse = |command: clap::Command| {
        let matches = command.try_get_matches_from(args)?;
        let name = name_of(&matches);
        Cli::from_arg_matches(&matches).map(|cli| Parsed { cli, name })
    };
    parse(Cli::command()).or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            parse(command())
        }
        _ => Err(error),
    })
}
