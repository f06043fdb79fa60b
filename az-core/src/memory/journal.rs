//! The journals, and the effects of an append.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::ledger::Booked;
use super::store::{MemoryStore, State};
use crate::clock::Timestamp;
use crate::cost::{Alert, TimeRange};
use crate::error::Result;
use crate::id::{CallId, TaskId};
use crate::journal::{
    Appended, Effect, Event, EventBody, Journal, NewEvent, ToolCallSummary, ToolResult,
    check_append,
};
use crate::log::LogRecord;
use crate::task::{Lease, Task, WaitAnswer};

#[async_trait]
impl Journal for MemoryStore {
    async fn append(
        &self,
        lease: &Lease,
        next_seq: u64,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended> {
        let mut state = self.lock();
        state.check_append(lease, next_seq, &events)?;

        // From here on only the ledger can refuse the append, and it is restored then.
        let before = state.ledger.savepoint();
        let applied = match state.apply(lease, &events, now) {
            Ok(applied) => applied,
            Err(error) => {
                state.ledger.restore(before);
                return Err(error);
            }
        };
        applied.booked.iter().for_each(|booked| state.charge(&booked.entry, &booked.before));
        state.log.extend(applied.logged);
        if let Some(hints) = state.hints.get_mut(&lease.task) {
            hints.retain(|hint| !applied.taken.contains(&hint.id));
        }
        let next_seq = state.record(&lease.task).extend((&lease.task, lease.epoch), events, now);
        Ok(Appended { next_seq, alerts: applied.alerts })
    }

    async fn answer(&self, task: &TaskId, answer: &WaitAnswer, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        let event = NewEvent::from(answer);
        let key = event.key().map(|(call, name)| (call.clone(), name));
        let record = state.records.get(task);
        let is_answered = record.zip(key).is_some_and(|(record, key)| record.known.contains(&key));
        let row = state.find(task)?;
        row.answer(answer, is_answered, now)?;
        let (answered, epoch) = (row.task.clone(), row.epoch);
        state.record(task).extend((task, epoch), vec![event], now);
        Ok(answered)
    }

    async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let state = self.lock();
        let events = state.records.get(task).map(|record| record.events.iter());
        let page = events.into_iter().flatten().skip(from).take(limit);
        Ok(page.cloned().collect())
    }

    async fn tail(&self, task: &TaskId) -> Result<Vec<Event>> {
        let state = self.lock();
        let record = state.records.get(task);
        let tail = record.and_then(|record| record.events.get(record.snapshot..));
        Ok(tail.unwrap_or_default().to_vec())
    }

    async fn tool_calls(&self, span: TimeRange) -> Result<Vec<ToolCallSummary>> {
        let state = self.lock();
        let events = state.records.values().flat_map(|record| &record.events);
        let within = events.filter(|event| span.contains(event.at));
        let results = within.filter_map(|event| match &event.event.body {
            EventBody::ToolResult(result) => Some(result),
            _ => None,
        });
        let summary = |result: &ToolResult| {
            ToolCallSummary::new(&*result.tool, result.outcome, result.millis)
        };
        Ok(results.map(summary).collect())
    }
}

/// The journal of one task.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) events: Vec<Event>,
    /// The keys of the events about calls.
    known: BTreeSet<(CallId, &'static str)>,
    /// The index of the last snapshot, or 0.
    snapshot: usize,
}

impl Record {
    /// Returns `true` if a hint of this id is recorded.
    pub(super) fn has_hint(&self, id: &CallId) -> bool {
        self.known.contains(&(id.clone(), "hint"))
    }

    fn next_seq(&self) -> u64 {
        u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }

    fn extend(
        &mut self,
        (task, epoch): (&TaskId, u64),
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> u64 {
        for event in events {
            if matches!(event.body, EventBody::Snapshot { .. }) {
                self.snapshot = self.events.len();
            }
            self.known.extend(event.key().map(|(call, name)| (call.clone(), name)));
            self.events.push(Event {
                task: task.clone(),
                seq: self.next_seq(),
                epoch,
                at: now,
                event,
            });
        }
        self.next_seq()
    }
}

/// The changes that the effects of events made besides the journal.
#[derive(Debug, Default)]
struct Applied {
    booked: Vec<Booked>,
    alerts: Vec<Alert>,
    logged: Vec<LogRecord>,
    taken: Vec<CallId>,
}

impl State {
    fn record(&mut self, task: &TaskId) -> &mut Record {
        self.records.entry(task.clone()).or_default()
    }

    fn check_append(&self, lease: &Lease, next_seq: u64, events: &[NewEvent]) -> Result<()> {
        let current = self.tasks.get(&lease.task).and_then(|row| row.lease.as_ref());
        let record = self.records.get(&lease.task);
        let end = record.map_or(0, Record::next_seq);
        check_append(lease, current, next_seq, end, events)?;
        let is_known = |event: &&NewEvent| {
            let key = event.key().map(|(call, name)| (call.clone(), name));
            record.zip(key).is_some_and(|(record, key)| record.known.contains(&key))
        };
        events.iter().find(is_known).map_or(Ok(()), |event| Err(event.repeated()))
    }

    /// Applies the effects of events, those on the ledger first, because only they can fail.
    fn apply(&mut self, lease: &Lease, events: &[NewEvent], now: Timestamp) -> Result<Applied> {
        let mut applied = Applied::default();
        let effects = events.iter().map(|event| event.effect(&lease.task, now));
        for effect in effects.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            match effect {
                Effect::Hold(hold) => {
                    let alerts = self.ledger.hold(&hold)?;
                    applied.logged.extend(alerts.iter().map(|alert| alert.log_record(&hold)));
                    applied.alerts.extend(alerts);
                }
                Effect::Settle { payer, call, settlement } => {
                    let settled = self.ledger.settle(&(payer, call), &settlement)?;
                    applied.booked.extend(settled.booked);
                    applied.alerts.extend(settled.alerts);
                    applied.logged.extend(settled.logged);
                }
                Effect::TakeHint(id) => applied.taken.push(id),
                // The last event; the append was refused otherwise.
                Effect::Finish(outcome) => drop(self.finish(lease, &outcome, now)?),
            }
        }
        Ok(applied)
    }
}
