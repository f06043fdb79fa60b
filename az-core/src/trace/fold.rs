//! Folds a journal into spans.

use std::collections::BTreeMap;
use std::time::Duration;

use super::span::{ApprovalSpan, ModelSpan, Span, SpanKind, SpanStatus};
use crate::clock::{Timestamp, earlier};
use crate::id::CallId;
use crate::journal::{
    Event, EventBody, ModelIntent, ModelOutcome, ModelResult, Purpose, ToolOutcome, ToolResult,
};
use crate::task::{Outcome, Task, TaskStatus, WaitKind};

/// Folds the events of a task, in their order, into the tree of its spans. It keeps no texts, so that its size
/// depends on the number of calls only.
///
/// Journals of all versions can be folded. What is missing in a journal is missing in the tree.
#[derive(Debug, Default)]
pub struct TraceFold {
    runs: Vec<Span>,
    /// Where the span of each call is: the run, the child of the run, and the child of that, if it is in a step.
    places: BTreeMap<CallId, Place>,
    /// Whether the last step of the last run waits for a reply.
    awaits_reply: bool,
    steps: usize,
    last: Option<Timestamp>,
    /// The question that the last events are about, if they are about one.
    asked: Option<Asked>,
}

/// A question that a run asked a person about a call.
#[derive(Debug)]
struct Asked {
    call: CallId,
    kind: WaitKind,
    at: Timestamp,
    is_answered: bool,
}

/// The indices of a span below the task.
type Place = (usize, usize, Option<usize>);

impl TraceFold {
    /// Creates a fold without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next event.
    pub fn add(&mut self, event: &Event) {
        self.add_spans(event);
        let call = event.event.call.clone();
        let asked = |kind| call.map(|call| Asked { call, kind, at: event.at, is_answered: false });
        match &event.event.body {
            EventBody::ApprovalAsked { .. } => self.asked = asked(WaitKind::Approval),
            EventBody::QuestionAsked { .. } => self.asked = asked(WaitKind::Question),
            EventBody::ApprovalGiven { .. } | EventBody::QuestionAnswered { .. } => {
                self.asked.iter_mut().for_each(|asked| asked.is_answered = true);
            }
            _ => self.asked = None,
        }
        self.last = Some(event.at);
    }

    fn add_spans(&mut self, event: &Event) {
        let at = event.at;
        let call = event.event.call.as_ref();
        match &event.event.body {
            EventBody::RunStarted { owner, .. } => {
                self.interrupt();
                let kind = SpanKind::Run { owner: owner.clone() };
                self.runs.push(Span::begun(format!("run-{}", self.runs.len()), kind, at));
                self.awaits_reply = false;
            }
            EventBody::LlmIntent(intent) => self.model_call(call, intent, at),
            EventBody::LlmResult(result) => self.model_result(call, result, at),
            EventBody::ToolIntent(intent) => {
                self.tool_span(call, &intent.tool, at);
            }
            EventBody::ApprovalAsked { tool, reason, .. } => {
                let reason = reason.clone();
                if let Some(span) = self.tool_span(call, tool, at) {
                    let approval = ApprovalSpan { reason, granted: None, by: None };
                    let id = format!("{}.approval", span.id);
                    span.children.push(Span::begun(id, SpanKind::Approval(approval), at));
                }
            }
            EventBody::ApprovalGiven { granted, by, .. } => {
                let span = self.span(call).and_then(|span| span.children.last_mut());
                if let Some(span) = span
                    && let SpanKind::Approval(approval) = &mut span.kind
                {
                    (approval.granted, approval.by) = (Some(*granted), Some(by.clone()));
                    span.end(at, SpanStatus::Done);
                }
            }
            EventBody::ToolResult(result) => self.tool_result(call, result, at),
            EventBody::RunFinished { outcome, .. } => {
                if let Some(run) = self.runs.last_mut() {
                    run.end(at, status_of(outcome));
                }
            }
            EventBody::QuestionAsked { tool, .. } => {
                self.tool_span(call, tool, at);
            }
            EventBody::QuestionAnswered { .. }
            | EventBody::Observation { .. }
            | EventBody::Hint { .. }
            | EventBody::Context(_)
            | EventBody::Copied { .. }
            | EventBody::Note { .. }
            | EventBody::Snapshot { .. } => {}
        }
    }

