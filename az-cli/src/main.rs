//! `az`, the command.

use std::process::ExitCode;

fn main() -> ExitCode {
    az_cli::run(std::env::args_os(), &az_cli::config::Env::read())
}
