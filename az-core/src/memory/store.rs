//! The store, and the data that its contracts share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::journal::Record;
use super::ledger::Ledger;
use super::log::Log;
use super::state::Shelf;
use crate::clock::Timestamp;
use crate::cost::{Calendar, Charge, CostEntry};
use crate::id::TaskId;
use crate::journal::Hint;
use crate::log::CommandRun;
use crate::task::QueuedTask;

/// A store in memory: the strict reference of the contracts.
///
/// A clone is another handle to the same data. Every operation is one short critical section, so it
/// is atomic, and no lock is held across an await.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// Creates an empty store whose budgets follow the calendar of UTC.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty store whose budgets follow a calendar.
    pub fn with_calendar(calendar: Calendar) -> Self {
        let state = State { ledger: Ledger::new(calendar), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Locks the data. A panic elsewhere leaves it consistent, because operations that can fail
    /// come first.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All data of a store.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tasks: BTreeMap<TaskId, QueuedTask>,
    pub(super) records: BTreeMap<TaskId, Record>,
    /// The hints that are not recorded yet, in the order in which they were sent.
    pub(super) hints: BTreeMap<TaskId, Vec<Hint>>,
    pub(super) ledger: Ledger,
    pub(super) shelves: BTreeMap<TaskId, Shelf>,
    pub(super) settings: BTreeMap<String, Value>,
    pub(super) log: Log,
    /// The commands that were run, in the order in which they were recorded.
    pub(super) runs: Vec<CommandRun>,
    /// The lease time at which each boot began.
    pub(super) anchors: BTreeMap<Arc<str>, Timestamp>,
}

impl State {
    /// Books an entry to its task in place of `before`, if the payer is a task that is stored.
    pub(super) fn charge(&mut self, entry: &CostEntry, before: &Charge) {
        let row = entry.payer.task().and_then(|task| self.tasks.get_mut(task));
        if let Some(QueuedTask { task, .. }) = row {
            (task.cost, task.actual_tokens) =
                entry.charge.booked_to((task.cost, task.actual_tokens), before);
        }
    }
}
