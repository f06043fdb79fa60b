//! The result of a command as text and as data.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use az_core::tool::ToolOutput;
use serde_json::json;

use super::capture::{CapturedOutput, OutputKind};
use crate::registry::OUTCOME_UNKNOWN;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandEnd {
    /// It exited by itself.
    Exited(ExitStatus),
    /// It was killed because it took longer than this.
    TimedOut(Duration),
    /// It was killed because its call was cancelled.
    Cancelled,
}

/// The result of a command.
#[derive(Debug)]
pub(super) struct CommandReport {
    pub(super) end: CommandEnd,
    pub(super) stdout: CapturedOutput,
    pub(super) stderr: CapturedOutput,
    pub(super) duration: Duration,
    /// Whether a background process still has its output open; it is left running.
    pub(super) has_background: bool,
}

impl From<CommandReport> for ToolOutput {
    fn from(report: CommandReport) -> Self {
        let text = report.text();
        let CommandReport { end, stdout, stderr, duration, .. } = report;
        let (code, signal) = match end {
            CommandEnd::Exited(status) => (status.code(), status.signal()),
            CommandEnd::TimedOut(_) | CommandEnd::Cancelled => (None, None),
        };
        let data = json!({
            "exit_code": code,
            "signal": signal,
            "stdout": stdout.text,
            "stdout_bytes": stdout.total,
            "stderr": stderr.text,
            "stderr_bytes": stderr.total,
            "timed_out": matches!(end, CommandEnd::TimedOut(_)),
            "cancelled": end == CommandEnd::Cancelled,
            "duration_ms": u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        // A killed command may have done a part of its work.
        let is_cut_short = code.is_none();
        Self::done(text).with_ok(code == Some(0)).with_unknown(is_cut_short).with_data(data)
    }
}

impl CommandReport {
    fn text(&self) -> String {
        let mut parts = Vec::new();
        for (name, output) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if output.total == 0 {
                continue;
            }
            if name == "stderr" {
                parts.push("[stderr]".to_owned());
            }
            parts.push(output.text.trim_end_matches('\n').to_owned());
            if output.kind == OutputKind::InvalidUtf8 {
                parts.push(format!(
                    "[{name} is not valid UTF-8; invalid bytes are shown as \u{fffd}]"
                ));
            }
        }
        if self.has_background {
            parts.push("[a background process is still running]".to_owned());
        }
        parts.extend(self.ending());
        if parts.is_empty() {
            parts.push("[no output]".to_owned());
        }
        parts.join("\n")
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
            CommandEnd::TimedOut(limit) => {
                let limit = limit.as_secs_f64();
                Some(format!("[killed: timed out after {limit} s; {OUTCOME_UNKNOWN}]"))
            }
            CommandEnd::Cancelled => Some(format!("[killed: cancelled; {OUTCOME_UNKNOWN}]")),
        }
    }
}
