//! The record of every task, and what an append moves with it.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::store::{MemoryStore, State};
use crate::clock::Timestamp;
use crate::cost::{Alert, CostEntry, Payer};
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::journal::{Appended, Event, EventBody, Journal, NewEvent};
use crate::task::{Lease, Outcome};

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
        state.held(lease)?;
        state.record(&lease.task).check(lease, next_seq, &events)?;

        // Only the ledger can refuse from here on, and it can go back.
        let before = state.ledger.savepoint();
        let projected = match state.project(lease, &events, now) {
            Ok(projected) => projected,
            Err(error) => {
                state.ledger.go_back_to(before);
                return Err(error);
            }
        };
        projected.booked.iter().for_each(|entry| state.charge(entry));
        let next_seq = state.record(&lease.task).extend(lease, events, now);
        Ok(Appended { next_seq, alerts: projected.alerts })
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
}

/// What is on record of one task.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) events: Vec<Event>,
    /// Which types of events there are about which calls.
    known: BTreeSet<(CallId, &'static str)>,
    /// Where the last snapshot stands, or the beginning.
    snapshot: usize,
}

impl Record {
    fn next_seq(&self) -> u64 {
        u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }

    /// Checks everything about an append that does not touch money.
    fn check(&self, lease: &Lease, next_seq: u64, events: &[NewEvent]) -> Result<()> {
        if next_seq != self.next_seq() {
            return Err(Error::Conflict {
                what: "journal",
                expected: next_seq.to_string(),
                found: self.next_seq().to_string(),
            });
        }
        let mut fresh = BTreeSet::new();
        for call in events.iter().filter_map(call_and_type) {
            if self.known.contains(&call) || !fresh.insert(call.clone()) {
                let (call, name) = call;
                return Err(Error::AlreadyExists { what: name, id: call.to_string() });
            }
        }
        let ends = |event: &NewEvent| matches!(event.body, EventBody::RunFinished { .. });
        let end = events.iter().position(ends);
        if end.is_some_and(|end| end + 1 < events.len()) {
            return Err(Error::LeaseLost { task: lease.task.clone(), owner: None });
        }
        Ok(())
    }

    fn extend(&mut self, lease: &Lease, events: Vec<NewEvent>, now: Timestamp) -> u64 {
        for event in events {
            if matches!(event.body, EventBody::Snapshot { .. }) {
                self.snapshot = self.events.len();
            }
            self.known.extend(call_and_type(&event));
            self.events.push(Event {
                task: lease.task.clone(),
                seq: self.next_seq(),
                epoch: lease.epoch,
                at: now,
                event,
            });
        }
        self.next_seq()
    }
}

fn call_and_type(event: &NewEvent) -> Option<(CallId, &'static str)> {
    Some((event.call.clone()?, event.body.name()))
}

/// What events move besides the record.
#[derive(Debug, Default)]
struct Projected {
    booked: Vec<CostEntry>,
    alerts: Vec<Alert>,
}

impl State {
    fn record(&mut self, task: &TaskId) -> &mut Record {
        self.records.entry(task.clone()).or_default()
    }

    /// Moves the ledger, then the task, by what events imply.
    fn project(&mut self, lease: &Lease, events: &[NewEvent], now: Timestamp) -> Result<Projected> {
        let mut projected = Projected::default();
        let payer = Payer::from(&lease.task);
        let mut outcome: Option<&Outcome> = None;
        for event in events {
            match &event.body {
                EventBody::LlmIntent(intent) => {
                    let hold = intent.hold_of(&lease.task, event.call_id()?, now);
                    projected.alerts.extend(self.ledger.hold(&hold)?);
                }
                EventBody::LlmResult(result) => {
                    let call = event.call_id()?;
                    let settled = self.ledger.settle(&payer, call, &result.settlement)?;
                    projected.booked.extend(settled.booked);
                    projected.alerts.extend(settled.alerts);
                }
                EventBody::RunFinished { outcome: end, .. } => outcome = Some(end),
                EventBody::RunStarted { .. }
                | EventBody::ToolIntent(_)
                | EventBody::ApprovalAsked { .. }
                | EventBody::ApprovalGiven { .. }
                | EventBody::ToolResult(_)
                | EventBody::Note { .. }
                | EventBody::Snapshot { .. } => {}
            }
        }
        if let Some(outcome) = outcome {
            self.held(lease)?.end(outcome, now)?;
        }
        Ok(projected)
    }
}
