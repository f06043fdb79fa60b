//! The tool `shell.execute`.

use std::collections::BTreeMap;
use std::time::Duration;

use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolScope};
use az_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::options::ShellOptions;
use super::run::{Job, RunError, kill_all, run};
use crate::registry::OUTCOME_UNKNOWN;
use crate::tool::{RecoverableTool, TypedTool};

/// Runs shell commands in the workspace.
#[derive(Debug)]
pub struct ShellTool(ShellOptions);

/// The arguments of `shell.execute`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShellArgs {
    /// Shell command, run by /bin/sh in the workspace
    pub command: String,
    /// Command timeout in seconds
    #[serde(default)]
    pub timeout: Option<f64>,
    /// Environment variables
    #[serde(default)]
    pub env: Option<BTreeMap<String, String>>,
}

impl ShellTool {
    /// Creates the tool.
    pub const fn new(options: ShellOptions) -> Self {
        Self(options)
    }

    /// Returns the time limit of a call: the smallest of those that apply.
    fn limit(&self, args: &ShellArgs, call: &Invocation) -> Result<Duration> {
        let requested = match args.timeout {
            None => self.0.default_timeout,
            Some(seconds) if seconds > 0.0 => {
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
            Some(_) => return Err(Error::invalid("timeout", "must be greater than 0 seconds")),
        };
        Ok(call.timeout.map_or(requested, |limit| requested.min(limit)))
    }
}

impl TypedTool for ShellTool {
    type Args = ShellArgs;
    const NAME: &'static str = "shell.execute";
    const DESCRIPTION: &'static str = "Execute shell command";
    const CATEGORY: &'static str = "shell";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Unsafe;
    const SCOPE: ToolScope = ToolScope::System;

    async fn call(&self, args: ShellArgs, call: &Invocation) -> Result<ToolOutput> {
        let Some(workspace) = &call.workspace else {
            return Err(Error::invalid("workspace", "the call has none; shell.execute needs one"));
        };
        let limit = self.limit(&args, call)?;
        let mut env = self.0.env.clone();
        env.extend(args.env.unwrap_or_default());
        check(&args.command, &env)?;
        let job = Job {
            command: &args.command,
            workspace,
            env,
            key: &call.key,
            limit,
            output_limit: self.0.output_limit,
        };
        Ok(match run(job, call).await {
            Ok(report) => report.into(),
            Err(RunError::Spawn(error)) => {
                ToolOutput::failed(format!("cannot run the shell: {error}"))
            }
            Err(RunError::Wait(error)) => ToolOutput::unknown(format!(
                "cannot wait for the shell: {error}; {OUTCOME_UNKNOWN}"
            )),
        })
    }
}

impl RecoverableTool for ShellTool {
    fn effect_of(&self, _args: &ShellArgs) -> EffectClass {
        Self::EFFECT
    }

    async fn witness(&self, _args: &ShellArgs, _call: &Invocation) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn probe(
        &self,
        _args: &ShellArgs,
        _call: &Invocation,
        _witness: Option<&Value>,
    ) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _args: &ShellArgs, call: &Invocation) -> Result<()> {
        let key = call.key.clone();
        let killed = tokio::task::spawn_blocking(move || kill_all(&key)).await;
        match killed.map_err(|error| Error::Internal(error.to_string()))? {
            true => Ok(()),
            false => {
                Err(Error::Internal("some processes of the command are still running".to_owned()))
            }
        }
    }
}

/// Rejects commands and variables that cannot be passed to a process.
fn check(command: &str, env: &BTreeMap<String, String>) -> Result<()> {
    if command.contains('\0') {
        return Err(Error::invalid("command", "must not contain a NUL character"));
    }
    let invalid = env.iter().find(|(name, value)| {
        name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
    });
    let rule = "names must not be empty or contain `=`, and there must be no NUL characters";
    match invalid {
        Some((name, _)) => Err(Error::invalid("env", format!("variable {name:?}: {rule}"))),
        None => Ok(()),
    }
}
