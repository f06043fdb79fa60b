//! Events of a journal as text.

use std::time::Duration;

use az_core::Timestamp;
use az_core::content::describe;
use az_core::cost::Charge;
use az_core::journal::{
    Event, EventBody, ModelIntent, ModelOutcome, ModelResult, Purpose, ToolOutcome, ToolResult,
};
use az_core::task::Outcome;
use az_core::text::Excerpt;

use crate::output::{Style, call_in_words, context_in_words, duration, fit, printable};
use crate::views::LogLineView;

/// Formats events of one task.
#[derive(Debug, Clone, Copy)]
pub struct EventText {
    style: Style,
    full: bool,
    created: Timestamp,
}

impl EventText {
    /// Creates a formatter for the task created at this time; `full` keeps texts whole.
    pub const fn new(style: Style, full: bool, created: Timestamp) -> Self {
        Self { style, full, created }
    }

    /// Returns an event as lines for a terminal: its number, the time since the task was created, and
    /// what happened.
    pub fn in_words(&self, event: &Event) -> String {
        let at = Duration::try_from(event.at.duration_since(self.created)).unwrap_or_default();
        let head = self.style.dim(&format!("{:>4} {:>9}", event.seq, duration(at)));
        let mut text = String::new();
        for (i, line) in self.lines(event).iter().enumerate() {
            let lead = if i == 0 { head.clone() } else { " ".repeat(14) };
            text.push_str(&format!("{lead}  {line}\n"));
        }
        text
    }

    /// Returns an event as one line for CSV.
    pub fn line(event: &Event) -> LogLineView {
        let plain = Self::new(Style::plain(), false, Timestamp::UNIX_EPOCH);
        LogLineView::new(event, plain.lines(event).join(" | "))
    }

    fn lines(&self, event: &Event) -> Vec<String> {
        let s = self.style;
        match &event.event.body {
            EventBody::RunStarted { owner, .. } => {
                vec![format!("{} {owner}", s.bold("claimed by"))]
            }
            EventBody::LlmIntent(intent) => vec![self.model_intent(intent)],
            EventBody::LlmResult(result) => self.model_result(result),
            EventBody::ToolIntent(intent) => {
                let width = if self.full { usize::MAX } else { 100 };
                let call = call_in_words(&intent.tool, &intent.arguments, width);
                vec![format!("calls {}", s.cyan(&call))]
            }
            EventBody::ApprovalAsked { tool, reason, .. } => {
                vec![format!("{} needs approval: {}", printable(tool), printable(reason))]
            }
            EventBody::ApprovalGiven { granted, by, reason, .. } => {
                let what = if *granted { "approved" } else { "denied" };
                vec![format!("{what} by {}{}", printable(by), because(reason.as_deref()))]
            }
            EventBody::QuestionAsked { tool, question, .. } => {
                vec![format!("{} asks: {}", printable(tool), printable(question))]
            }
            EventBody::QuestionAnswered { by, text: Some(text), .. } => {
                vec![format!("answered by {}: {}", printable(by), printable(text))]
            }
            EventBody::QuestionAnswered { by, reason, .. } => {
                vec![format!("not answered by {}{}", printable(by), because(reason.as_deref()))]
            }
            EventBody::ToolResult(result) => self.tool_result(result),
            EventBody::Observation { text } => self.body(text),
            EventBody::Hint { text } => {
                let mut lines = vec![s.bold("hint")];
                lines.extend(self.body(text));
                lines
            }
            EventBody::Context(change) => vec![s.dim(&context_in_words(change))],
            EventBody::Copied { written_at, event: copied } => {
                let copied = Event { at: *written_at, event: (**copied).clone(), ..event.clone() };
                let lines = self.lines(&copied).into_iter();
                lines.map(|line| format!("{} {line}", s.dim("copied:"))).collect()
            }
            EventBody::Note { text } => vec![printable(text)],
            EventBody::Snapshot { .. } => vec![s.dim("snapshot stored")],
            EventBody::RunFinished { outcome, .. } => self.outcome(outcome),
        }
    }

    fn model_intent(&self, intent: &ModelIntent) -> String {
        let hold = match intent.hold {
            Some(hold) => format!("holding {hold}"),
            None => "price unknown".to_owned(),
        };
        let purpose = match intent.purpose {
            Purpose::Step => "",
            Purpose::Summary { .. } => " for a summary",
        };
        let s = self.style;
        format!("calls {}{purpose} {}", s.cyan(&printable(&intent.model)), s.dim(&hold))
    }

    fn model_result(&self, result: &ModelResult) -> Vec<String> {
        let took = self.style.dim(&duration(Duration::from_millis(result.millis)));
        let paid = result.charge().map_or(String::new(), |Charge { usage, cost, .. }| {
            let cost = cost.map_or("cost unknown".to_owned(), |cost| cost.to_string());
            format!(" {} in, {} out, {cost}", usage.total_input(), usage.output)
        });
        match &result.outcome {
            ModelOutcome::Replied { reply } => {
                let calls: Vec<_> = reply.calls.iter().map(|call| call.name.as_str()).collect();
                let what = match calls.as_slice() {
                    [] => "replies".to_owned(),
                    calls => format!("requests {}", printable(&calls.join(", "))),
                };
                let mut lines = vec![format!("{what}{} {took}", self.style.dim(&paid))];
                lines.extend(self.body(&reply.text));
                lines
            }
            ModelOutcome::Failed { message, .. } => {
                vec![format!("{} {} {took}", self.style.red("failed:"), printable(message))]
            }
            ModelOutcome::Interrupted => {
                vec![format!("{} outcome unknown", self.style.yellow("interrupted:"))]
            }
        }
    }

    fn tool_result(&self, result: &ToolResult) -> Vec<String> {
        let what = match result.outcome {
            ToolOutcome::Done => "returns",
            ToolOutcome::Failed => "failed",
            ToolOutcome::Refused => "was refused",
            ToolOutcome::Unknown => "was interrupted",
        };
        let took = self.style.dim(&duration(Duration::from_millis(result.millis)));
        let mut lines = vec![format!("{} {what} {took}", printable(&result.tool))];
        lines.extend(self.body(&describe(&result.content)));
        lines
    }

    fn outcome(&self, outcome: &Outcome) -> Vec<String> {
        let s = self.style;
        match outcome {
            Outcome::Completed { answer } => {
                let mut lines = vec![s.green("completed")];
                lines.extend(self.body(answer));
                lines
            }
            Outcome::Failed { failure } => {
                vec![format!("{} {}", s.red("failed:"), printable(&failure.to_string()))]
            }
            Outcome::Cancelled { failure } => {
                vec![format!("{} {}", s.yellow("cancelled:"), printable(&failure.to_string()))]
            }
        }
    }

    fn body(&self, text: &str) -> Vec<String> {
        let shown = if self.full { text.to_owned() } else { Excerpt::of(text, 600).render() };
        let line = |line: &str| {
            let line = if self.full { printable(line) } else { fit(line, 160) };
            self.style.dim(&line)
        };
        shown.lines().map(line).collect()
    }
}

/// Returns the part of a line about a reason, if there is one.
fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {}", printable(reason))).unwrap_or_default()
}
