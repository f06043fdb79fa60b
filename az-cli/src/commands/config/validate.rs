//! `az config validate`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use az_ai::recording::Pace;
use clap::Args;

use super::Context;
use super::layer::files;
use crate::config::{ConfigError, ConfigFile, Layer, PROJECT_FILE, is_same};
use crate::error::CliError;
use crate::models::ModelChooser;
use crate::output::{Format, FormatArgs, csv};
use crate::settings::Settings;
use crate::views::CheckedFileView;

const EXAMPLES: &str = "\
Examples:
  az config validate
  az config validate az.toml
  az config validate new.toml --json";

/// Check files, and list all that is wrong with them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ValidateArgs {
    /// File to check [default: all files that are in use]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Checks files. Without a file, what the files say together is checked, too: entries, rules and prices.
///
/// # Errors
///
/// A settings error with all that is wrong.
pub(super) fn run(args: &ValidateArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let targets = match &args.file {
        Some(file) => vec![(layer_of(file, context), file.clone())],
        None => in_use(context),
    };
    let mut all = Vec::new();
    for (layer, path) in &targets {
        let file = ConfigFile::read(*layer, path);
        let problems = match file {
            Ok(file) if file.exists() => file.problems(),
            Ok(_) => return Err(missing(path)),
            Err(ConfigError::Invalid(problems)) => problems,
            Err(error) => return Err(error.into()),
        };
        all.push((path.display().to_string(), problems));
    }
    let problems: Vec<_> = all.iter().flat_map(|(_, problems)| problems).cloned().collect();
    let views = all.iter().map(|(path, problems)| CheckedFileView::new(path.clone(), problems));
    let views: Vec<_> = views.collect();
    print(&views, args.format.choose(context.printer), context)?;
    if !problems.is_empty() {
        return Err(ConfigError::Invalid(problems).into());
    }
    if args.file.is_none() {
        let settings = Settings::resolve(context.global, context.env)?;
        ModelChooser::new(settings, context.env, Pace::Instant, context.printer)?.connected()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(views: &[CheckedFileView], format: Format, context: &Context<'_>) -> Result<(), CliError> {
    match format {
        Format::Json => context.printer.json(&views),
        Format::Csv => {
            let problems = views.iter().flat_map(|view| &view.problems);
            context.printer.out(&csv(problems)?)
        }
        Format::Table if views.is_empty() => {
            context.printer.say("no configuration file exists; the defaults apply");
            Ok(())
        }
        Format::Table => {
            for view in views.iter().filter(|view| view.valid) {
                context.printer.foreign(&format!("{}: valid", view.path))?;
            }
            Ok(())
        }
    }
}

/// Returns the files that exist, the strongest first.
fn in_use(context: &Context<'_>) -> Vec<(Layer, PathBuf)> {
    let files = files(context);
    let user = files.user.filter(|path| files.user_is_named || path.exists());
    let system = Some(files.system).filter(|path| path.exists());
    let all = [(Layer::Project, files.project), (Layer::User, user), (Layer::System, system)];
    all.into_iter().filter_map(|(layer, path)| Some((layer, path?))).collect()
}

/// Returns the layer that a file is checked as: what a file may set depends on it.
fn layer_of(path: &Path, context: &Context<'_>) -> Layer {
    let files = files(context);
    let is = |known: &Path| is_same(path, known);
    match path.file_name() {
        _ if files.user.as_deref().is_some_and(is) => Layer::User,
        _ if is(&files.system) => Layer::System,
        Some(name) if name == PROJECT_FILE => Layer::Project,
        _ => Layer::User,
    }
}

fn missing(path: &Path) -> CliError {
    CliError::Usage(format!("{} does not exist", path.display()))
}