    /// Returns the span of the task.
    pub fn finish(mut self, task: &Task) -> Span {
        if task.status.is_ended() {
            self.asked = None;
        }
        if task.status != TaskStatus::Running {
            self.interrupt();
        }
        for run in &mut self.runs {
            end_steps(run);
        }
        let kind = SpanKind::Task { command: task.command.clone() };
        let mut span = Span::begun("task", kind, task.created_at);
        span.children = self.runs;
        let failure = task.failure.as_ref().map(|failure| failure.message.clone());
        let status = match task.status {
            TaskStatus::Completed => SpanStatus::Done,
            TaskStatus::Failed => SpanStatus::Failed(failure.unwrap_or_default()),
            TaskStatus::Cancelled => SpanStatus::Interrupted,
            TaskStatus::Initialized | TaskStatus::Pending | TaskStatus::Running => return span,
        };
        span.end(task.completed_at.or(self.last).unwrap_or(task.updated_at), status);
        span
    }

    /// Ends the runs and what is open in them, if the process ended before they did. A run whose last events
    /// are about a question has ended to wait for the answer, and the call has not ended.
    fn interrupt(&mut self) {
        let Some(last) = self.last else { return };
        let asked = self.asked.take();
        if let (Some(asked), Some(run)) = (&asked, self.runs.last_mut())
            && run.ended_at.is_none()
        {
            run.end(asked.at, SpanStatus::Waiting(asked.kind));
        }
        let waiting = asked.as_ref().map(|asked| &asked.call);
        self.runs.iter_mut().for_each(|run| end_open(run, last, waiting));
        if let Some(asked) = asked.filter(|asked| !asked.is_answered)
            && let Some(span) = self.span(Some(&asked.call))
        {
            let open = std::iter::once(&mut span.status)
                .chain(span.children.iter_mut().map(|child| &mut child.status));
            open.for_each(|status| *status = SpanStatus::Waiting(asked.kind));
        }
    }

    fn model_call(&mut self, call: Option<&CallId>, intent: &ModelIntent, at: Timestamp) {
        let (Some(call), Some(index)) = (call, self.runs.len().checked_sub(1)) else { return };
        let Some(run) = self.runs.last_mut() else { return };
        let is_summary = matches!(intent.purpose, Purpose::Summary { .. });
        let model = ModelSpan {
            provider: intent.provider.clone(),
            model: intent.model.clone(),
            is_summary,
            reason: intent.reason.clone(),
            changed: intent.sent.as_ref().and_then(|sent| sent.changed),
            charge: None,
            calls: 0,
            stop: String::new(),
        };
        let span = Span::begun(call.as_str(), SpanKind::Model(Box::new(model)), at);
        if is_summary {
            run.children.push(span);
            self.places.insert(call.clone(), (index, run.children.len() - 1, None));
            return;
        }
        // Attempts that fail and what follows them are one step.
        if !std::mem::replace(&mut self.awaits_reply, true) {
            run.children.push(Span::begun(format!("step-{}", self.steps), SpanKind::Step, at));
            self.steps += 1;
        }
        self.add_to_step(call, span);
    }

    /// Adds a call to the last step of the last run; to the run itself, if it has no step.
    fn add_to_step(&mut self, call: &CallId, span: Span) {
        let Some(index) = self.runs.len().checked_sub(1) else { return };
        let Some(run) = self.runs.last_mut() else { return };
        let step = run.children.iter().rposition(|child| child.kind == SpanKind::Step);
        let children = match step.and_then(|at| run.children.get_mut(at)) {
            Some(step) => &mut step.children,
            None => &mut run.children,
        };
        children.push(span);
        let at = children.len() - 1;
        let place = step.map_or((index, at, None), |step| (index, step, Some(at)));
        self.places.insert(call.clone(), place);
    }

