//! The result of a command as text and as data.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use az_core::CallId;
use az_core::text::plural;
use az_core::tool::{BackgroundProcess, ToolOutput};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::background::{Background, BackgroundOutput};
use super::capture::{CapturedOutput, OutputKind};
use super::{input_request, refusal};
use crate::registry::OUTCOME_UNKNOWN;
use crate::sandbox::{CommandExit, SandboxOptions, SandboxTier};

/// What is reported of a command that was not run.
const NOT_RUN: &str = "[the sandbox could not be set up, and the command was not run]";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandEnd {
    /// It exited by itself.
    Exited(ExitStatus),
    /// It was not run, because its sandbox could not be set up.
    NotRun,
    /// It was killed because it took longer than this.
    TimedOut(Duration),
    /// It was killed because its call was cancelled.
    Cancelled,
}

impl From<CommandExit> for CommandEnd {
    fn from(exit: CommandExit) -> Self {
        match exit {
            CommandExit::Exited(status) => Self::Exited(status),
            CommandExit::NotRun => Self::NotRun,
        }
    }
}

/// The result of a command.
#[derive(Debug)]
pub(super) struct CommandReport {
    pub(super) end: CommandEnd,
    pub(super) stdout: CapturedOutput,
    pub(super) stderr: CapturedOutput,
    pub(super) duration: Duration,
    /// What is left running in the background.
    pub(super) background: Option<Background>,
    pub(super) call: CallId,
    /// The sandbox that it ran in, and what it was allowed to do.
    pub(super) confined: (SandboxTier, SandboxOptions),
}

/// The data of the result of a command.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CommandData {
    /// Its exit code; `null` if it was killed.
    exit_code: Option<i32>,
    /// The signal that killed it.
    signal: Option<i32>,
    /// What it wrote to standard output, without what was cut.
    stdout: String,
    /// How much it wrote to standard output.
    stdout_bytes: u64,
    /// What it wrote to standard error, without what was cut.
    stderr: String,
    /// How much it wrote to standard error.
    stderr_bytes: u64,
    /// Whether it was killed because it took too long.
    timed_out: bool,
    /// Whether it was killed because the call was cancelled.
    cancelled: bool,
    /// How long it ran.
    duration_ms: u64,
    /// What it left running: the processes with their ids and command lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Value>>")]
    background: Option<Vec<BackgroundProcess>>,
}

impl From<CommandReport> for ToolOutput {
    fn from(report: CommandReport) -> Self {
        let text = report.text();
        let CommandReport { end, stdout, stderr, duration, background, .. } = report;
        let (code, signal) = match end {
            CommandEnd::Exited(status) => (status.code(), status.signal()),
            CommandEnd::NotRun | CommandEnd::TimedOut(_) | CommandEnd::Cancelled => (None, None),
        };
        let data = CommandData {
            exit_code: code,
            signal,
            stdout: stdout.text,
            stdout_bytes: stdout.total,
            stderr: stderr.text,
            stderr_bytes: stderr.total,
            timed_out: matches!(end, CommandEnd::TimedOut(_)),
            cancelled: end == CommandEnd::Cancelled,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            background: background.map(|Background { processes, .. }| processes),
        };
        let data = json!(data);
        // A killed command may have done a part of its work.
        let is_cut_short = code.is_none() && end != CommandEnd::NotRun;
        Self::done(text).with_ok(code == Some(0)).with_unknown(is_cut_short).with_data(data)
    }
}

impl CommandReport {
    fn text(&self) -> String {
        let mut parts = Vec::new();
        for (name, output) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let text = output.text.trim_end_matches('\n');
            if text.is_empty() {
                continue;
            }
            if name == "stderr" {
                parts.push("[stderr]".to_owned());
            }
            parts.push(text.to_owned());
            if output.drawn_over > 0 {
                let bytes = plural(output.drawn_over, "byte");
                parts.push(format!("[{bytes} of {name} were drawn over and are left out]"));
            }
            if output.kind == OutputKind::InvalidUtf8 {
                parts.push(format!(
                    "[{name} is not valid UTF-8; invalid bytes are shown as \u{fffd}]"
                ));
            }
        }
        parts.extend(self.background.as_ref().map(|background| in_words(background, &self.call)));
        parts.extend(self.ending());
        parts.extend(self.input_request());
        parts.extend(self.refusal());
        if parts.is_empty() {
            parts.push("[no output]".to_owned());
        }
        parts.join("\n")
    }

    /// Returns a note if the command failed because it asked for input.
    fn input_request(&self) -> Option<String> {
        let failed = !matches!(self.end, CommandEnd::Exited(status) if status.success());
        let asked = || [&self.stderr, &self.stdout].iter().any(|it| input_request::is_in(&it.text));
        (failed && asked()).then(|| input_request::NOTE.to_owned())
    }

    /// Returns a note if the command failed and the sandbox may be the reason.
    fn refusal(&self) -> Option<String> {
        let (tier, options) = &self.confined;
        let failed = matches!(self.end, CommandEnd::Exited(status) if !status.success());
        failed.then(|| refusal::note(*tier, options, &self.stderr.text))?
    }

    fn ending(&self) -> Option<String> {
        match self.end {
            CommandEnd::Exited(status) => match (status.code(), status.signal()) {
                (Some(0), _) => None,
                (Some(code), _) => Some(format!("[exit code {code}]")),
                (None, Some(signal)) => {
                    Some(format!("[killed by signal {signal}; {OUTCOME_UNKNOWN}]"))
                }
                (None, None) => Some("[unknown exit status]".to_owned()),
            },
            CommandEnd::NotRun => Some(NOT_RUN.to_owned()),
            CommandEnd::TimedOut(limit) => {
                let limit = limit.as_secs_f64();
                Some(format!("[killed: timed out after {limit} s; {OUTCOME_UNKNOWN}]"))
            }
            CommandEnd::Cancelled => Some(format!("[killed: cancelled; {OUTCOME_UNKNOWN}]")),
        }
    }
}

/// Tells the model what is running, for how long, and how to read what it prints.
fn in_words(background: &Background, call: &CallId) -> String {
    let processes = background.processes.iter();
    let named: Vec<_> =
        processes.map(|process| format!("{} `{}`", process.pid, process.command)).collect();
    let running = match named.as_slice() {
        [] => "a process".to_owned(),
        named => named.join(", "),
    };
    let output = match &background.output {
        BackgroundOutput::Redirected => String::new(),
        BackgroundOutput::Kept => {
            format!("; output.read with the call {:?} returns what it prints", call.as_str())
        }
        BackgroundOutput::Discarded { reason: None } => "; what it prints is discarded".to_owned(),
        BackgroundOutput::Discarded { reason: Some(reason) } => {
            format!("; what it prints is discarded, because it cannot be kept: {reason}")
        }
    };
    format!("[still running in the background, at most until the task ends: {running}{output}]")
}
