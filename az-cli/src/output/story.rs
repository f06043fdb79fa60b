//! Formats the events of a run as lines for a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use az_core::content::describe;
use az_core::engine::{RecordedEvent, RunEvent, RunEventKind};
use az_core::journal::{
    ContextChange, EventBody, ModelOutcome, Purpose, RequestPart, RunTotals, ToolIntent,
    ToolOutcome, ToolResult,
};
use az_core::task::Outcome;
use az_core::text::plural;
use az_core::tool::{Progress, TODO_SET, TodoList, TodoStatus};
use az_core::{CallId, TaskId};
use serde_json::Value;

use super::cache::cache_in_words;
use super::columns::fit;
use super::context::{context_in_words, prefix_change_in_words};
use super::humanize::{duration, printable, printable_line, run_cost, with_counted_spaces};
use super::style::Style;
use super::tables::how_to_answer;
use crate::views::CacheUseView;

/// Formats events as lines.
#[derive(Debug)]
pub(super) struct Story {
    style: Style,
    /// The tool calls that are running.
    tools: BTreeMap<CallId, RunningTool>,
    /// The number of steps, including the current one.
    steps: u32,
    /// The current model call, and the end of its reply so far.
    model: Option<(String, String)>,
    /// The part of its request that changed without a recorded cut, if one did.
    changed: Option<RequestPart>,
    /// Whether the last lines of a running tool are kept.
    shows_output: bool,
    /// The number of steps in the model's list that are done, and of all, if it has a list.
    todo: Option<(usize, usize)>,
    /// The task whose run is told: that of the first event.
    task: Option<TaskId>,
}

/// A running tool call.
#[derive(Debug)]
struct RunningTool {
    call: String,
    /// Its latest progress report, if any.
    progress: String,
    /// The last lines that it printed.
    lines: Vec<String>,
}

impl RunningTool {
    fn in_words(&self) -> String {
        match self.progress.as_str() {
            "" => self.call.clone(),
            // Shown below.
            _ if !self.lines.is_empty() => self.call.clone(),
            // The progress changes and is shown last; a long call must not push it off the line.
            progress => format!("{} · {progress}", fit(&self.call, 40)),
        }
    }
}

impl Story {
    /// Creates a formatter for a run.
    pub(super) const fn new(style: Style) -> Self {
        Self {
            style,
            tools: BTreeMap::new(),
            steps: 0,
            model: None,
            changed: None,
            shows_output: false,
            todo: None,
            task: None,
        }
    }

    /// Sets whether the last lines that a running tool printed are kept, for [`printed`](Self::printed).
    pub(super) const fn showing_output(mut self, shows_output: bool) -> Self {
        self.shows_output = shows_output;
        self
    }

    /// Returns what the run is waiting for, for a spinner.
    pub(super) fn doing(&self) -> Option<String> {
        if let Some(tool) = self.tools.values().next() {
            return Some(tool.in_words());
        }
        let (model, said) = self.model.as_ref()?;
        let said: Vec<_> = said.split_whitespace().collect();
        let todo = self.todo.map_or_else(String::new, |(done, all)| format!("[{done}/{all}] "));
        Some(format!("{todo}{model} {}", said.join(" ")).trim().to_owned())
    }

    /// Returns the last lines that the tool of [`doing`](Self::doing) printed, if it prints lines.
    pub(super) fn printed(&self) -> &[String] {
        self.tools.values().next().map_or(&[], |tool| &tool.lines)
    }

    /// Returns the lines of an event.
    pub(super) fn tell(&mut self, event: &RunEvent) -> Vec<String> {
        if !self.is_of_run(event) {
            return self.tell_child(event);
        }
        let s = self.style;
        match &event.kind {
            RunEventKind::Recorded(recorded) => self.tell_recorded(&event.task, recorded),
            RunEventKind::ReasoningDelta { text } | RunEventKind::TextDelta { text } => {
                self.hear(text);
                vec![]
            }
            RunEventKind::RetryScheduled { message, in_millis, .. } => {
                let message = fit(message, 300);
                let wait = duration(Duration::from_millis(*in_millis));
                vec![format!("  {} {message}; retrying in {wait}", s.yellow("!"))]
            }
            RunEventKind::ToolProgress { call, progress, .. } => {
                if let Some(tool) = self.tools.get_mut(call) {
                    tool.progress = progress_in_words(progress);
                    if self.shows_output {
                        tool.lines.clone_from(&progress.lines);
                    }
                }
                vec![]
            }
            RunEventKind::BudgetAlert(alert) => {
                vec![format!("  {} {}", s.yellow("!"), printable(&alert.to_string()))]
            }
            _ => vec![],
        }
    }