    fn model_result(&mut self, call: Option<&CallId>, result: &ModelResult, at: Timestamp) {
        let is_reply = matches!(result.outcome, ModelOutcome::Replied { .. });
        let Some(span) = self.span(call) else { return };
        let SpanKind::Model(model) = &mut span.kind else { return };
        model.charge = result.charge().cloned();
        let status = match &result.outcome {
            ModelOutcome::Replied { reply } => {
                (model.calls, model.stop) = (reply.calls.len(), reply.stop.clone());
                SpanStatus::Done
            }
            ModelOutcome::Failed { message, .. } => SpanStatus::Failed(message.clone()),
            ModelOutcome::Interrupted => SpanStatus::Interrupted,
        };
        let is_summary = model.is_summary;
        // The result of a call of an earlier run is recorded by a later one, long after the call.
        let ended = span.ended_at.unwrap_or(at);
        span.end(ended, status);
        if is_reply && !is_summary {
            self.awaits_reply = false;
        }
    }

    fn tool_result(&mut self, call: Option<&CallId>, result: &ToolResult, at: Timestamp) {
        let begun = earlier(at, Duration::from_millis(result.millis));
        let Some(span) = self.tool_span(call, &result.tool, begun) else { return };
        let status = match result.outcome {
            ToolOutcome::Done => SpanStatus::Done,
            ToolOutcome::Failed => SpanStatus::Failed("the tool failed".to_owned()),
            ToolOutcome::Refused => SpanStatus::Failed("the call was refused".to_owned()),
            ToolOutcome::Unknown => SpanStatus::Interrupted,
        };
        // That a call of an earlier run was cut short is found out by a later one.
        let ended = span.ended_at.filter(|_| status == SpanStatus::Interrupted).unwrap_or(at);
        span.end(ended, status);
    }

    /// Returns the span of a tool call, which begins with its first event.
    fn tool_span(&mut self, call: Option<&CallId>, tool: &str, at: Timestamp) -> Option<&mut Span> {
        let id = call?;
        if !self.places.contains_key(id) {
            let kind = SpanKind::Tool { tool: tool.to_owned() };
            self.add_to_step(id, Span::begun(id.as_str(), kind, at));
        }
        self.span(call)
    }

    fn span(&mut self, call: Option<&CallId>) -> Option<&mut Span> {
        let (run, child, below) = *self.places.get(call?)?;
        let child = self.runs.get_mut(run)?.children.get_mut(child)?;
        match below {
            Some(at) => child.children.get_mut(at),
            None => Some(child),
        }
    }
}

fn status_of(outcome: &Outcome) -> SpanStatus {
    match outcome {
        Outcome::Completed { .. } => SpanStatus::Done,
        Outcome::Failed { failure } => SpanStatus::Failed(failure.message.clone()),
        Outcome::Cancelled { .. } => SpanStatus::Interrupted,
    }
}

/// Ends a span and what is open below it, except the call that waits for an answer.
fn end_open(span: &mut Span, at: Timestamp, waiting: Option<&CallId>) {
    if waiting.is_some_and(|call| call.as_str() == span.id) {
        return;
    }
    if span.ended_at.is_none() && span.kind != SpanKind::Step {
        span.end(at, SpanStatus::Interrupted);
    }
    span.children.iter_mut().for_each(|child| end_open(child, at, waiting));
}

/// Ends the steps whose calls have ended, with the last of them.
fn end_steps(run: &mut Span) {
    for step in run.children.iter_mut().filter(|child| child.kind == SpanKind::Step) {
        let ends: Option<Vec<_>> = step.children.iter().map(|call| call.ended_at).collect();
        let Some(end) = ends.and_then(|ends| ends.into_iter().max()) else { continue };
        let is_cut = step.children.iter().any(|call| call.status == SpanStatus::Interrupted);
        let mut models =
            step.children.iter().filter(|call| matches!(call.kind, SpanKind::Model(_)));
        let status = match models.clone().any(|call| call.status == SpanStatus::Done) {
            _ if is_cut => SpanStatus::Interrupted,
            true => SpanStatus::Done,
            false => models.next_back().map(|call| call.status.clone()).unwrap_or_default(),
        };
        step.end(end, status);
    }
}
