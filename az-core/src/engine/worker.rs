//! A worker that claims queued tasks and runs them.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::claim::claim_next;
use super::engine::Engine;
use super::stop::{Stop, StopReason};
use crate::error::{Error, ErrorKind, Result};
use crate::task::{Lease, Task, TaskStatus};

/// The number of claims that are made at once while tasks are waiting.
const MOST_CLAIMS: usize = 64;

/// The options of a worker.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The number of tasks that run at once.
    pub concurrency: usize,
    /// What to do when no task is waiting.
    pub when_idle: WhenIdle,
    /// The wait before the queue is polled again.
    pub poll: Duration,
}

/// What a worker does when no task is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenIdle {
    /// Waits for more tasks.
    Wait,
    /// Ends once all running tasks have ended.
    End,
}

/// The counts of the tasks that a worker ran.
///
/// Exhaustive, so that a new count is a compile error wherever a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerReport {
    /// Completed tasks.
    pub completed: u64,
    /// Failed tasks.
    pub failed: u64,
    /// Cancelled tasks.
    pub cancelled: u64,
    /// Tasks that were parked: they wait for an answer.
    pub parked: u64,
    /// Tasks that were returned to the queue.
    pub released: u64,
    /// Tasks that another worker claimed.
    pub lost: u64,
    /// Tasks that could be neither run nor returned to the queue. Their leases expire.
    pub unreleased: u64,
}

/// An error that ended a worker.
#[derive(Debug, thiserror::Error)]
#[error("the worker ended: {source}")]
#[non_exhaustive]
pub struct WorkerError {
    /// The counts of the tasks that the worker ran until then.
    pub report: WorkerReport,
    /// The error of the store.
    pub source: Error,
}

/// Claims tasks from the queue and runs them, highest priority first.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    options: WorkerOptions,
}

/// The result of a lane's claim.
enum ClaimReport {
    Task,
    Nothing,
}

impl Worker {
    /// Creates a worker that runs tasks on `engine`.
    pub const fn new(engine: Engine, options: WorkerOptions) -> Self {
        Self { engine, options }
    }

    /// Runs tasks until `stop` is requested, or until idle if so configured.
    ///
    /// Tasks that are running when `stop` is requested, or when the future is dropped, are
    /// released.
    ///
    /// # Errors
    ///
    /// The store's, if it cannot be used; running tasks are released first where that is possible.
    pub async fn run(&self, stop: Stop) -> Result<WorkerReport, WorkerError> {
        let mut state = Lanes::new(stop.clone());
        let context = self.engine.context();
        let swept = async { context.store.sweep(context.lease_clock.now().await?).await };
        let worked = match swept.await {
            Ok(_) => self.work(&mut state, &stop).await,
            Err(error) => Err(error),
        };
        let closed = state.close().await;
        let report = state.report;
        worked.and(closed).map(|()| report).map_err(|source| WorkerError { report, source })
    }

    async fn work(&self, state: &mut Lanes, stop: &Stop) -> Result<()> {
        loop {
            if stop.reason().is_some() {
                return Ok(());
            }
            while state.claiming < state.target_claims(self.options.concurrency) {
                state.open(self.engine.clone());
            }
            let ended = if state.idle && state.claiming == 0 {
                if self.options.when_idle == WhenIdle::End && state.lanes.is_empty() {
                    return Ok(());
                }
                state.rest(self.options.poll).await
            } else {
                state.next(stop).await
            };
            if let Err(error) = ended {
                stop.request(StopReason::Shutdown);
                return Err(error);
            }
        }
    }
}

/// The end of a lane.
enum LaneEnd {
    /// No task was waiting.
    Idle,
    /// The task ended or was released.
    Task(Box<Task>),
    /// The task could not be run to its end; its journal has its state.
    Left {
        /// The reason.
        error: Error,
        /// Whether the task is in the queue again.
        released: bool,
    },
}

/// The running tasks and the claims under way.
struct Lanes {
    lanes: JoinSet<Result<LaneEnd>>,
    claimed: mpsc::UnboundedReceiver<ClaimReport>,
    claims: mpsc::UnboundedSender<ClaimReport>,
    claiming: usize,
    burst: usize,
    idle: bool,
    stop: Stop,
    report: WorkerReport,
}

impl Drop for Lanes {
    /// Dropping a worker releases its tasks in the background. Aborting them would leave their
    /// leases and holds until these expire.
    fn drop(&mut self) {
        if !self.lanes.is_empty() {
            self.stop.request(StopReason::Shutdown);
            self.lanes.detach_all();
        }
    }
}

impl Lanes {
    fn new(stop: Stop) -> Self {
        let (claims, claimed) = mpsc::unbounded_channel();
        Self {
            lanes: JoinSet::new(),
            claimed,
            claims,
            claiming: 0,
            burst: 1,
            idle: false,
            stop,
            report: WorkerReport::default(),
        }
    }

