//! `az config get`.

use std::process::ExitCode;

use az_core::store::StoreAccess;
use clap::Args;

use super::Context;
use crate::config::{KeyPath, SettingValue, plain};
use crate::error::CliError;
use crate::output::{Format, FormatArgs, Table};
use crate::settings::Settings;
use crate::views::SettingView;

const EXAMPLES: &str = "\
Examples:
  az config get llm.model
  az config get llm.timeouts --origin
  az config get --all
  az config get --all --origin --format json";

/// Show the value of a key, or of all keys
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GetArgs {
    /// Key, such as llm.model; a table shows all that is in it
    #[arg(value_name = "KEY", required_unless_present = "all")]
    key: Option<String>,
    /// Show all keys
    #[arg(long, short, conflicts_with = "key")]
    all: bool,
    /// Show where each value comes from: the file with line and column, the variable or the option
    #[arg(long, short)]
    origin: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows values with what each layer sets. Keys and passwords are masked.
///
/// # Errors
///
/// A usage error for an unknown key, or a settings error with all that is wrong with the files.
pub(super) async fn run(args: &GetArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let path = match &args.key {
        Some(key) => Some(KeyPath::parse(key).map_err(CliError::Usage)?),
        None => None,
    };
    let services = context.services()?.with_stored_settings(StoreAccess::ReadOnly).await?;
    let values = values(services.settings(), path.as_ref())?;
    let printer = services.printer();
    let views: Vec<_> = values.iter().map(SettingView::from).collect();
    match (args.format.choose(printer), path) {
        (Format::Table, Some(path)) if !args.origin && path.key.below().is_empty() => {
            let value = values.into_iter().next().and_then(|value| value.value);
            match value {
                Some(value) => printer.foreign(&plain(&value))?,
                None => printer.say(&format!("{path} is not set")),
            }
        }
        (Format::Json, Some(path)) if path.key.below().is_empty() => {
            let view = views.into_iter().next();
            printer.json(&view.unwrap_or_else(|| SettingView::unset(path.to_string())))?;
        }
        (format, _) => table(&views, args.origin).print(&views, format, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the values of all keys, or of those at a path.
fn values(settings: &Settings, path: Option<&KeyPath>) -> Result<Vec<SettingValue>, CliError> {
    let (_, mut values) = settings.layers.values()?;
    if let Some(path) = path {
        let wanted = path.in_values(&values).ok_or_else(|| {
            CliError::Usage(format!("there is no {path}; `az config get --all` lists what is set"))
        })?;
        values.retain(|value| value.is_in(&wanted));
    }
    Ok(values)
}

fn table(views: &[SettingView], origin: bool) -> Table {
    let columns: &[_] = if origin { &["key", "value", "origin"] } else { &["key", "value"] };
    let mut table = Table::new(columns);
    for view in views {
        let value = view.value.as_ref().map_or_else(|| "-".to_owned(), plain);
        let mut cells = vec![view.key.clone(), value];
        if origin {
            cells.push(view.origin_in_words());
        }
        table.row(cells);
    }
    table
}
