//! The routing rules of the configuration.

use std::path::Path;

use az_ai::config::RoutingRule;
use az_ai::routing::{RulesError, parse_rules};

use crate::config::{NAMES_FILE, names_file};
use crate::error::CliError;
use crate::settings::Settings;

/// Reads a file of rules that an option names.
///
/// # Errors
///
/// A settings error with file, line and column for a file that cannot be read or is invalid.
pub fn read_rules(option: &str, path: &Path) -> Result<Vec<RoutingRule>, CliError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::Settings(format!("{option}: {file}: {error}")))?;
    parse_rules(&file, &text).map_err(|error| invalid_rules(&error))
}

/// Returns the configured rules with their locations.
///
/// # Errors
///
/// As [`read_rules`].
pub(super) fn configured(settings: &Settings) -> Result<Vec<RoutingRule>, CliError> {
    let Some(path) = &settings.llm.routing_file else {
        return Ok(settings.llm.routing_rules.clone());
    };
    if !settings.llm.routing_rules.is_empty() {
        let what = "llm.routing_rules is set as well; use only one of the two";
        return Err(settings.file.problem("llm.routing_file", what).into());
    }
    let (file, text) = settings.named_file("llm.routing_file", path)?;
    let rules = parse_rules(&file, &text).map_err(|error| invalid_rules(&error))?;
    check_names(&file, &rules, settings)?;
    Ok(rules)
}

/// Refuses models that read or write files in rules that a layer names which may not set such models: a
/// file of rules must not get around the check of the file that names it.
fn check_names(file: &str, rules: &[RoutingRule], settings: &Settings) -> Result<(), CliError> {
    let origin = settings.file.origins.get("llm.routing_file");
    if origin.is_none_or(|origin| origin.layer.may_name_files()) {
        return Ok(());
    }
    let names_file = |rule: &&RoutingRule| names_file(&rule.provider);
    let Some(rule) = rules.iter().find(names_file) else { return Ok(()) };
    let place =
        rule.locations.as_ref().map_or_else(|| file.to_owned(), |at| at.provider.to_string());
    Err(CliError::Settings(format!("{place}: {NAMES_FILE}")))
}

pub(super) fn invalid_rules(error: &RulesError) -> CliError {
    CliError::Settings(error.to_string())
}
