//! A worker that claims queued tasks and runs them.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::engine::Engine;
use super::stop::{Stop, StopReason};
use crate::error::{Error, Result};
use crate::task::{self, Task, TaskStatus};

/// How many claims are made at once when there is plenty to do.
const MOST_CLAIMS: usize = 64;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The most tasks at once.
    pub concurrency: usize,
    /// What to do when nothing is waiting.
    pub when_idle: WhenIdle,
    /// How long to wait before looking again.
    pub poll: Duration,
}

/// What a worker does when nothing is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenIdle {
    /// Waits for more.
    Wait,
    /// Ends, once what is running has ended.
    End,
}

/// What a worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerReport {
    /// Tasks with an answer.
    pub completed: u64,
    /// Tasks without one.
    pub failed: u64,
    /// Tasks stopped on request.
    pub cancelled: u64,
    /// Tasks given back or lost to another worker.
    pub released: u64,
}

/// Claims tasks from the queue and runs them, the most urgent first.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    options: WorkerOptions,
}

/// What a lane tells the worker once it knows whether there is something to do.
enum Claimed {
    Task,
    Nothing,
}

impl Worker {
    /// Returns a worker that runs tasks on `engine`.
    pub const fn new(engine: Engine, options: WorkerOptions) -> Self {
        Self { engine, options }
    }

    /// Works until `stop` is requested, or until idle if so configured.
    ///
    /// Tasks that are running when `stop` is requested, or when the future is dropped, are given
    /// back.
    ///
    /// # Errors
    ///
    /// The store's, when claiming fails for good; what is under way is given back first.
    pub async fn run(&self, stop: Stop) -> Result<WorkerReport> {
        let parts = self.engine.parts();
        parts.store.sweep(parts.clock.now()).await?;
        let mut state = Lanes::new(stop.clone());
        let result = loop {
            if stop.reason().is_some() {
                break Ok(());
            }
            while state.claiming < state.wanted(self.options.concurrency) {
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

/// What became of a lane that could claim.
enum Ended {
    /// Nothing was waiting.
    Idle,
    /// The task ended, or was given back.
    Task(Box<Task>),
    /// The task could not be run to its end; its record says how far it came.
    Left(Error),
}

/// The tasks under way and the claims being made.
struct Lanes {
    lanes: JoinSet<Result<Ended>>,
    claimed: mpsc::UnboundedReceiver<Claimed>,
    tell: mpsc::UnboundedSender<Claimed>,
    claiming: usize,
    burst: usize,
    idle: bool,
    stop: Stop,
    report: WorkerReport,
}

impl Drop for Lanes {
    /// A worker whose future is dropped gives its tasks back in the background: aborted, they would
    /// keep their leases and holds until these expire.
    fn drop(&mut self) {
        if !self.lanes.is_empty() {
            self.stop.request(StopReason::Shutdown);
            self.lanes.detach_all();
        }
    }
}

impl Lanes {
    fn new(stop: Stop) -> Self {
        let (tell, claimed) = mpsc::unbounded_channel();
        Self {
            lanes: JoinSet::new(),
            claimed,
            tell,
            claiming: 0,
            burst: 1,
            idle: false,
            stop,
            report: WorkerReport::default(),
        }
    }

    /// Returns how many claims should be under way: few until one succeeds, then more and more.
    fn wanted(&self, concurrency: usize) -> usize {
        if self.idle {
            return 0;
        }
        let working = self.lanes.len().saturating_sub(self.claiming);
        self.burst.min(concurrency.saturating_sub(working))
    }

    fn open(&mut self, engine: Engine) {
        self.claiming += 1;
        let tell = self.tell.clone();
        let stop = self.stop.clone();
        self.lanes.spawn(lane(engine, tell, stop));
    }

    /// Waits for a claim to succeed or not, or for a task to end.
    async fn next(&mut self, stop: &Stop) -> Result<()> {
        tokio::select! {
            () = stop.requested() => {}
            Some(claimed) = self.claimed.recv() => self.note(&claimed),
            Some(ended) = self.lanes.join_next() => self.count(ended)?,
        }
        Ok(())
    }

    fn note(&mut self, claimed: &Claimed) {
        self.claiming = self.claiming.saturating_sub(1);
        match claimed {
            Claimed::Task => self.burst = (self.burst * 2).min(MOST_CLAIMS),
            Claimed::Nothing => {
                self.burst = 1;
                self.idle = true;
            }
        }
    }

    /// Waits a moment, or until a task ends: that may have made another one possible.
    #[expect(clippy::disallowed_methods, reason = "an idle worker looks again after a while")]
    async fn rest(&mut self, poll: Duration) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.requested() => {}
            () = tokio::time::sleep(poll) => {}
            Some(ended) = self.lanes.join_next() => {
                if let Err(error) = self.count(ended) {
                    tracing::warn!(error = error.chain(), "a task could not be run");
                }
            }
        }
        self.idle = false;
    }

    /// Counts a lane that ended. What goes wrong with one task does not keep others from being run;
    /// what keeps us from claiming does.
    fn count(&mut self, ended: Result<Result<Ended>, tokio::task::JoinError>) -> Result<()> {
        let ended = ended.unwrap_or_else(|e| Err(Error::Internal(format!("a lane ended: {e}"))));
        match ended {
            Ok(Ended::Idle) => {}
            Ok(Ended::Task(task)) => match task.status {
                TaskStatus::Completed => self.report.completed += 1,
                TaskStatus::Failed => self.report.failed += 1,
                TaskStatus::Cancelled => self.report.cancelled += 1,
                TaskStatus::Initialized | TaskStatus::Pending | TaskStatus::Running => {
                    self.report.released += 1;
                }
            },
            Ok(Ended::Left(error)) => {
                tracing::warn!(error = error.chain(), "a task could not be run to its end");
                self.report.released += 1;
            }
            Err(error @ Error::Busy { .. }) => {
                tracing::warn!(error = error.chain(), "the store is busy; looking again later");
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
                tracing::warn!(error = error.chain(), "a task could not be run");
            }
        }
    }
}

/// How many leases are looked at for owners that are gone.
const LOOKED_AT: usize = 64;

/// Claims the next task; when nothing is waiting, one that its owner left behind.
async fn claim_next(engine: &Engine) -> Result<Option<task::Claimed>> {
    let parts = engine.parts();
    let claim = engine.claim();
    if let Some(claimed) = parts.store.claim(&claim).await? {
        return Ok(Some(claimed));
    }
    let leases = parts.store.leases_of_others(&claim.owner, LOOKED_AT).await?;
    match leases.into_iter().find(|lease| parts.liveness.is_gone(&lease.owner)) {
        Some(lease) => parts.store.claim(&claim.presuming_dead(lease.owner)).await,
        None => Ok(None),
    }
}

/// Claims the next task and runs it.
async fn lane(engine: Engine, tell: mpsc::UnboundedSender<Claimed>, stop: Stop) -> Result<Ended> {
    let claimed = claim_next(&engine).await;
    let told = if matches!(claimed, Ok(Some(_))) { Claimed::Task } else { Claimed::Nothing };
    // If the worker was dropped, its lanes end without being counted.
    tell.send(told).ok();
    let Some(claimed) = claimed? else { return Ok(Ended::Idle) };
    let own = Stop::new();
    let pass_on = async {
        stop.requested().await;
        own.request(stop.reason().unwrap_or(StopReason::Shutdown));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = Box::pin(engine.drive(claimed, own.clone())) => {
            Ok(ended.map_or_else(Ended::Left, |task| Ended::Task(Box::new(task))))
        }
        () = pass_on => Ok(Ended::Idle),
    }
}
