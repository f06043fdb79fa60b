//! What a command did, in words and as data.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use az_core::tool::ToolOutput;
use serde_json::json;

use super::capture::{Captured, Form};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It was ended: it took longer than this.
    TimedOut(Duration),
    /// It was ended: nobody waits for it any more.
    Cancelled,
}

/// What a command did.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) end: End,
    pub(super) stdout: Captured,
    pub(super) stderr: Captured,
    pub(super) duration: Duration,
    /// Something that it started still holds its output, and was left running.
    pub(super) lingers: bool,
}

impl From<Report> for ToolOutput {
    fn from(report: Report) -> Self {
        let text = report.text();
        let Report { end, stdout, stderr, duration, .. } = report;
        let (code, signal) = match end {
            End::Exited(status) => (status.code(), status.signal()),
            End::TimedOut(_) | End::Cancelled => (None, None),
        };
        let data = json!({
            "exit_code": code,
            "signal": signal,
            "stdout": stdout.text,
            "stdout_bytes": stdout.total,
            "stderr": stderr.text,
            "stderr_bytes": stderr.total,
            "timed_out": matches!(end, End::TimedOut(_)),
            "cancelled": end == End::Cancelled,
            "duration_ms": u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        Self::done(text).with_ok(code == Some(0)).with_data(data)
    }
}

impl Report {
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
            if output.form == Form::Broken {
                parts.push(format!("[{name} is not UTF-8; what is not text shows as \u{fffd}]"));
            }
        }
        if self.lingers {
            parts.push("[something it started still runs in the background]".to_owned());
        }
        parts.extend(self.ending());
        if parts.is_empty() {
            parts.push("[no output]".to_owned());
        }
        parts.join("\n")
    }

    fn ending(&self) -> Option<String> {
        match self.end {
            End::Exited(status) => match (status.code(), status.signal()) {
                (Some(0), _) => None,
                (Some(code), _) => Some(format!("[exit code {code}]")),
                (None, Some(signal)) => Some(format!("[ended by signal {signal}]")),
                (None, None) => Some("[ended in an unknown way]".to_owned()),
            },
            End::TimedOut(limit) => {
                Some(format!("[timed out after {} s, and was ended]", limit.as_secs_f64()))
            }
            End::Cancelled => Some("[cancelled, and was ended]".to_owned()),
        }
    }
}