    /// Returns the number of claims that should be under way: few until one succeeds, then more.
    fn target_claims(&self, concurrency: usize) -> usize {
        if self.idle {
            return 0;
        }
        let working = self.lanes.len().saturating_sub(self.claiming);
        self.burst.min(concurrency.saturating_sub(working))
    }

    fn open(&mut self, engine: Engine) {
        self.claiming += 1;
        let claims = self.claims.clone();
        let stop = self.stop.clone();
        self.lanes.spawn(lane(engine, claims, stop));
    }

    /// Waits for a claim to return or for a task to end.
    async fn next(&mut self, stop: &Stop) -> Result<()> {
        tokio::select! {
            () = stop.requested() => {}
            Some(claimed) = self.claimed.recv() => self.note(&claimed),
            Some(ended) = self.lanes.join_next() => self.count(ended)?,
        }
        Ok(())
    }

    fn note(&mut self, claimed: &ClaimReport) {
        self.claiming = self.claiming.saturating_sub(1);
        match claimed {
            ClaimReport::Task => self.burst = (self.burst * 2).min(MOST_CLAIMS),
            ClaimReport::Nothing => {
                self.burst = 1;
                self.idle = true;
            }
        }
    }

    /// Waits until the next poll, or until a task ends, because that may unblock another one.
    #[expect(clippy::disallowed_methods, reason = "an idle worker polls the queue")]
    async fn rest(&mut self, poll: Duration) -> Result<()> {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.requested() => {}
            () = tokio::time::sleep(poll) => {}
            Some(ended) = self.lanes.join_next() => self.count(ended)?,
        }
        self.idle = false;
        Ok(())
    }

    /// Counts a lane that ended. An error of one task does not affect the others; an error of the
    /// store ends the worker, unless the store is only busy.
    fn count(&mut self, ended: Result<Result<LaneEnd>, tokio::task::JoinError>) -> Result<()> {
        let ended = ended.unwrap_or_else(|e| Err(Error::Internal(format!("a lane ended: {e}"))));
        match ended {
            Ok(LaneEnd::Idle) => {}
            Ok(LaneEnd::Task(task)) => match task.status {
                TaskStatus::Completed => self.report.completed += 1,
                TaskStatus::Failed => self.report.failed += 1,
                TaskStatus::Cancelled => self.report.cancelled += 1,
                TaskStatus::Pending if task.waiting.is_some() => self.report.parked += 1,
                TaskStatus::Initialized | TaskStatus::Pending | TaskStatus::Running => {
                    self.report.released += 1;
                }
            },
            Ok(LaneEnd::Left { error, released }) => {
                tracing::warn!(error = error.chain(), "failed to run a task to its end");
                match error {
                    Error::LeaseLost { .. } => self.report.lost += 1,
                    _ if released => self.report.released += 1,
                    _ => self.report.unreleased += 1,
                }
                return self.pause_or_end(error);
            }
            Err(error @ Error::Busy { .. }) => return self.pause_or_end(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Delays further claims while the store is busy, and ends the worker if the store cannot be
    /// written: every further task would be claimed and left.
    fn pause_or_end(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Busy { .. } => {
                tracing::warn!(error = error.chain(), "the store is busy; trying again later");
                self.idle = true;
                Ok(())
            }
            Error::Full { .. } => Err(error),
            _ if error.kind() == ErrorKind::Unusable => Err(error),
            // An unreadable record concerns one task.
            _ => Ok(()),
        }
    }

    /// Waits for everything under way; returns the first error of the store.
    async fn close(&mut self) -> Result<()> {
        let mut closed = Ok(());
        while let Some(ended) = self.lanes.join_next().await {
            closed = closed.and(self.count(ended));
        }
        closed
    }
}

/// Claims the next task and runs it.
async fn lane(
    engine: Engine,
    claims: mpsc::UnboundedSender<ClaimReport>,
    stop: Stop,
) -> Result<LaneEnd> {
    let claimed = claim_next(engine.context()).await;
    let report =
        if matches!(claimed, Ok(Some(_))) { ClaimReport::Task } else { ClaimReport::Nothing };
    // If the worker was dropped, its lanes end without being counted.
    claims.send(report).ok();
    let Some(claimed) = claimed? else { return Ok(LaneEnd::Idle) };
    let lease = claimed.claimed.lease.clone();
    let own = Stop::new();
    let pass_on = async {
        stop.requested().await;
        own.request(stop.reason().unwrap_or(StopReason::Shutdown));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = Box::pin(engine.drive(claimed, own.clone())) => {
            Ok(match ended {
                Ok(task) => LaneEnd::Task(Box::new(task)),
                Err(error) => left(&engine, &lease, error).await,
            })
        }
        () = pass_on => Ok(LaneEnd::Idle),
    }
}

/// Returns the end of a lane whose task could not be run to its end.
async fn left(engine: &Engine, lease: &Lease, error: Error) -> LaneEnd {
    let current = engine.context().store.lease(&lease.task).await;
    // If the store cannot be read, it is not known that the task was returned.
    let released = current.is_ok_and(|current| current.is_none_or(|now| now.epoch != lease.epoch));
    LaneEnd::Left { error, released }
}
