//! A run in lines: what it thinks, which tool, how long, what it cost.

use std::collections::BTreeMap;
use std::time::Duration;

use az_core::CallId;
use az_core::engine::{RunEvent, RunEventKind};
use az_core::journal::ToolOutcome;
use az_core::task::Outcome;
use az_core::text::one_line;
use az_core::tool::Progress;
use serde_json::Value;

use super::humanize::{duration, plural, printable, task_cost};
use super::style::Style;

/// Turns events into lines for a person.
#[derive(Debug)]
pub(super) struct Story {
    style: Style,
    /// The tool calls that are running.
    tools: BTreeMap<CallId, RunningTool>,
    /// The model call under way, and the end of what it has said so far.
    model: Option<(String, String)>,
}

/// A tool call that is running, as it is shown.
#[derive(Debug)]
struct RunningTool {
    call: String,
    /// What it reported last; empty until then.
    progress: String,
}

impl RunningTool {
    fn in_words(&self) -> String {
        match self.progress.as_str() {
            "" => self.call.clone(),
            // The progress changes and is shown last; a long call must not push it off the line.
            progress => format!("{} · {progress}", one_line(&self.call, 40)),
        }
    }
}

impl Story {
    /// Returns a story that has not begun.
    pub(super) const fn new(style: Style) -> Self {
        Self { style, tools: BTreeMap::new(), model: None }
    }

    /// Returns what is being waited for, for a spinner.
    pub(super) fn doing(&self) -> Option<String> {
        if let Some(tool) = self.tools.values().next() {
            return Some(tool.in_words());
        }
        let (model, said) = self.model.as_ref()?;
        let said: Vec<_> = said.split_whitespace().collect();
        Some(format!("{model} {}", said.join(" ")).trim().to_owned())
    }

    /// Takes an event in; returns the lines that it adds.
    pub(super) fn tell(&mut self, event: &RunEvent) -> Vec<String> {
        let s = self.style;
        match &event.kind {
            RunEventKind::RunStarted { resumed, steps, .. } => {
                let id = s.bold(&short(event.task.as_str()));
                let from = if *resumed {
                    format!(" resumed after {}", plural(u64::from(*steps), "step"))
                } else {
                    String::new()
                };
                vec![format!("{} task {id}{from}", s.cyan("▶"))]
            }
            RunEventKind::ModelStarted { step, model, .. } => {
                self.model = Some((format!("step {step} · {model}"), String::new()));
                vec![]
            }
            RunEventKind::ReasoningDelta { text } | RunEventKind::TextDelta { text } => {
                self.hear(text);
                vec![]
            }
            RunEventKind::ModelFinished { text, calls, .. } => {
                self.model = None;
                // Without calls it is the answer, which goes to standard output.
                if calls.is_empty() { vec![] } else { self.thought(text) }
            }
            RunEventKind::ModelFailed { message, retry_in_millis, .. } => {
                self.model = None;
                // A failure that is not tried again is the task's, and told at its end.
                let Some(millis) = retry_in_millis else { return vec![] };
                let message = printable(&one_line(message, 300));
                let wait = duration(Duration::from_millis(*millis));
                vec![format!("  {} {message}; trying again in {wait}", s.yellow("!"))]
            }
            RunEventKind::ApprovalAsked { tool, arguments, reason, .. } => {
                let call = call_in_words(tool, arguments, 60);
                vec![format!("  {} {call}: {}", s.yellow("?"), s.dim(reason))]
            }
            RunEventKind::ToolStarted { call, tool, arguments } => {
                let shown = call_in_words(tool, arguments, 60);
                let running = RunningTool { call: shown, progress: String::new() };
                self.tools.insert(call.clone(), running);
                vec![]
            }
            RunEventKind::ToolProgress { call, progress, .. } => {
                if let Some(tool) = self.tools.get_mut(call) {
                    tool.progress = progress_in_words(progress);
                }
                vec![]
            }
            RunEventKind::ToolFinished { call, tool, outcome, text, millis } => {
                let shown = self.tools.remove(call).map_or_else(|| tool.clone(), |t| t.call);
                vec![self.tool_line(&shown, *outcome, text, *millis)]
            }
            RunEventKind::Note { text } => vec![format!("  {} {}", s.dim("·"), printable(text))],
            RunEventKind::BudgetAlert(alert) => vec![format!("  {} {alert}", s.yellow("!"))],
            RunEventKind::RunFinished { .. } => self.last_line(&event.kind).into_iter().collect(),
            _ => vec![],
        }
    }

    fn hear(&mut self, text: &str) {
        let Some((_, said)) = &mut self.model else { return };
        said.push_str(&printable(text));
        // Only the end is ever shown.
        if let Some((at, _)) = said.char_indices().rev().nth(60) {
            said.drain(..at);
        }
    }

    fn thought(&self, text: &str) -> Vec<String> {
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        lines.map(|line| format!("  {}", self.style.dim(&printable(line)))).collect()
    }

    fn tool_line(&self, shown: &str, outcome: ToolOutcome, text: &str, millis: u64) -> String {
        let s = self.style;
        let mark = match outcome {
            ToolOutcome::Done => s.green("✓"),
            ToolOutcome::Failed => s.red("✗"),
            ToolOutcome::Refused => s.yellow("⊘"),
            ToolOutcome::Unknown => s.yellow("?"),
        };
        let took = s.dim(&duration(Duration::from_millis(millis)));
        let text = s.dim(&printable(&one_line(text, 60)));
        format!("  {mark} {shown} {took} {text}").trim_end().to_owned()
    }

    fn last_line(&mut self, kind: &RunEventKind) -> Option<String> {
        let RunEventKind::RunFinished { outcome, cost, unpriced, tokens, steps, millis } = kind
        else {
            return None;
        };
        self.model = None;
        self.tools.clear();
        let s = self.style;
        let how = match outcome {
            Outcome::Completed { .. } => s.green("✔ completed"),
            Outcome::Failed { .. } => s.red("✘ failed"),
            Outcome::Cancelled { .. } => s.yellow("■ cancelled"),
        };
        let took = duration(Duration::from_millis(*millis));
        let cost = task_cost(*cost, *unpriced);
        let (steps, tokens) = (plural(u64::from(*steps), "step"), plural(*tokens, "token"));
        Some(format!("{how} in {took} · {steps} · {tokens} · {cost}"))
    }
}

/// Returns the part of an id that people go by: its end, where ids made one after another differ.
pub fn short(id: &str) -> String {
    let from = id.len().saturating_sub(12);
    id.get(from..).unwrap_or(id).trim_start_matches('-').to_owned()
}

/// Returns a report of progress as `12/40 copying files`.
fn progress_in_words(progress: &Progress) -> String {
    let count = match (progress.done, progress.total) {
        (Some(done), Some(total)) => format!("{done}/{total} "),
        (Some(done), None) => format!("{done} "),
        (None, _) => String::new(),
    };
    printable(&one_line(&format!("{count}{}", progress.message), 120))
}

/// Returns a call as `filesystem.read path="notes.txt"`.
pub fn call_in_words(tool: &str, arguments: &Value, width: usize) -> String {
    let words = match arguments {
        Value::Object(fields) => {
            let words = fields.iter().map(|(name, value)| {
                format!("{name}={}", printable(&one_line(&value.to_string(), width)))
            });
            words.collect::<Vec<_>>().join(" ")
        }
        other => printable(&one_line(&other.to_string(), width)),
    };
    format!("{tool} {words}").trim_end().to_owned()
}
