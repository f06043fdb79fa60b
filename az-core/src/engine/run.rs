//! One run of a task: what an agent holds while it works.

use std::sync::Arc;
use std::time::Duration;

use super::engine::EngineContext;
use super::event::{EventSink, RecordedEvent, RunEvent, RunEventKind};
use super::stop::Stop;
use crate::clock::{Clock, later};
use crate::cost::{BudgetStatus, Limit, Payer, Scope};
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::journal::{Event, EventBody, History, NewEvent};
use crate::money::Usd;
use crate::point;
use crate::task::{Lease, Task};
use crate::tool::ToolSpec;

/// One run of a task under a lease.
///
/// Everything that an agent does goes through it: [`call_model`](Self::call_model) and
/// [`call_tools`](Self::call_tools) write an intent before and a result after, and what they find
/// written already they do not do again. [`history`](Self::history) is all the state there is.
#[derive(Debug)]
pub struct Run {
    pub(super) parts: Arc<EngineContext>,
    pub(super) task: Task,
    pub(super) lease: Lease,
    pub(super) history: History,
    pub(super) stop: Stop,
    /// The last model call that was begun, for events about it.
    pub(super) last_model_call: Option<CallId>,
    snapshot_seq: u64,
}

impl Run {
    pub(super) fn new(
        parts: Arc<EngineContext>,
        task: Task,
        lease: Lease,
        history: History,
        stop: Stop,
    ) -> Self {
        let snapshot_seq = history.next_seq;
        Self { parts, task, lease, history, stop, last_model_call: None, snapshot_seq }
    }

    /// Returns the task.
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// Returns what the record adds up to.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Returns the request to stop: a long computation looks at it now and then.
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Returns how many steps the task may take in all.
    pub fn max_steps(&self) -> u32 {
        self.task.options.max_steps.unwrap_or(self.parts.options.max_steps)
    }

    /// Lists the tools that the task may use: the toolbox's own shared slice unless the task is
    /// restricted to some of them.
    pub fn tools(&self) -> Arc<[ToolSpec]> {
        let specs = self.parts.toolbox.specs();
        if specs.iter().all(|spec| self.may_use(&spec.name)) {
            return specs;
        }
        specs.iter().filter(|spec| self.may_use(&spec.name)).cloned().collect()
    }

    pub(super) fn may_use(&self, tool: &str) -> bool {
        self.task.options.tools.as_ref().is_none_or(|names| names.iter().any(|n| n == tool))
    }

    /// Emits an event that is not recorded.
    pub fn emit(&self, kind: RunEventKind) {
        self.emitter().emit(kind);
    }

    /// Returns a handle that emits events, for use inside a model call.
    pub fn emitter(&self) -> Emitter {
        Emitter {
            task: self.task.id.clone(),
            clock: Arc::clone(&self.parts.clock),
            sink: Arc::clone(&self.parts.sink),
        }
    }

