//! `az doctor`: checks the installation, and says what to do about what is wrong.

mod checks;
mod clock;
mod configuration;
mod disk;
mod files;
mod installation;
mod ledger;
mod models;
mod providers;
mod sandbox;
mod store;
mod terminal;

use std::process::ExitCode;

use clap::Args;

use super::config::Context;
use crate::error::CliError;
use crate::exit_code::UNHEALTHY;
use crate::output::{Format, FormatArgs, csv, doctor_in_words};
use crate::views::{CheckStatus, DoctorView};

use installation::Installation;

const EXAMPLES: &str = "\
Examples:
  az doctor
  az doctor --json | jq '.checks[] | select(.status != \"ok\")'
  az doctor --format csv

It reads the configuration and the store, and sends each provider with a key a request for its list
of models, which costs nothing. It repairs nothing and shows no key. It works without a store, and
with a configuration or a store that is damaged.

The exit code is 0 if there are at most warnings, and 1 if there are errors.";

/// Check the configuration, the store, the keys, the providers and the machine
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs all checks and shows what they found.
///
/// # Errors
///
/// When the output cannot be written.
pub(crate) async fn run(args: &DoctorArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let installation = Installation::find(context).await;
    let printer = context.printer;
    let view = DoctorView::new(env!("CARGO_PKG_VERSION"), checks::run(installation, printer).await);
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv(&view.checks)?)?,
        Format::Table => printer.out(&doctor_in_words(&view, printer.out_style()))?,
    }
    let healthy = view.status != CheckStatus::Error;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(UNHEALTHY) })
}