    /// Returns whether an event is of the run that is told, and not of a child task. The run that is told begins first.
    pub(super) fn is_of_run(&mut self, event: &RunEvent) -> bool {
        *self.task.get_or_insert_with(|| event.task.clone()) == event.task
    }

    /// Returns the lines of an event of a child task: only those of its begin, its end, and what a person has to know.
    fn tell_child(&self, event: &RunEvent) -> Vec<String> {
        let s = self.style;
        let id = s.bold(&short(event.task.as_str()));
        let line = match &event.kind {
            RunEventKind::BudgetAlert(alert) => printable(&alert.to_string()),
            RunEventKind::Parked(waiting) => {
                let how = how_to_answer(&short(event.task.as_str()), waiting.kind);
                format!("waits for {}; {how}", printable_line(&waiting.in_words()))
            }
            RunEventKind::Recorded(recorded) => match &recorded.body {
                EventBody::RunStarted { .. } => "started".to_owned(),
                EventBody::ApprovalAsked { tool, arguments, .. } => {
                    format!("approval of {}", call_in_words(tool, arguments, 60))
                }
                EventBody::RunFinished { outcome, totals } => {
                    self.last_line(outcome, totals.as_ref())
                }
                _ => return vec![],
            },
            _ => return vec![],
        };
        vec![format!("  {} child task {id}: {line}", s.cyan("↳"))]
    }

    fn tell_recorded(&mut self, task: &TaskId, event: &RecordedEvent) -> Vec<String> {
        let s = self.style;
        match &event.body {
            EventBody::RunStarted { steps, continues, .. } => {
                self.steps = *steps;
                let id = s.bold(&short(task.as_str()));
                let from = match (event.seq, continues.is_some()) {
                    (0, _) => String::new(),
                    (_, true) => format!(" continues after {}", plural(*steps, "step")),
                    (_, false) => format!(" resumed after {}", plural(*steps, "step")),
                };
                vec![format!("{} task {id}{from}", s.cyan("▶"))]
            }
            EventBody::LlmIntent(intent) => {
                let step = self.steps + 1;
                self.steps += u32::from(intent.purpose == Purpose::Step);
                self.changed = intent.sent.as_ref().and_then(|sent| sent.changed);
                self.model = Some((format!("step {step} · {}", intent.model), String::new()));
                vec![]
            }
            EventBody::LlmResult(result) => self.model_lines(&result.outcome),
            EventBody::ApprovalAsked { tool, arguments, reason, .. } => {
                let call = call_in_words(tool, arguments, 60);
                vec![format!("  {} {call}: {}", s.yellow("?"), s.dim(&printable_line(reason)))]
            }
            EventBody::ToolIntent(ToolIntent { tool, arguments, .. }) => {
                let shown = self.shown_call(tool, arguments);
                let (progress, lines) = (String::new(), Vec::new());
                let running = RunningTool { call: shown, progress, lines };
                self.tools.extend(event.call.clone().map(|call| (call, running)));
                vec![]
            }
            EventBody::ToolResult(result) => {
                let running = event.call.as_ref().and_then(|call| self.tools.remove(call));
                let shown = running.map_or_else(|| printable(&result.tool), |running| running.call);
                vec![self.tool_line(&shown, result)]
            }
            EventBody::Observation { text } | EventBody::Note { text } => {
                vec![self.aside(&printable(text))]
            }
            EventBody::Context(
                change @ (ContextChange::Cut(_) | ContextChange::ToolsAdded { .. }),
            ) => {
                vec![self.aside(&context_in_words(change))]
            }
            EventBody::Hint { text } => {
                vec![format!("  {} {}", s.cyan("»"), printable(text))]
            }
            EventBody::RunFinished { outcome, totals } => {
                self.model = None;
                self.tools.clear();
                vec![self.last_line(outcome, totals.as_ref())]
            }
            EventBody::QuestionAsked { question, .. } => {
                // The whole question follows, or `az task show` shows it.
                vec![format!("  {} {}", s.yellow("?"), fit(question, 200))]
            }
            EventBody::ApprovalGiven { .. }
            | EventBody::Copied { .. }
            | EventBody::QuestionAnswered { .. }
            | EventBody::Context(_)
            | EventBody::Snapshot { .. } => vec![],
        }
    }

