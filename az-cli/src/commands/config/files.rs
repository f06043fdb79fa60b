//! Changes to a file of the configuration.

use std::path::Path;

use super::Context;
use crate::config::{
    ConfigError, ConfigFile, ConfigLayers, ConfigProblem, Layer, ProjectState, TrustRecord,
};
use crate::error::CliError;

/// Changes a file, and writes it with the keys that were added unless the change makes something wrong. A project's file that
/// is trusted, or had nothing to trust, is trusted again: the user has made the change.
///
/// # Errors
///
/// The problems that are new; those that the file had before are mentioned on standard error.
pub(in crate::commands) fn change<T>(
    context: &Context<'_>,
    layer: Layer,
    path: &Path,
    change: impl FnOnce(&mut ConfigFile) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let trusted = layer == Layer::Project && has_only_trusted(path, context);
    let mut file = ConfigFile::open(layer, path)?;
    let known = file.problems();
    let result = change(&mut file)?;
    let is_known = |problem: &ConfigProblem| {
        known.iter().any(|known| known.key == problem.key && known.message == problem.message)
    };
    let (others, new): (Vec<_>, Vec<_>) = file.problems().into_iter().partition(is_known);
    if !new.is_empty() {
        return Err(ConfigError::Invalid(new).into());
    }
    file.write()?;
    if !others.is_empty() {
        let what = format!("{} has other errors; `az config validate` lists them", path.display());
        context.printer.say(&what);
    }
    if trusted {
        trust_again(context)?;
    }
    Ok(result)
}

/// Whether all that a project's file sets is trusted, or needs no trust.
fn has_only_trusted(path: &Path, context: &Context<'_>) -> bool {
    if !path.exists() {
        return true;
    }
    project(context).is_some_and(|project| project.trusted || project.withheld.is_empty())
}

fn trust_again(context: &Context<'_>) -> Result<(), CliError> {
    let Some(project) = project(context).filter(|project| !project.withheld.is_empty()) else {
        return Ok(());
    };
    Ok(TrustRecord::change(context.env, |record| record.trust(&project.path, project.digest))?)
}

/// Returns the state of the project's file; `None` without one, and while the configuration is invalid.
pub(super) fn project(context: &Context<'_>) -> Option<ProjectState> {
    let directory = std::env::current_dir().ok();
    let layers = ConfigLayers::read(context.env, directory.as_deref()).ok()?;
    layers.resolve().ok()?.project
}
