//! Records what runs do.

use std::sync::Arc;
use std::time::Duration;

use az_core::TaskId;
use az_core::engine::{EventSink, RunEvent, RunEventKind};
use az_core::journal::{EventBody, ModelOutcome, ModelResult, ToolOutcome, ToolResult};
use az_core::task::Outcome;
use az_core::text::one_line;

use crate::output::{context_in_words, duration, run_cost};

/// The longest part of a text from outside in a record, in characters.
const LONGEST: usize = 400;

/// Emits the events of runs to `tracing`, and passes them on to another sink.
///
/// The journal has them in full. The log has what happened when, in a line: the ends of runs, what failed,
/// and with the level `debug` each call.
#[derive(Debug)]
pub struct LogSink(Arc<dyn EventSink>);

impl LogSink {
    /// Creates a sink in front of another one.
    pub const fn new(sink: Arc<dyn EventSink>) -> Self {
        Self(sink)
    }
}

impl EventSink for LogSink {
    fn emit(&self, event: &RunEvent) {
        if let RunEventKind::Recorded(recorded) = &event.kind {
            record(&event.task, &recorded.body);
        }
        self.0.emit(event);
    }
}

/// The target of all records of this module; they are not printed on standard error.
macro_rules! record {
    ($level:ident, $task:expr, $($text:tt)+) => {
        tracing::$level!(target: "az::run", task = %$task, $($text)+)
    };
}

fn record(task: &TaskId, body: &EventBody) {
    match body {
        EventBody::RunStarted { owner, .. } => record!(info, task, "claimed by {owner}"),
        EventBody::LlmIntent(intent) => {
            record!(debug, task, "calls {} at {}", intent.model, intent.provider);
        }
        EventBody::LlmResult(result) => model_result(task, result),
        EventBody::ToolIntent(intent) => record!(debug, task, "calls {}", intent.tool),
        EventBody::ToolResult(result) => tool_result(task, result),
        EventBody::ApprovalAsked { tool, reason, .. } => {
            record!(info, task, "{tool} needs approval: {}", short(reason));
        }
        EventBody::ApprovalGiven { granted: true, by, .. } => {
            record!(info, task, "approved by {by}");
        }
        EventBody::ApprovalGiven { by, .. } => record!(info, task, "denied by {by}"),
        EventBody::QuestionAsked { tool, question, .. } => {
            record!(info, task, "{tool} asks: {}", short(question));
        }
        EventBody::QuestionAnswered { text: Some(_), by, .. } => {
            record!(info, task, "answered by {by}");
        }
        EventBody::QuestionAnswered { by, .. } => record!(info, task, "not answered by {by}"),
        EventBody::Note { text } => record!(info, task, "{}", short(text)),
        EventBody::RunFinished { outcome, totals } => {
            let facts = totals.as_ref().map_or_else(String::new, |totals| {
                let took = duration(Duration::from_millis(totals.millis));
                format!(" after {took}, {}", run_cost(totals))
            });
            match outcome {
                Outcome::Completed { .. } => record!(info, task, "completed{facts}"),
                Outcome::Failed { failure } => {
                    record!(error, task, "failed{facts}: {}", short(&failure.message));
                }
                Outcome::Cancelled { failure } => {
                    record!(warn, task, "cancelled{facts}: {}", short(&failure.message));
                }
            }
        }
        EventBody::Context(change) => record!(debug, task, "{}", context_in_words(change)),
        EventBody::Observation { .. }
        | EventBody::Hint { .. }
        | EventBody::Copied { .. }
        | EventBody::Snapshot { .. } => {}
    }
}

fn model_result(task: &TaskId, result: &ModelResult) {
    let took = duration(Duration::from_millis(result.millis));
    match &result.outcome {
        ModelOutcome::Replied { reply } => {
            record!(debug, task, "the model replied with {} calls after {took}", reply.calls.len());
        }
        ModelOutcome::Failed { message, .. } => {
            record!(warn, task, "a model call failed after {took}: {}", short(message));
        }
        ModelOutcome::Interrupted => record!(warn, task, "a model call was interrupted"),
    }
}

fn tool_result(task: &TaskId, result: &ToolResult) {
    let (tool, took) = (&result.tool, duration(Duration::from_millis(result.millis)));
    match result.outcome {
        ToolOutcome::Done => record!(debug, task, "{tool} returned after {took}"),
        ToolOutcome::Failed => record!(info, task, "{tool} failed after {took}"),
        ToolOutcome::Refused => record!(info, task, "{tool} was refused"),
        ToolOutcome::Unknown => {
            record!(warn, task, "{tool} was interrupted: its effect is unknown");
        }
    }
}

fn short(text: &str) -> String {
    one_line(text, LONGEST)
}
