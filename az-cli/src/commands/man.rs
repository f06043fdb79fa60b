//! `az man`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  az man | man -l -
  az man task run | man -l -
  az man --output ~/.local/share/man/man1";

/// Print the manual page of a command, or write all of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// The command; without one, the page of az
    #[arg(conflicts_with = "output")]
    command: Vec<String>,
    /// Write the pages of all commands into this directory, and create it if necessary
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints or writes manual pages of the commands below `root`.
///
/// # Errors
///
/// A usage error for an unknown command, or that of the file system.
pub(crate) fn run(args: &ManArgs, root: Command) -> Result<ExitCode, CliError> {
    if let Some(dir) = &args.output {
        let failed = |source| CliError::Io { what: dir.display().to_string(), source };
        fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(root, dir))
            .map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = root;
    command.build();
    for name in &args.command {
        command = match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => return Err(unknown(&command, name)),
        };
    }
    let mut page = Vec::new();
    let failed = |source| CliError::Io { what: "the manual page".to_owned(), source };
    Man::new(command).render(&mut page).map_err(failed)?;
    // A closed pipe is not an error.
    io::stdout().lock().write_all(&page).ok();
    Ok(ExitCode::SUCCESS)
}

fn unknown(command: &Command, name: &str) -> CliError {
    let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    CliError::Usage(format!(
        "{} has no command {name:?}; its commands: {known}",
        command.get_name()
    ))
}
