//! `az config`: show and change the configuration.

mod edit;
mod files;
mod get;
mod key;
mod layer;
mod path;
mod schema;
mod set;
mod trust;
mod unset;
mod validate;

use std::cell::OnceCell;
use std::process::ExitCode;

use clap::Subcommand;

pub(super) use files::change;
pub(super) use layer::Target;

use crate::command_run::RunTarget;
use crate::config::Env;
use crate::error::CliError;
use crate::global_args::GlobalArgs;
use crate::output::Printer;
use crate::services::Services;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::wiring::Wiring;

const EXAMPLES: &str = "\
Examples:
  az config set llm.provider=gemini
  az config get --all --origin
  az config validate
  az config trust";

/// Show and change the configuration.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum ConfigCommand {
    /// Show the value of a key, or of all keys
    Get(get::GetArgs),
    /// Set keys
    Set(set::SetArgs),
    /// Remove keys
    Unset(unset::UnsetArgs),
    /// Open a file in an editor, and check it before it is saved
    Edit(edit::EditArgs),
    /// Show the paths of the files
    Path(path::PathArgs),
    /// Check files, and list all that is wrong with them
    Validate(validate::ValidateArgs),
    /// Show what a project's file would change, and trust it
    Trust(trust::TrustArgs),
    /// Print the JSON Schema of the files, for editors
    Schema(schema::SchemaArgs),
}

/// What commands are created from. Most of `az config` works while the configuration is invalid, so that
/// nothing is resolved before a command needs it.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) global: &'a GlobalArgs,
    pub(crate) env: &'a Env,
    pub(crate) printer: &'a Printer,
    pub(crate) wiring: &'a Wiring,
    pub(crate) telemetry: &'a Telemetry,
    /// Where this command is recorded; set with the first services.
    pub(crate) target: &'a OnceCell<RunTarget>,
}

impl Context<'_> {
    /// Resolves the settings, and creates services that have not opened anything yet.
    pub(crate) fn services(&self) -> Result<Services, CliError> {
        let settings = Settings::resolve(self.global, self.env)?;
        self.printer.set_output(settings.output);
        let (env, printer) = (self.env.clone(), self.printer.clone());
        let services = Services::new(settings, env, printer, self.wiring.clone())?;
        let services = services.with_telemetry(self.telemetry.clone());
        if let Ok(target) = RunTarget::of(&services) {
            self.target.set(target).ok();
        }
        Ok(services)
    }
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub(crate) async fn run(
    command: &ConfigCommand,
    context: &Context<'_>,
) -> Result<ExitCode, CliError> {
    match command {
        ConfigCommand::Get(args) => get::run(args, context).await,
        ConfigCommand::Set(args) => set::run(args, context).await,
        ConfigCommand::Unset(args) => unset::run(args, context).await,
        ConfigCommand::Edit(args) => edit::run(args, context),
        ConfigCommand::Path(args) => path::run(args, context),
        ConfigCommand::Validate(args) => validate::run(args, context),
        ConfigCommand::Trust(args) => trust::run(args, context),
        ConfigCommand::Schema(args) => schema::run(args, context),
    }
}
