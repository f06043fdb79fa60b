//! Completion of words in a shell, which runs `az` with the words so far and a variable that says so.

mod candidates;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::Cli;
use crate::commands::completions::{VARIABLE, completer};
use crate::config::Env;
use crate::wiring::Wiring;

use candidates::{Candidates, Kind};

/// Answers a shell that asks for completions; returns `None` if none does.
///
/// Whatever goes wrong, there is nothing to complete: a message would end up in the line that is edited.
pub(crate) fn answer(args: &[OsString], env: &Env, wiring: &Wiring) -> Option<ExitCode> {
    let shell = completer(env.get(VARIABLE)?).ok();
    let words = args.iter().position(|arg| arg == "--").and_then(|at| args.get(at + 1..));
    if let (Some(shell), Some(words)) = (shell, words) {
        let candidates = Candidates::new(words, env, wiring);
        let mut command = completing(Cli::command(), &candidates);
        command.build();
        let mut line = Vec::new();
        let here = std::env::current_dir().ok();
        let written =
            shell.write_complete(&mut command, words.to_vec(), here.as_deref(), &mut line);
        // A closed pipe is not an error.
        written.and_then(|()| io::stdout().lock().write_all(&line)).ok();
    }
    Some(ExitCode::SUCCESS)
}

/// Returns a command whose arguments know their values.
fn completing(mut command: Command, candidates: &Candidates) -> Command {
    // The arguments of a command are added when it is built.
    command.build();
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| completing(sub, candidates));
    }
    command.mut_args(|arg| match kind(&arg) {
        Some(kind) => {
            let candidates = candidates.clone();
            arg.add(ArgValueCompleter::new(move |typed: &std::ffi::OsStr| {
                candidates.of(kind, &typed.to_string_lossy())
            }))
        }
        None => arg,
    })
}

/// Returns what the values of an argument are: arguments of one name have values of one kind.
fn kind(arg: &Arg) -> Option<Kind> {
    match arg.get_id().as_str() {
        "id" | "ids" | "parent" | "continued" => Some(Kind::Task),
        "waiting" if arg.get_action().takes_values() => Some(Kind::Waiting),
        "model" => Some(Kind::Model),
        "tools" | "tool" => Some(Kind::Tool),
        "allow" | "deny" => Some(Kind::Rules),
        "key" | "keys" => Some(Kind::Key),
        "settings" => Some(Kind::Setting),
        _ => None,
    }
}
