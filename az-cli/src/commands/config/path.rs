//! `az config path`.

use std::process::ExitCode;

use clap::Args;

use super::Context;
use super::files::project;
use super::layer::{LayerArgs, Target, files};
use crate::config::Layer;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, Table};
use crate::views::ConfigFileView;

const EXAMPLES: &str = "\
Examples:
  az config path
  az config path --layer project
  az config path --all";

/// Show the paths of the files
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PathArgs {
    #[command(flatten)]
    layer: LayerArgs,
    /// Show the files of all layers, whether they exist, and whether the project's is trusted
    #[arg(long, short, conflicts_with = "layer")]
    all: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the path of a file, or those of all.
///
/// # Errors
///
/// A settings error if there is no directory for the user's file.
pub(super) fn run(args: &PathArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let printer = context.printer;
    let format = args.format.choose(printer);
    if args.all {
        let views: Vec<_> = [Target::Project, Target::User, Target::System]
            .into_iter()
            .filter_map(|target| view(target, context))
            .collect();
        let mut table = Table::new(&["layer", "path", "state"]);
        for view in &views {
            table.row(vec![view.layer.to_string(), view.path.clone(), view.state_in_words()]);
        }
        table.print(&views, format, printer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = args.layer.layer.only_file(context)?;
    match format {
        Format::Table => printer.foreign(&path.display().to_string())?,
        Format::Json => printer.json(&view(args.layer.layer, context))?,
        Format::Csv => printer.out(&crate::output::csv(view(args.layer.layer, context))?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn view(target: Target, context: &Context<'_>) -> Option<ConfigFileView> {
    let files = files(context);
    let (layer, path) = match target {
        Target::User => (Layer::User, files.user?),
        Target::System => (Layer::System, files.system),
        Target::Project => (Layer::Project, files.project?),
        Target::Store => return None,
    };
    let is_project = layer == Layer::Project;
    let trusted = is_project.then(|| project(context).is_some_and(|project| project.trusted));
    let exists = path.exists();
    Some(ConfigFileView::new(layer, path.display().to_string(), exists, trusted))
}
