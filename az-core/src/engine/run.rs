//! One run of a task, as the agent sees it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Mutex;

use super::budget::budget_left;
use super::children::Children;
use super::engine::{Engine, EngineContext};
use super::event::{EventSink, RecordedEvent, RunEvent, RunEventKind};
use super::snapshots::Snapshots;
use super::stop::Stop;
use crate::busy::BusyRetry;
use crate::clock::{Clock, later};
use crate::cost::Payer;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CallId, TaskId};
use crate::journal::{Event, EventBody, Hint, History, NewEvent};
use crate::money::Usd;
use crate::point;
use crate::task::{HeartbeatStatus, Lease, LeaseFence, Moment, Task, Waiting};
use crate::tool::{ToolSpec, are_many, finds_tools};

/// The tool calls that a task may make for each of its steps, if no limit is set.
const CALLS_A_STEP: u32 = 10;

/// One run of a task under a lease.
///
/// Everything that an agent does goes through it. [`call_model`](Self::call_model) and
/// [`call_tools`](Self::call_tools) record an intent before a call and a result after it, and do
/// not repeat a call that has a result. [`history`](Self::history) is the only state.
#[derive(Debug)]
pub struct Run {
    pub(super) context: Arc<EngineContext>,
    pub(super) task: Task,
    /// The task as policies see it, shared by the calls.
    pub(super) policy_task: Arc<Task>,
    pub(super) lease: Lease,
    pub(super) history: History,
    pub(super) stop: Stop,
    pub(super) fence: LeaseFence,
    /// The call for whose answer the task is to be parked.
    pub(super) parking: Option<Waiting>,
    /// The tasks that it has spawned.
    pub(super) children: Arc<Children>,
    /// Locked while a result is recorded.
    pub(super) recording: Arc<Mutex<()>>,
    /// Whether a call was made that may have left processes in the background.
    pub(super) may_have_background: AtomicBool,
    /// The last model call that was begun, for events about it.
    pub(super) last_model_call: Option<CallId>,
    /// Whether the calls of the model's turns were planned by a program.
    pub(super) has_planned_calls: bool,
    pub(super) shown_bytes: Option<usize>,
    snapshots: Snapshots,
}

impl Run {
    pub(super) fn new(
        engine: Engine,
        task: Task,
        (lease, fence): (Lease, LeaseFence),
        (history, snapshots): (History, Snapshots),
        stop: Stop,
    ) -> Self {
        let policy_task = Arc::new(task.clone());
        Self {
            context: Arc::clone(engine.context()),
            children: Children::new(engine, Arc::clone(&policy_task), lease.clone(), stop.clone()),
            policy_task,
            task,
            lease,
            history,
            stop,
            fence,
            parking: None,
            recording: Arc::default(),
            may_have_background: AtomicBool::new(false),
            last_model_call: None,
            has_planned_calls: false,
            shown_bytes: None,
            snapshots,
        }
    }

    /// Returns the task.
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// Returns the fold of the journal.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Returns the stop request, which long computations check from time to time.
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Returns the number of steps that the task may take in total.
    pub fn max_steps(&self) -> u32 {
        self.task.options.max_steps.unwrap_or(self.context.options.max_steps)
    }

    /// Returns the number of tool calls that the task may make in total.
    pub fn max_calls(&self) -> u32 {
        let limit = self.task.options.max_calls.or(self.context.options.max_calls);
        limit.unwrap_or_else(|| self.max_steps().saturating_mul(CALLS_A_STEP))
    }

    /// Lists the tools that the task may use: the toolbox's own shared slice unless the task is
    /// restricted to some of them.
    pub fn tools(&self) -> Arc<[ToolSpec]> {
        let specs = self.context.toolbox.specs();
        if specs.iter().all(|spec| self.offers(spec)) {
            return specs;
        }
        let mut offered: Vec<_> = specs.iter().filter(|spec| self.offers(spec)).cloned().collect();
        if !are_many(&offered) {
            offered.retain(|spec| !finds_tools(&spec.name));
        }
        offered.into()
    }

