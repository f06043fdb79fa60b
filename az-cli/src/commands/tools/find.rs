//! Finds tools by their names, categories and servers.

use std::collections::BTreeSet;
use std::sync::Arc;

use az_ai::resolver::near;
use az_core::tool::{ToolSpec, meant_name};

use crate::error::CliError;
use crate::models::did_you_mean;
use crate::services::Services;
use crate::views::{ToolSummaryView, server_of};

/// Returns the specs of all tools, in the order in which models see them.
///
/// # Errors
///
/// As [`Services::toolbox`].
pub(super) fn specs(services: &Services) -> Result<Arc<[ToolSpec]>, CliError> {
    Ok(services.tools()?.specs())
}

/// Returns a row for each tool.
///
/// # Errors
///
/// As [`Services::toolbox`].
pub(super) fn summaries(services: &Services) -> Result<Vec<ToolSummaryView>, CliError> {
    Ok(specs(services)?.iter().map(ToolSummaryView::from).collect())
}

/// Returns whether two names are the same, in any case.
pub(super) fn is_named(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.trim())
}

/// Returns the tool with a name; also if it has other separators, as models write it.
///
/// # Errors
///
/// `UnknownTool`, with similar names.
pub(super) fn find_tool<'s>(specs: &'s [ToolSpec], name: &str) -> Result<&'s ToolSpec, CliError> {
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let exact = names.iter().copied().find(|known| *known == name);
    let meant = exact.or_else(|| meant_name(name, &names));
    let found = meant.and_then(|meant| specs.iter().find(|spec| spec.name == meant));
    found.ok_or_else(|| unknown(name, names.into_iter()))
}

/// Returns the tools that a name means: one tool, or all of a category, of a server, or with a prefix
/// before the dot.
///
/// # Errors
///
/// `UnknownTool`, with similar names.
pub(super) fn find_tools<'s>(
    specs: &'s [ToolSpec],
    name: &str,
) -> Result<Vec<&'s ToolSpec>, CliError> {
    if let Ok(tool) = find_tool(specs, name) {
        return Ok(vec![tool]);
    }
    let groups: [fn(&ToolSpec) -> &str; 3] = [category, prefix, server_of];
    for group in groups {
        let of_group: Vec<_> = specs.iter().filter(|spec| is_named(group(spec), name)).collect();
        if !of_group.is_empty() {
            return Ok(of_group);
        }
    }
    let named = specs.iter().map(|spec| spec.name.as_str());
    let known: BTreeSet<&str> =
        named.chain(groups.iter().flat_map(|group| specs.iter().map(group))).collect();
    Err(unknown(name, known.into_iter()))
}

fn category(spec: &ToolSpec) -> &str {
    &spec.category
}

fn prefix(spec: &ToolSpec) -> &str {
    spec.name.split('.').next().unwrap_or(&spec.name)
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> CliError {
    let likely = did_you_mean(&near(name, known));
    CliError::UnknownTool { name: name.to_owned(), likely }
}
