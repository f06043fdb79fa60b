//! The `az` command: reads arguments and settings, wires concrete backends together, shows results.
//!
//! | To see | read |
//! |---|---|
//! | what can be typed | [`cli`], [`global_args`] |
//! | where a setting comes from | [`settings`], [`config`] |
//! | what runs in production | [`services`] |
//! | which model answers, and why | [`models`] |
//! | what a command does | [`commands`] |
//! | what is printed | [`views`], [`output`] |
//! | what is recorded in the log | [`telemetry`] |
//! | which exit code means what | [`exit_code`], [`error`] |

mod api_key;
pub mod cli;
mod command_run;
pub mod commands;
mod completer;
mod completion;
pub mod config;
mod dispatch;
mod documents;
pub mod error;
pub mod exit_code;
pub mod global_args;
mod greeting;
mod help;
pub mod identity;
mod instructions;
mod mcp_server;
mod mcp_servers;
pub mod models;
pub mod output;
pub mod redact;
mod sandbox_bridge;
pub mod services;
pub mod settings;
mod shell_setting;
pub mod signal;
mod store_setting;
mod suggestion;
pub mod telemetry;
mod text_file;
mod unknown_command;
mod usage;
pub mod views;
mod web_client;
pub mod wiring;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::config::Env;
use crate::output::Printer;
use crate::telemetry::Telemetry;

pub use wiring::Wiring;

/// Runs the command with these arguments in this environment; returns what the process exits with.
pub fn run(args: impl IntoIterator<Item = OsString>, env: &Env) -> ExitCode {
    run_wired(args, env, &Wiring::default())
}

/// Runs the command with backends wrapped or replaced: the way to an `az` of one's own.
pub fn run_wired(args: impl IntoIterator<Item = OsString>, env: &Env, wiring: &Wiring) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = sandbox_bridge::answer(&args) {
        return code;
    }
    if let Some(plan) = env.get("AZ_FAILPOINT") {
        az_core::failpoint::arm(plan);
    }
    if let Some(file) = env.get("AZ_CLOCK_SHIFT") {
        az_core::failpoint::shift_clock(file.into());
    }
    let begun = command_run::Beginning::now();
    let telemetry = Telemetry::start(env);
    telemetry::hide_handled_panics();
    if let Some(code) = completion::answer(&args, env, wiring) {
        return code;
    }
    let parsed = match cli::parse(&args) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are errors to clap, too; it prints each to the right stream. A closed
            // pipe is not an error.
            error.print().ok();
            if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                && args.len() == 1
            {
                greeting::greet_after_help(env, wiring);
            }
            let suggestion = unknown_command::suggest(&error, &args);
            if error.use_stderr() && usage::wants_json(&args) {
                usage::print_json(&error, suggestion.as_deref());
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(error::USAGE));
        }
    };
    let printer = Printer::new(&parsed.cli.global, env);
    if let Err(error) = signal::survive_file_size_limits() {
        printer.say(&format!("file size limits will end the process: {error}"));
    }
    let process = dispatch::Process { printer: &printer, wiring, telemetry: &telemetry, begun };
    match dispatch::run(&parsed, env, &process) {
        Ok(code) => code,
        Err(error) => {
            printer.error(&error, &redact::Redactor::new(env));
            ExitCode::from(error.exit_code())
        }
    }
}
