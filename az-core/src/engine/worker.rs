//! A worker that claims queued tasks and runs them.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::claim::claim_next;
use super::engine::Engine;
use super::stop::{Stop, StopReason};
use crate::error::{Error, Result};
use crate::task::{Task, TaskStatus};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerReport {
    /// Completed tasks.
    pub completed: u64,
    /// Failed tasks.
    pub failed: u64,
    /// Cancelled tasks.
    pub cancelled: u64,
    /// Tasks that were released or claimed by another worker.
    pub released: u64,
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
    /// The store's, if claims keep failing; running tasks are released first.
    pub async fn run(&self, stop: Stop) -> Result<WorkerReport> {
        let context = self.engine.context();
        context.store.sweep(context.lease_clock.now().await?).await?;
        let mut state = Lanes::new(stop.clone());
        let result = loop {
            if stop.reason().is_some() {
                break Ok(());
            }
            while state.claiming < state.target_claims(self.options.concurrency) {
                state.open(self.engine.clone());
            }
            if state.idle && state.claiming == 0 {
                if self.options.when_idle == WhenIdle::End && state.lanes.is_empty() {
                    break Ok(());
                }
                state.rest(self.options.poll).await;
                continue;
            }
            if let Err(error) = state.next(&stop).await {
                stop.request(StopReason::Shutdown);
                break Err(error);
            }
        };
        state.close().await;
        result.map(|()| state.report)
    }
}

/// The end of a lane.
enum LaneEnd {
    /// No task was waiting.
    Idle,
    /// The task ended or was released.
    Task(Box<Task>),
    /// The task could not be run to its end; its journal has its state.
    Left(Error),
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
    async fn rest(&mut self, poll: Duration) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.requested() => {}
            () = tokio::time::sleep(poll) => {}
            Some(ended) = self.lanes.join_next() => {
                if let Err(error) = self.count(ended) {
                    tracing::warn!(error = error.chain(), "failed to run a task");
                }
            }
        }
        self.idle = false;
    }

    /// Counts a lane that ended. An error of one task does not affect the others; an error of a
    /// claim ends the worker.
    fn count(&mut self, ended: Result<Result<LaneEnd>, tokio::task::JoinError>) -> Result<()> {
        let ended = ended.unwrap_or_else(|e| Err(Error::Internal(format!("a lane ended: {e}"))));
        match ended {
            Ok(LaneEnd::Idle) => {}
            Ok(LaneEnd::Task(task)) => match task.status {
                TaskStatus::Completed => self.report.completed += 1,
                TaskStatus::Failed => self.report.failed += 1,
                TaskStatus::Cancelled => self.report.cancelled += 1,
                TaskStatus::Initialized | TaskStatus::Pending | TaskStatus::Running => {
                    self.report.released += 1;
                }
            },
            Ok(LaneEnd::Left(error)) => {
                tracing::warn!(error = error.chain(), "failed to run a task to its end");
                self.report.released += 1;
            }
            Err(error @ Error::Busy { .. }) => {
                tracing::warn!(error = error.chain(), "the store is busy; trying again later");
                self.idle = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Waits for everything under way.
    async fn close(&mut self) {
        while let Some(ended) = self.lanes.join_next().await {
            if let Err(error) = self.count(ended) {
                tracing::warn!(error = error.chain(), "failed to run a task");
            }
        }
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
    let own = Stop::new();
    let pass_on = async {
        stop.requested().await;
        own.request(stop.reason().unwrap_or(StopReason::Shutdown));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = Box::pin(engine.drive(claimed, own.clone())) => {
            Ok(ended.map_or_else(LaneEnd::Left, |task| LaneEnd::Task(Box::new(task))))
        }
        () = pass_on => Ok(LaneEnd::Idle),
    }
}
