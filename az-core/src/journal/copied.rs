//! The part of a journal that is a copy of another task's.

use serde::{Deserialize, Serialize};

use super::call_record::CallRecord;
use super::event::{Event, EventBody, NewEvent, Purpose};
use super::fold::History;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CallId;
use crate::tool::EffectClass;

/// The part of a journal that is a copy of another task's. It is at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CopiedPart {
    /// The number of its turns.
    pub turns: usize,
    /// The number of its runs.
    pub runs: u32,
}

impl CopiedPart {
    /// Returns whether nothing is copied.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl History {
    /// Returns the number of steps of the task itself, without copied ones.
    pub fn own_steps(&self) -> u32 {
        self.steps.saturating_sub(u32::try_from(self.copied.turns).unwrap_or(u32::MAX))
    }

    /// Returns the number of runs of the task itself.
    pub const fn own_runs(&self) -> u32 {
        self.runs.saturating_sub(self.copied.runs)
    }

    /// Returns the calls of the task itself, without copied ones.
    pub fn own_calls(&self) -> impl Iterator<Item = (&CallId, &CallRecord)> {
        self.calls.iter().filter(|(_, record)| !record.is_copied)
    }

    /// Adds a copied event: it costs nothing, and approves no further calls.
    pub(super) fn add_copied(
        &mut self,
        copy: &Event,
        (at, event): (Timestamp, &NewEvent),
    ) -> Result<(), &'static str> {
        let (cost, unpriced, tokens) = (self.cost, self.unpriced, self.tokens);
        let cache = self.cache;
        let approved_tools = self.approved_tools.clone();
        let Event { task, seq, epoch, .. } = copy.clone();
        self.add(&Event { task, seq, epoch, at, event: event.clone() })?;
        (self.cost, self.unpriced, self.tokens) = (cost, unpriced, tokens);
        self.cache = cache;
        self.approved_tools = approved_tools;
        if let Some(record) = event.call.as_ref().and_then(|call| self.calls.get_mut(call)) {
            record.is_copied = true;
            record.approval = None;
            record.deny_at = None;
        }
        self.copied = CopiedPart { turns: self.turns.len(), runs: self.runs };
        Ok(())
    }
}

/// Returns copies of the first events of a journal, for the beginning of another one. Snapshots, which repeat
/// other events, are left out.
pub fn copies(events: Vec<Event>) -> Vec<NewEvent> {
    let copy = |Event { at, event, .. }: Event| match event.body {
        EventBody::Snapshot { .. } => None,
        EventBody::Copied { .. } => Some(NewEvent::new(event.body)),
        _ => Some(NewEvent::new(EventBody::Copied { written_at: at, event: Box::new(event) })),
    };
    events.into_iter().filter_map(copy).collect()
}

/// The steps of a journal from which another task can continue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompleteSteps {
    /// The number of events up to each complete step, from step 0, which is before the first request.
    pub events: Vec<u64>,
    /// Whether each of them is an answer, after which the model would not be asked again.
    pub answers: Vec<bool>,
    /// The number of the last event with which a call began that may have changed something.
    pub last_change: Option<u64>,
}

impl CompleteSteps {
    /// Returns whether something may have been changed after the first `events` events.
    pub fn changes_after(&self, events: u64) -> bool {
        self.last_change.is_some_and(|last| last >= events)
    }
}

/// Finds the steps of a journal, which is given from its first event on, that are complete: all calls that they
/// request have a result.
///
/// # Errors
///
/// `BrokenJournal` for events that do not fit each other.
pub fn complete_steps(events: &[Event]) -> Result<CompleteSteps> {
    let mut history = History::default();
    let (mut found, mut answers) = (Vec::new(), Vec::new());
    let mut last_change = None;
    for event in events {
        if found.is_empty() && requests_a_step(&event.event) {
            found.push(event.seq);
            answers.push(false);
        }
        if may_change(&event.event) {
            last_change = Some(event.seq);
        }
        history.apply(event)?;
        let is_complete = history.turns.len() == found.len()
            && !found.is_empty()
            && history.pending_calls().next().is_none();
        if is_complete {
            found.push(event.seq + 1);
            answers.push(history.turns.last().is_some_and(|turn| turn.reply.is_answer()));
        }
    }
    Ok(CompleteSteps { events: found, answers, last_change })
}

/// Returns whether an event, or the one that it is a copy of, is the beginning of a call that may change
/// something.
fn may_change(event: &NewEvent) -> bool {
    match &event.body {
        EventBody::ToolIntent(intent) => intent.effect != EffectClass::Read,
        EventBody::Copied { event, .. } => may_change(event),
        _ => false,
    }
}

/// Returns whether an event, or the one that it is a copy of, is the request of a step.
fn requests_a_step(event: &NewEvent) -> bool {
    match &event.body {
        EventBody::LlmIntent(intent) => intent.purpose == Purpose::Step,
        EventBody::Copied { event, .. } => requests_a_step(event),
        _ => false,
    }
}
