//! The routing rules of the configuration, and the engine that goes by them.

use std::path::Path;
use std::sync::Arc;

use az_ai::config::RoutingRule;
use az_ai::resolver::ModelResolver;
use az_ai::routing::{RuleRouter, RulesError, parse_rules};
use az_core::clock::SystemClock;

use super::entries::Entries;
use crate::error::CliError;
use crate::settings::Settings;

/// Reads a file of rules that a flag names.
///
/// # Errors
///
/// A settings error when it cannot be read, or is no such file: with file, line and column.
pub fn read_rules(flag: &str, path: &Path) -> Result<Vec<RoutingRule>, CliError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::Settings(format!("{flag}: {file}: {error}")))?;
    parse_rules(&file, &text).map_err(|error| bad_rules(&error))
}

/// Returns the configured rules with their places.
///
/// # Errors
///
/// As [`read_rules`].
pub(super) fn configured(settings: &Settings) -> Result<Vec<RoutingRule>, CliError> {
    if let Some(path) = &settings.llm.routing_file {
        if !settings.llm.routing_rules.is_empty() {
            return Err(settings.file.problem(
                "llm.routing_rules and llm.routing_file: keep the rules in one of the two",
            ));
        }
        let (file, text) = settings.named_file("llm.routing_file", path)?;
        return parse_rules(&file, &text).map_err(|error| bad_rules(&error));
    }
    match &settings.file.source {
        Some((path, text)) if !settings.llm.routing_rules.is_empty() => {
            parse_rules(&path.display().to_string(), text).map_err(|error| bad_rules(&error))
        }
        _ => Ok(Vec::new()),
    }
}

/// Returns the engine that goes by some rules.
///
/// # Errors
///
/// A settings error with all that is wrong with them.
pub(super) fn router(
    models: Arc<dyn ModelResolver>,
    entries: &Entries,
    settings: &Settings,
    default: &str,
    rules: Vec<RoutingRule>,
) -> Result<Arc<RuleRouter>, CliError> {
    let names = entries.names().map(str::to_owned).collect();
    let router = RuleRouter::new(models, names, default, Arc::new(SystemClock));
    let router = router.with_rules(rules).map_err(|error| bad_rules(&error))?;
    let only_one = !settings.llm.fallback_enabled;
    Ok(Arc::new(if only_one { router.without_fallback() } else { router }))
}

fn bad_rules(error: &RulesError) -> CliError {
    CliError::Settings(error.to_string())
}