    pub(super) fn may_use(&self, tool: &str) -> bool {
        let names = self.task.options.tools.as_ref();
        finds_tools(tool) || names.is_none_or(|names| names.iter().any(|n| n == tool))
    }

    /// Emits an event that is not recorded.
    pub fn emit(&self, kind: RunEventKind) {
        self.emitter().emit(kind);
    }

    /// Returns a handle that emits events, for use inside a model call.
    pub fn emitter(&self) -> Emitter {
        Emitter {
            task: self.task.id.clone(),
            clock: Arc::clone(&self.context.clock),
            sink: Arc::clone(&self.context.sink),
        }
    }

    /// Records a note, which changes nothing.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn note(&mut self, text: impl Into<String>) -> Result<()> {
        let text = text.into();
        self.append(vec![NewEvent::new(EventBody::Note { text })]).await
    }

    /// Records a text that the model sees before its next turn.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn observe(&mut self, text: impl Into<String>) -> Result<()> {
        let text = text.into();
        self.append(vec![NewEvent::new(EventBody::Observation { text })]).await
    }

    /// Records the hints that people sent since the last step, so that the model sees them before its
    /// next turn; returns how many there were.
    ///
    /// While the store is busy there are none: they are recorded before a later step.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn take_hints(&mut self) -> Result<usize> {
        let hints = match self.context.store.hints(&self.task.id).await {
            Err(error) if error.kind() == ErrorKind::Busy => return Ok(0),
            hints => hints?,
        };
        if hints.is_empty() {
            return Ok(0);
        }
        let count = hints.len();
        let event = |hint: Hint| NewEvent::about(hint.id, EventBody::Hint { text: hint.text });
        self.append(hints.into_iter().map(event).collect()).await?;
        Ok(count)
    }

    /// Returns the smallest amount left in the hard budgets that cover this task, for any model;
    /// `None` if there is none. Other calls may use it at any time.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn budget_left(&self) -> Result<Option<Usd>> {
        let payer = Payer::from(&self.task.id);
        budget_left(&*self.context.store, &payer, self.context.clock.now()).await
    }

    /// Appends events before an effect, folds and emits them.
    ///
    /// While the store is busy, the append is attempted again for as long as the lease is valid and
    /// no stop is requested: nothing has happened yet that the task could fail for.
    pub(super) async fn append(&mut self, events: Vec<NewEvent>) -> Result<()> {
        let mut retry = BusyRetry::new();
        loop {
            match self.append_once(events.clone()).await {
                Err(error) if self.may_wait() && retry.wait_after(&error).await => {}
                appended => return appended,
            }
        }
    }

    fn may_wait(&self) -> bool {
        self.fence.check().is_ok() && self.stop.reason().is_none()
    }

    async fn append_once(&mut self, events: Vec<NewEvent>) -> Result<()> {
        let first = self.history.next_seq;
        let now = self.context.clock.now();
        point!("append.before");
        let appended = self.context.store.append(&self.lease, first, events.clone(), now).await;
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
            self.take_in(event)?;
        }
        for alert in appended.alerts {
            self.emit(RunEventKind::BudgetAlert(alert));
        }
        Ok(())
    }

    /// Folds, counts and emits an event that was recorded.
    fn take_in(&mut self, event: Event) -> Result<()> {
        self.history.apply(&event)?;
        self.snapshots.count(&event.event.body);
        if matches!(event.event.body, EventBody::Snapshot { .. }) {
            return Ok(());
        }
        let Event { task, seq, at, event, .. } = event;
        let kind = RunEventKind::Recorded(Box::new(RecordedEvent::new(seq, event)));
        self.context.sink.emit(&RunEvent::new(task, at, kind));
        Ok(())
    }

    /// Folds events of the journal that this run has not seen: an append of this run that was
    /// abandoned while under way, and was written nevertheless.
    ///
    /// # Errors
    ///
    /// `LeaseLost` if another worker wrote them.
    async fn catch_up(&mut self) -> Result<()> {
        let from = self.history.next_seq;
        for event in self.context.store.read(&self.task.id, from, usize::MAX).await? {
            if event.epoch != self.lease.epoch {
                return Err(Error::LeaseLost { task: self.task.id.clone(), owner: None });
            }
            self.take_in(event)?;
        }
        Ok(())
    }

    /// Appends the result of an effect, which exists only in memory. If the store was busy, a note
    /// says so afterwards.
    pub(super) async fn append_result(&mut self, events: Vec<NewEvent>) -> Result<()> {
        match self.append_patiently(events).await? {
            None => Ok(()),
            Some(waited) => {
                let seconds = waited.as_secs_f32();
                self.note(format!("the store was busy: a result was recorded {seconds:.1} s late"))
                    .await
            }
        }
    }

    /// Appends what exists only in memory, again and again while the store is busy, also after the
    /// lease has expired; returns for how long the store was busy.
    pub(super) async fn append_patiently(
        &mut self,
        events: Vec<NewEvent>,
    ) -> Result<Option<Duration>> {
        let recording = Arc::clone(&self.recording);
        let _recording = recording.lock().await;
        let mut retry = BusyRetry::new();
        loop {
            match self.append_once(events.clone()).await {
                Err(error) if retry.wait_after(&error).await => {}
                appended => return appended.map(|()| retry.waited()),
            }
        }
    }

    /// Makes sure that the lease has not expired, right before an effect.
    ///
    /// If it may have expired, as after the process was stopped, a heartbeat decides: it renews the
    /// lease unless another worker has claimed the task.
    ///
    /// # Errors
    ///
    /// `LeaseLost`, or the store's own. Nothing may be done then.
    pub(super) async fn check_lease(&self) -> Result<()> {
        if self.fence.check().is_ok() {
            return Ok(());
        }
        let sent = Moment::now(&*self.context.clock);
        let until = self.lease_until().await?;
        let leases = std::slice::from_ref(&self.lease);
        let status = self.context.store.heartbeat(leases, until).await?;
        if status.first().is_some_and(|status| *status != HeartbeatStatus::Lost) {
            self.fence.confirm(sent);
        }
        self.fence.check()
    }

    /// Records a snapshot once enough has been recorded since the last one.
    pub(super) async fn snapshot_if_due(&mut self) -> Result<()> {
        if !self.snapshots.is_due(self.context.options.snapshot_every) {
            return Ok(());
        }
        point!("snapshot.due");
        let history = Box::new(self.history.clone());
        match self.append(vec![NewEvent::new(EventBody::Snapshot { history })]).await {
            // The record is complete without it.
            Err(error @ Error::Invalid { .. }) => {
                tracing::warn!(error = error.chain(), "a snapshot cannot be stored");
                self.snapshots = Snapshots::default();
                Ok(())
            }
            appended => appended.map(drop),
        }
    }

    /// Fails if a stop was requested.
    pub(super) fn check_stop(&self) -> Result<()> {
        self.stop.error(&self.task.id).map_or(Ok(()), Err)
    }

    /// Waits, unless a stop is requested.
    ///
    /// # Errors
    ///
    /// The stop reason.
    #[expect(clippy::disallowed_methods, reason = "the wait before another attempt is real time")]
    pub async fn pause(&self, wait: Duration) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stop.requested() => self.check_stop(),
        }
    }

    /// Returns the lease time at which a lease that is extended now expires, and a hold taken now.
    pub(super) async fn lease_until(&self) -> Result<crate::Timestamp> {
        Ok(later(self.context.lease_clock.now().await?, self.context.options.lease))
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
