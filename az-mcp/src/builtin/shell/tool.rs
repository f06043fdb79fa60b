//! The tool `shell.execute`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use az_core::tool::{
    Access, BackgroundProcess, EffectClass, Invocation, Probed, ToolOutput, ToolScope,
};
use az_core::{Error, Result, TaskId, blocking};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::confinement::{Confinement, Unconfined};
use super::homes::homes;
use super::marks::{is_ended_with_task, is_of_call, is_of_task};
use super::options::ShellOptions;
use super::report::CommandData;
use super::run::{Job, RunError, run};
use super::{process_tree, refusal};
use crate::builtin::output::OutputFiles;
use crate::registry::OUTCOME_UNKNOWN;
use crate::sandbox::{SandboxError, SandboxMode};
use crate::schema::output_schema;
use crate::tool::{RecoverableTool, TypedTool, invalid_argument};

/// Runs shell commands in the workspace.
#[derive(Debug)]
pub struct ShellTool {
    options: ShellOptions,
    files: OutputFiles,
    confinement: Confinement,
}

/// The arguments of `shell.execute`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShellArgs {
    /// Shell command, run in the workspace without a terminal and without input
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
    pub fn new(options: ShellOptions) -> Self {
        let files = OutputFiles::new(options.output_dir.clone());
        let confinement = Confinement::new(options.sandbox.clone(), homes(&options));
        Self { options, files, confinement }
    }

    /// Says why a command was not started.
    fn not_started(&self, workspace: &str, error: &SandboxError) -> ToolOutput {
        let shell = self.options.program.display();
        ToolOutput::failed(match error {
            SandboxError::Spawn(error) => format!("cannot run {shell} in {workspace}: {error}"),
            error => format!("the command was not run: {error}"),
        })
    }

    /// Returns the time limit of a call: the smallest of those that apply.
    fn limit(&self, args: &ShellArgs, call: &Invocation) -> Duration {
        let requested = args.timeout.map_or(self.options.default_timeout, |seconds| {
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        });
        call.timeout.map_or(requested, |limit| requested.min(limit))
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
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"command": "wc -l README.md", "timeout": 10}"#;

    fn description(&self) -> Cow<'static, str> {
        let shell = self.options.program.file_name().unwrap_or_default().display();
        let what = Self::DESCRIPTION;
        let background = "What it leaves in the background runs until the task ends";
        let sandbox = &self.options.sandbox;
        let allowed = match sandbox.mode {
            SandboxMode::Off => String::new(),
            _ => format!(". {}", refusal::allowed(&sandbox.write, &sandbox.network)),
        };
        format!("{what}, with {shell}. {background}{allowed}").into()
    }

    fn accesses(&self, args: &ShellArgs, _call: &Invocation) -> Vec<Access> {
        let env = args.env.iter().flatten().map(|(name, _)| name.clone()).collect();
        vec![Access::Command { text: args.command.clone(), env }]
    }

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<CommandData>())
    }

    /// Rejects time limits of 0, and commands and variables that cannot be passed to a process.
    fn check(&self, args: &ShellArgs) -> Result<()> {
        let refused = |name: &str, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        if args.timeout.is_some_and(|seconds| seconds <= 0.0) {
            return refused("timeout", "must be greater than 0");
        }
        if args.command.contains('\0') {
            return refused("command", "must not contain a NUL character");
        }
        for (name, value) in args.env.iter().flatten() {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                let rule =
                    "names must not be empty or contain `=`, and there must be no NUL characters";
                return refused("env", &format!("variable {name:?}: {rule}"));
            }
        }
        Ok(())
    }

    async fn call(&self, args: ShellArgs, call: &Invocation) -> Result<ToolOutput> {
        let Some(workspace) = &call.workspace else {
            return Err(Error::invalid("workspace", "the call has none; shell.execute needs one"));
        };
        let limit = self.limit(&args, call);
        let mut env = self.options.env.clone();
        let named = call.env.iter().filter_map(|name| self.options.available.get_key_value(name));
        env.extend(named.map(|(name, value)| (name.clone(), value.clone())));
        env.extend(args.env.unwrap_or_default());
        let confined = async {
            let sandbox = self.confinement.sandbox().await?;
            Ok((sandbox, self.confinement.policy(workspace, &call.task).await?))
        };
        let (sandbox, policy) = match confined.await {
            Ok(confined) => confined,
            Err(Unconfined::Sandbox(error)) => return Ok(self.not_started(workspace, &error)),
            Err(Unconfined::Core(error)) => return Err(error),
        };
        let job = Job {
            program: &self.options.program,
            command: &args.command,
            workspace,
            sandbox,
            policy,
            options: &self.options.sandbox,
            env,
            key: &call.key,
            limit,
            output_limit: self.options.output_limit,
            files: &self.files,
            secrets: &self.options.secrets,
        };
        Ok(match run(job, call).await {
            Ok(report) => report.into(),
            Err(RunError::LeaseLost(error)) => return Err(error),
            Err(RunError::Spawn(error)) => self.not_started(workspace, &error),
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
        let kill = move || process_tree::kill(Vec::new(), &|of| is_of_call(of, &key));
        check_killed(blocking::run(kill).await?)
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        let task = task.clone();
        blocking::run(move || {
            process_tree::describe(&process_tree::find(&|of| is_of_task(of, &task), None))
        })
        .await
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        let (task, id) = (task.clone(), task.clone());
        let end = move || {
            let found = process_tree::find(&|of| is_ended_with_task(of, &task), None);
            let described = process_tree::describe(&found);
            (described, process_tree::kill(found, &|of| is_ended_with_task(of, &task)))
        };
        let (described, killed) = blocking::run(end).await?;
        self.confinement.end(&id).await?;
        check_killed(killed).map(|()| described)
    }
}

fn check_killed(killed: bool) -> Result<()> {
    match killed {
        true => Ok(()),
        false => Err(Error::Internal("some processes of the command are still running".to_owned())),
    }
}