    /// Records something worth knowing.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn note(&mut self, text: impl Into<String>) -> Result<()> {
        let text = text.into();
        self.append(vec![NewEvent::new(EventBody::Note { text })]).await.map(drop)
    }

    /// Records a text that the model sees before its next turn.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn observe(&mut self, text: impl Into<String>) -> Result<()> {
        let text = text.into();
        self.append(vec![NewEvent::new(EventBody::Observation { text })]).await.map(drop)
    }

    /// Returns what the tightest hard budget over this task has left, whichever model is asked;
    /// `None` when there is none. Another call may take it at any moment.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn budget_left(&self) -> Result<Option<Usd>> {
        let mut budgets = self.parts.store.budgets(self.parts.clock.now()).await?;
        budgets.retain(|status| status.budget.limit == Limit::Hard);
        let payer = Payer::from(&self.task.id);
        let of_another = |status: &BudgetStatus| match &status.budget.scope {
            Scope::Payer(other) => *other != payer,
            Scope::Global | Scope::Model(_) => false,
        };
        // The ancestors matter only where another payer has a budget.
        let ancestors = if budgets.iter().any(of_another) {
            self.parts.store.ancestors(&payer).await?
        } else {
            Vec::new()
        };
        let applying = budgets.iter().filter(|status| match &status.budget.scope {
            Scope::Global => true,
            Scope::Payer(other) => *other == payer || ancestors.contains(other),
            Scope::Model(_) => false,
        });
        Ok(applying.map(BudgetStatus::left).min())
    }

    /// Appends events, folds them in and emits them; returns the number of the first.
    pub(super) async fn append(&mut self, events: Vec<NewEvent>) -> Result<u64> {
        let first = self.history.next_seq;
        let now = self.parts.clock.now();
        point!("append.before");
        let appended = self.parts.store.append(&self.lease, first, events.clone(), now).await;
        point!("append.after");
        let appended = match appended {
            Err(error @ Error::Conflict { .. }) => {
                self.catch_up().await?;
                return Err(error);
            }
            other => other?,
        };
        for (event, seq) in events.into_iter().zip(first..) {
            let task = self.task.id.clone();
            let event = Event { task, seq, epoch: self.lease.epoch, at: now, event };
            self.history.apply(&event)?;
            self.emit_recorded(event);
        }
        for alert in appended.alerts {
            self.emit(RunEventKind::BudgetAlert(alert));
        }
        Ok(first)
    }

    /// Emits an event that was recorded.
    fn emit_recorded(&self, event: Event) {
        if matches!(event.event.body, EventBody::Snapshot { .. }) {
            return;
        }
        let Event { task, seq, at, event, .. } = event;
        let kind = RunEventKind::Recorded(Box::new(RecordedEvent::new(seq, event)));
        self.parts.sink.emit(&RunEvent::new(task, at, kind));
    }

    /// Folds in what the record has more than we know: an append of ours that was abandoned while
    /// it was under way, and written all the same.
    ///
    /// # Errors
    ///
    /// `LeaseLost` when somebody else wrote it.
    async fn catch_up(&mut self) -> Result<()> {
        let from = self.history.next_seq;
        for event in self.parts.store.read(&self.task.id, from, usize::MAX).await? {
            if event.epoch != self.lease.epoch {
                return Err(Error::LeaseLost { task: self.task.id.clone(), owner: None });
            }
            self.history.apply(&event)?;
            self.emit_recorded(event);
        }
        Ok(())
    }

    /// Saves the fold once enough events have come since the last time.
    pub(super) async fn snapshot_if_due(&mut self) -> Result<()> {
        if self.history.next_seq - self.snapshot_seq < self.parts.options.snapshot_every {
            return Ok(());
        }
        point!("snapshot.due");
        let history = Box::new(self.history.clone());
        self.append(vec![NewEvent::new(EventBody::Snapshot { history })]).await?;
        self.snapshot_seq = self.history.next_seq;
        Ok(())
    }

    /// Fails when the run has been told to stop.
    pub(super) fn check_stop(&self) -> Result<()> {
        self.stop.error(&self.task.id).map_or(Ok(()), Err)
    }

    /// Waits, unless the run is told to stop: for something that others are about to set free.
    ///
    /// # Errors
    ///
    /// The reason when the run is told to stop.
    #[expect(clippy::disallowed_methods, reason = "the wait before another attempt is real time")]
    pub async fn pause(&self, wait: Duration) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stop.requested() => self.check_stop(),
        }
    }

    /// Returns when a hold taken now may be swept if nothing more is heard of this run.
    pub(super) fn hold_until(&self) -> crate::Timestamp {
        later(self.parts.clock.now(), self.parts.options.lease)
    }
}

/// Emits events of a run that are not recorded.
#[derive(Debug, Clone)]
pub struct Emitter {
    task: TaskId,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn EventSink>,
}

impl Emitter {
    /// Emits an event.
    pub fn emit(&self, kind: RunEventKind) {
        self.sink.emit(&RunEvent::new(self.task.clone(), self.clock.now(), kind));
    }
}
