//! `process.list`.

use az_core::tool::{EffectClass, Invocation, ToolOutput, ToolScope};
use az_core::{Result, blocking};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::entry::ProcessEntry;
use super::processes;
use crate::schema::output_schema;
use crate::tool::TypedTool;

/// The maximum number of listed processes.
const MAX_PROCESSES: usize = 1_000;
/// The maximum length of a listed line, in bytes, that the text of the result has room for.
const MAX_TEXT: usize = 64 << 10;

/// Lists the processes of the machine.
#[derive(Debug, Default)]
pub struct ProcessListTool;

/// The arguments of `process.list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessListArgs {
    /// Process name filter: a part of the name, in any case
    #[serde(default)]
    pub filter: Option<String>,
    /// User filter: the name of a user, or the number of one without a name
    #[serde(default)]
    pub user: Option<String>,
}

impl TypedTool for ProcessListTool {
    type Args = ProcessListArgs;
    const NAME: &'static str = "process.list";
    const DESCRIPTION: &'static str = "List running processes";
    const CATEGORY: &'static str = "system";
    const RETURNS: &'static str = "array";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::System;
    const EXAMPLE: &'static str = r#"{"filter": "cargo"}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<Vec<ProcessEntry>>())
    }

    async fn call(&self, args: ProcessListArgs, call: &Invocation) -> Result<ToolOutput> {
        let found = match blocking::run(processes).await? {
            Ok(found) => found,
            Err(error) => {
                return Ok(ToolOutput::failed(format!("cannot list processes: {error}")));
            }
        };
        if call.cancel.is_cancelled() {
            return Ok(ToolOutput::failed("cancelled"));
        }
        Ok(output(found.into_iter().filter(|entry| args.fits(entry)).collect()))
    }
}

impl ProcessListArgs {
    fn fits(&self, entry: &ProcessEntry) -> bool {
        let name = entry.name.to_lowercase();
        self.filter.as_ref().is_none_or(|filter| name.contains(&filter.trim().to_lowercase()))
            && self.user.as_ref().is_none_or(|user| entry.user == user.trim())
    }
}

fn output(mut found: Vec<ProcessEntry>) -> ToolOutput {
    let all = found.len();
    found.truncate(MAX_PROCESSES);
    let mut text = String::from("PID PPID USER STATE %CPU MEMORY STARTED COMMAND");
    for entry in &found {
        let line = line(entry);
        if text.len() + line.len() > MAX_TEXT {
            break;
        }
        text.push('\n');
        text.push_str(&line);
    }
    let shown = text.lines().count() - 1;
    if shown < all {
        text.push_str(&format!(
            "\n[only {shown} of {all} processes are listed; use `filter` or `user`]"
        ));
    }
    if found.is_empty() {
        "no process fits".clone_into(&mut text);
    }
    match serde_json::to_value(&found) {
        Ok(data) => ToolOutput::done(text).with_data(data),
        Err(error) => ToolOutput::failed(format!("cannot describe the processes: {error}")),
    }
}

fn line(entry: &ProcessEntry) -> String {
    let ProcessEntry { pid, ppid, user, state, cpu_percent, memory_bytes, command, .. } = entry;
    let started = entry.started_at.map_or_else(|| "?".to_owned(), |at| at.to_string());
    let mebibytes = memory_bytes >> 20;
    format!("{pid} {ppid} {user} {state} {cpu_percent:.1} {mebibytes}M {started} {command}")
}
