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
        let what = "there are llm.routing_rules as well; keep the rules in one of the two";
        return Err(settings.file.problem("llm.routing_file", what));
    }
    let (file, text) = settings.named_file("llm.routing_file", path)?;
    parse_rules(&file, &text).map_err(|error| bad_rules(&error))
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
