//! `az completions`.

use std::io;
use std::process::ExitCode;

use clap::Args;
use clap_complete::env::{EnvCompleter, Shells};

use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  source <(az completions bash)                          # in ~/.bashrc
  source <(az completions zsh)                           # in ~/.zshrc, after compinit
  az completions fish > ~/.config/fish/completions/az.fish

The shell then completes commands and options, and also the ids of tasks, the names of models and
tools, and the keys of the configuration, for which it runs `az` at each <Tab>.";

/// Print a script that completes commands, tasks, models, tools and keys in a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell: bash, zsh, fish, elvish or powershell
    shell: String,
}

/// The variable with the name of the shell that asks `az` for completions.
pub(crate) const VARIABLE: &str = "AZ_COMPLETE";

/// Prints the script.
///
/// # Errors
///
/// A usage error for an unknown shell.
pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    let failed = |source| CliError::Io { what: "the completion script".to_owned(), source };
    completer(&args.shell)?
        .write_registration(VARIABLE, "az", "az", "az", &mut script)
        .map_err(failed)?;
    // A closed pipe is not an error.
    io::Write::write_all(&mut io::stdout().lock(), &script).ok();
    Ok(ExitCode::SUCCESS)
}

/// Returns what writes the script of a shell, and the candidates that it asks for.
///
/// # Errors
///
/// A usage error for an unknown shell.
pub(crate) fn completer(shell: &str) -> Result<&'static dyn EnvCompleter, CliError> {
    const SHELLS: Shells<'static> = Shells::builtins();
    SHELLS.0.iter().copied().find(|known| known.is(shell)).ok_or_else(|| {
        let known: Vec<_> = SHELLS.names().collect();
        CliError::Usage(format!("unknown shell {shell:?}; known shells: {}", known.join(", ")))
    })
}