    /// Returns a call in words, and notes the list of steps that it sets.
    fn shown_call(&mut self, tool: &str, arguments: &Value) -> String {
        let Some(list) = TodoList::of_call(tool, arguments) else {
            return call_in_words(tool, arguments, 60);
        };
        let progress = (list.count(TodoStatus::Completed), list.items.len());
        self.todo = (progress.1 > 0).then_some(progress);
        // The result is the progress.
        TODO_SET.to_owned()
    }

    fn model_lines(&mut self, outcome: &ModelOutcome) -> Vec<String> {
        self.model = None;
        match outcome {
            ModelOutcome::Replied { reply } => {
                let changed = self.changed.take().map(prefix_change_in_words);
                let mut lines: Vec<_> = changed.map(|text| self.aside(&text)).into_iter().collect();
                // A reply without calls is the answer, which is printed to standard output.
                if !reply.calls.is_empty() {
                    lines.extend(self.thought(&reply.text));
                }
                lines
            }
            // A failed attempt is not a step; a failure without a retry is shown at the end.
            ModelOutcome::Failed { .. } | ModelOutcome::Interrupted => {
                self.steps = self.steps.saturating_sub(1);
                vec![]
            }
        }
    }

    fn aside(&self, text: &str) -> String {
        format!("  {} {text}", self.style.dim("·"))
    }

    fn hear(&mut self, text: &str) {
        let Some((_, said)) = &mut self.model else { return };
        said.push_str(&printable(text));
        // Only the end is shown.
        if let Some((at, _)) = said.char_indices().rev().nth(60) {
            said.drain(..at);
        }
    }

    fn thought(&self, text: &str) -> Vec<String> {
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        lines.map(|line| format!("  {}", self.style.dim(&printable(line)))).collect()
    }

    fn tool_line(&self, shown: &str, result: &ToolResult) -> String {
        let s = self.style;
        let mark = match result.outcome {
            ToolOutcome::Done => s.green("✓"),
            ToolOutcome::Failed => s.red("✗"),
            ToolOutcome::Refused => s.yellow("⊘"),
            ToolOutcome::Unknown => s.yellow("?"),
        };
        let took = s.dim(&duration(Duration::from_millis(result.millis)));
        let text = s.dim(&fit(&describe(&result.content), 60));
        format!("  {mark} {shown} {took} {text}").trim_end().to_owned()
    }

    fn last_line(&self, outcome: &Outcome, totals: Option<&RunTotals>) -> String {
        let s = self.style;
        let how = match outcome {
            Outcome::Completed { .. } => s.green("✔ completed"),
            Outcome::Failed { .. } => s.red("✘ failed"),
            Outcome::Cancelled { .. } => s.yellow("■ cancelled"),
        };
        let Some(totals) = totals else { return how };
        let took = duration(Duration::from_millis(totals.millis));
        let cost = run_cost(totals);
        let steps = plural(totals.steps, "step");
        let tokens = plural(totals.tokens, "token");
        let cache = totals.cache.and_then(CacheUseView::of_all);
        let cache = cache.as_ref().and_then(cache_in_words);
        let cache = cache.map_or_else(String::new, |cache| format!(" · {cache}"));
        format!("{how} in {took} · {steps} · {tokens} · {cost}{cache}")
    }
}

/// Returns the short form of an id: its end, which differs between ids that were created together.
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
    fit(&format!("{count}{}", progress.message), 120)
}

/// Returns a call as `filesystem.read path="notes.txt"`. All of it was written by a model, so what would
/// move the cursor is escaped, and many spaces are counted.
pub fn call_in_words(tool: &str, arguments: &Value, width: usize) -> String {
    let words = match arguments {
        Value::Object(fields) => {
            let words = fields.iter().map(|(name, value)| {
                let value = with_counted_spaces(&value.to_string());
                format!("{}={}", printable_line(name), fit(&value, width))
            });
            words.collect::<Vec<_>>().join(" ")
        }
        other => fit(&with_counted_spaces(&other.to_string()), width),
    };
    format!("{} {words}", printable_line(tool)).trim_end().to_owned()
}
