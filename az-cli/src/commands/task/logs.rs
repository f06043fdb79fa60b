//! `az task logs`.

use std::process::ExitCode;
use std::time::Duration;

use az_core::clock::SystemClock;
use az_core::content::describe;
use az_core::cost::Charge;
use az_core::journal::{Event, EventBody, ModelOutcome, ModelResult, Purpose, ToolOutcome};
use az_core::task::Outcome;
use az_core::text::{Excerpt, one_line};
use az_core::{Clock, Timestamp};
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, Style, Table, call_in_words, duration, printable};
use crate::services::Services;

/// How many events are read at a time.
const PAGE: usize = 500;

const EXAMPLES: &str = "\
Examples:
  az task logs 4f2a9c81d0e7
  az task logs 4f2a9c81d0e7 --full
  az task logs 4f2a9c81d0e7 --format json | jq 'select(.type == \"llm_result\")'

With --format json every event of the record is one line, as it is kept.";

/// Show what happened in a task, step by step
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LogsArgs {
    /// The task: its id, or a beginning or end of it that no other has
    id: String,
    /// Show texts in full
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the record.
///
/// # Errors
///
/// `UnknownTask`, or the store's.
pub(super) async fn run(args: &LogsArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services
        .store_to_read()
        .await?
        .ok_or_else(|| CliError::UnknownTask { id: args.id.clone(), near: Vec::new() })?;
    let task = find(&*store, &args.id).await?;
    let printer = services.printer();
    let format = args.format.choose(printer);
    let teller = Teller { style: printer.out_style(), full: args.full, began: task.created_at };
    let mut from = 0;
    loop {
        let events = store.read(&task.id, from, PAGE).await?;
        match format {
            Format::Json => {
                for event in &events {
                    let line = serde_json::to_string(event).map_err(|error| CliError::Io {
                        what: "writing JSON".to_owned(),
                        source: error.into(),
                    })?;
                    printer.line(&line)?;
                }
            }
            Format::Csv => Table::new(&[]).print(&rows(&events), Format::Csv, printer)?,
            Format::Table => {
                for event in &events {
                    printer.out(&teller.tell(event))?;
                }
            }
        }
        match events.last() {
            Some(last) if events.len() == PAGE => from = last.seq + 1,
            _ => break,
        }
    }
    if from == 0 && store.read(&task.id, 0, 1).await?.is_empty() {
        let since = SystemClock.now().duration_since(task.created_at);
        let since = duration(Duration::try_from(since).unwrap_or_default());
        printer.say(&format!("nothing has happened yet: {} since {since}", task.status));
    }
    Ok(ExitCode::SUCCESS)
}

/// An event in flat fields.
#[derive(Debug, serde::Serialize)]
struct Row<'a> {
    seq: u64,
    at: String,
    r#type: &'static str,
    call: Option<&'a str>,
    text: String,
}

fn rows(events: &[Event]) -> Vec<Row<'_>> {
    let plain = Teller { style: Style::plain(), full: false, began: Timestamp::UNIX_EPOCH };
    let rows = events.iter().map(|event| Row {
        seq: event.seq,
        at: event.at.to_string(),
        r#type: event.event.body.name(),
        call: event.event.call.as_ref().map(az_core::CallId::as_str),
        text: plain.words(event).join(" | "),
    });
    rows.collect()
}

struct Teller {
    style: Style,
    full: bool,
    began: Timestamp,
}

impl Teller {
    fn tell(&self, event: &Event) -> String {
        let at = Duration::try_from(event.at.duration_since(self.began)).unwrap_or_default();
        let head = self.style.dim(&format!("{:>4} {:>9}", event.seq, duration(at)));
        let mut text = String::new();
        for (i, line) in self.words(event).iter().enumerate() {
            let lead = if i == 0 { head.clone() } else { " ".repeat(14) };
            text.push_str(&format!("{lead}  {line}\n"));
        }
        text
    }

    fn words(&self, event: &Event) -> Vec<String> {
        let s = self.style;
        match &event.event.body {
            EventBody::RunStarted { owner, .. } => {
                vec![format!("{} {}", s.bold("taken up by"), owner)]
            }
            EventBody::LlmIntent(intent) => {
                let what = match intent.purpose {
                    Purpose::Step => "asks",
                    Purpose::Summary { .. } => "asks for a summary from",
                };
                let hold = match intent.hold {
                    Some(hold) => format!("holding {hold}"),
                    None => "price unknown".to_owned(),
                };
                vec![format!("{what} {} {}", s.cyan(&intent.model), s.dim(&hold))]
            }
            EventBody::LlmResult(result) => self.model_result(result),
            EventBody::ToolIntent(intent) => {
                let width = if self.full { usize::MAX } else { 100 };
                vec![format!(
                    "calls {}",
                    s.cyan(&call_in_words(&intent.tool, &intent.arguments, width))
                )]
            }
            EventBody::ApprovalAsked { tool, reason, .. } => {
                vec![format!("asks whether {tool} may run: {reason}")]
            }
            EventBody::ApprovalGiven { granted, by, .. } => {
                vec![format!("{} by {by}", if *granted { "allowed" } else { "not allowed" })]
            }
            EventBody::ToolResult(result) => {
                let (word, took) = (outcome(result.outcome), Duration::from_millis(result.millis));
                let mut lines = vec![format!("{} {word} {}", result.tool, s.dim(&duration(took)))];
                lines.extend(self.body(&describe(&result.content)));
                lines
            }
            EventBody::Note { text } => vec![printable(text)],
            EventBody::Snapshot { .. } => vec![s.dim("saved where it stands")],
            EventBody::RunFinished { outcome, .. } => self.ending(outcome),
        }
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
                let wants = match calls.as_slice() {
                    [] => "replies".to_owned(),
                    calls => format!("wants {}", calls.join(", ")),
                };
                let mut lines = vec![format!("{wants}{} {took}", self.style.dim(&paid))];
                lines.extend(self.body(&reply.text));
                lines
            }
            ModelOutcome::Failed { message, .. } => {
                vec![format!("{} {} {took}", self.style.red("failed:"), printable(message))]
            }
            ModelOutcome::Interrupted => {
                vec![format!("{} nobody knows how far it came", self.style.yellow("interrupted:"))]
            }
        }
    }

    fn ending(&self, outcome: &Outcome) -> Vec<String> {
        let s = self.style;
        match outcome {
            Outcome::Completed { answer } => {
                let mut lines = vec![s.green("completed")];
                lines.extend(self.body(answer));
                lines
            }
            Outcome::Failed { failure } => vec![format!("{} {failure}", s.red("failed:"))],
            Outcome::Cancelled { failure } => vec![format!("{} {failure}", s.yellow("ended:"))],
        }
    }

    fn body(&self, text: &str) -> Vec<String> {
        let shown = if self.full { text.to_owned() } else { Excerpt::of(text, 600).render() };
        let line = |line: &str| {
            let line = if self.full { line.to_owned() } else { one_line(line, 160) };
            self.style.dim(&printable(&line))
        };
        shown.lines().map(line).collect()
    }
}

const fn outcome(outcome: ToolOutcome) -> &'static str {
    match outcome {
        ToolOutcome::Done => "returns",
        ToolOutcome::Failed => "failed",
        ToolOutcome::Refused => "refused",
        ToolOutcome::Unknown => "was interrupted",
    }
}
