//! One run from its first event to its last.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::agent::Answer;
use super::children::inherit_bans;
use super::claim::OwnedTask;
use super::engine::{Engine, EngineContext};
use super::event::RunEventKind;
use super::goal::work_to_goal;
use super::run::Run;
use super::snapshots::Snapshots;
use super::stop::{Stop, StopReason};
use crate::busy::BusyRetry;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ChildTotals, Event, EventBody, NewEvent, RunTotals, fold};
use crate::point;
use crate::task::{Claimed, Failure, Lease, Outcome, Task, Waiting};

/// Runs the agent on a claimed task, and records the outcome.
pub(super) async fn drive(engine: Engine, owned: OwnedTask, stop: Stop) -> Result<Task> {
    let started = Instant::now();
    let context = Arc::clone(engine.context());
    let OwnedTask { claimed: Claimed { task, lease }, fence } = owned;
    let folded = |tail: Vec<Event>| Ok((fold(&tail)?, Snapshots::of(&tail)));
    let record = match context.store.tail(&task.id).await.and_then(folded) {
        Ok(record) => record,
        Err(error) if !matches!(error, Error::BrokenJournal { .. }) => {
            return Err(give_back(&context, &lease, error).await);
        }
        Err(error) => {
            // Nothing can be appended to a broken journal, and no worker should claim the task
            // again.
            let outcome = Outcome::Failed { failure: Failure::from(&error) };
            return finish_unreadable(&context, &lease, &outcome).await;
        }
    };
    let task = match inherit_bans(&context, task).await {
        Ok(task) => task,
        Err(error) => return Err(give_back(&context, &lease, error).await),
    };
    let mut run = Run::new(engine, task, (lease, fence), record, stop);
    let worked = match run.open().await {
        Ok(()) => work(&mut run).await,
        Err(error) => Err(error),
    };
    Box::pin(finish(run, worked, started)).await
}

/// Lets the agent work, within the task's time limit.
async fn work(run: &mut Run) -> Result<Answer> {
    let stop = run.stop.clone();
    let task = run.task.id.clone();
    let agent = Arc::clone(&run.context.agent);
    let (timeout, grace) = (run.task.options.timeout, run.context.options.grace);
    let recording = Arc::clone(&run.recording);
    let too_long = async {
        grace_expired(stop.clone(), timeout, grace).await;
        // A result in hand is not dropped while the store is busy.
        drop(recording.lock().await);
    };
    tokio::select! {
        worked = AssertUnwindSafe(work_to_goal(&*agent, run)).catch_unwind() => worked.unwrap_or_else(|_| {
            Err(Error::Internal("the agent panicked".to_owned()))
        }),
        () = too_long => Err(stop.error(&task).unwrap_or(Error::Cancelled)),
    }
}

/// Waits until a run has not stopped within the grace period after a stop was requested or its time
/// limit was reached.
#[expect(clippy::disallowed_methods, reason = "a task's time is real time")]
async fn grace_expired(stop: Stop, timeout: Option<Duration>, grace: Duration) {
    let expire = async {
        match timeout {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                stop.request(StopReason::TimedOut(limit));
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = expire => {}
        () = stop.requested() => {}
    }
    // One and a half times as long as a tool may take, so that its result is still recorded.
    tokio::time::sleep(grace + grace / 2).await;
}

async fn finish(mut run: Run, worked: Result<Answer>, started: Instant) -> Result<Task> {
    let outcome = match worked {
        Ok(Answer(answer)) => Outcome::Completed { answer },
        Err(Error::Waiting { .. }) if run.parking.is_some() => return park(run).await,
        Err(error) if cannot_record(&error) => {
            run.children.end(StopReason::Shutdown).await;
            run.end_own_background().await;
            return Err(give_back(&run.context, &run.lease, error).await);
        }
        Err(Error::Cancelled) if run.stop.reason() == Some(StopReason::Shutdown) => {
            return leave(run, None).await;
        }
        Err(error @ Error::Cancelled) => Outcome::Cancelled { failure: Failure::from(&error) },
        Err(error) => Outcome::Failed { failure: Failure::from(&error) },
    };
    run.children.end(StopReason::Cancelled).await;
    let children = run.children.totals().await;
    let ending = Ending { outcome: &outcome, children, started };
    if let Err(error) = end(&mut run, Some(ending)).await {
        return Err(give_back(&run.context, &run.lease, error).await);
    }
    point!("run.finished");
    let id = run.task.id.clone();
    let mut retry = BusyRetry::new();
    loop {
        match run.context.store.get(&id).await {
            Err(error) if retry.wait_after(&error).await => {}
            found => return found?.ok_or_else(|| Error::not_found("task", &id)),
        }
    }
}

/// Returns `true` for errors after which nothing can be recorded: the task keeps its recorded state
/// and can be resumed.
fn cannot_record(error: &Error) -> bool {
    matches!(error, Error::LeaseLost { .. } | Error::Conflict { .. } | Error::BrokenJournal { .. })
        || (!matches!(error, Error::Model { .. })
            && matches!(error.kind(), ErrorKind::Io | ErrorKind::Busy | ErrorKind::Unusable))
}

/// Returns a task to the queue if the store could not be written, and returns the error.
///
/// A store that refuses an event may still accept the release, which is small. Otherwise the task
/// can be claimed once its lease has expired. A task whose record cannot be read keeps its lease, so
/// that it is not claimed again at once.
async fn give_back(context: &EngineContext, lease: &Lease, error: Error) -> Error {
    let unwritten = matches!(error, Error::Full { .. })
        || matches!(error.kind(), ErrorKind::Busy | ErrorKind::Unusable);
    if unwritten && let Err(refused) = context.store.release(lease, None, context.clock.now()).await
    {
        let (task, error) = (&lease.task, refused.chain());
        tracing::warn!(%task, error, "failed to return the task to the queue; its lease expires");
    }
    error
}

/// The number of attempts to record the end. A dropped agent's append that was under way may still
/// be written, which then causes a conflict.
const SURPRISES: usize = 3;

/// How a run ended.
#[derive(Clone, Copy)]
struct Ending<'o> {
    outcome: &'o Outcome,
    children: Option<ChildTotals>,
    started: Instant,
}

/// Closes the run, and records its outcome if it has one.
async fn end(run: &mut Run, ending: Option<Ending<'_>>) -> Result<()> {
    for _ in 0..SURPRISES {
        match try_to_end(run, ending).await {
            Err(Error::Conflict { .. }) => {}
            ended => return ended,
        }
    }
    try_to_end(run, ending).await
}

async fn try_to_end(run: &mut Run, ending: Option<Ending<'_>>) -> Result<()> {
    run.close().await?;
    let Some(Ending { outcome, children, started }) = ending else { return Ok(()) };
    point!("run.finish");
    let totals = RunTotals {
        cost: run.history.cost,
        unpriced: run.history.unpriced,
        tokens: run.history.tokens,
        steps: run.history.own_steps(),
        cache: Some(run.history.cache),
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        children,
    };
    let body = EventBody::RunFinished { outcome: outcome.clone(), totals: Some(totals) };
    run.append_patiently(vec![NewEvent::new(body)]).await.map(drop)
}

/// Parks the task until its call is answered.
async fn park(mut run: Run) -> Result<Task> {
    let waiting = run.parking.take();
    let emitter = run.emitter();
    let parked = leave(run, waiting).await?;
    if let Some(waiting) = &parked.waiting {
        emitter.emit(RunEventKind::Parked(waiting.clone()));
    }
    Ok(parked)
}

/// Ends the lease of a task that has not ended: parks it if it waits, and returns it to the queue for
/// another worker if not.
async fn leave(mut run: Run, waiting: Option<Waiting>) -> Result<Task> {
    run.children.end(StopReason::Shutdown).await;
    match try_to_leave(&mut run, waiting.as_ref()).await {
        Err(error) => Err(give_back(&run.context, &run.lease, error).await),
        left => left,
    }
}

async fn try_to_leave(run: &mut Run, waiting: Option<&Waiting>) -> Result<Task> {
    end(run, None).await?;
    let (store, lease) = (&run.context.store, &run.lease);
    let mut retry = BusyRetry::new();
    loop {
        let now = run.context.clock.now();
        let left = match waiting {
            None => store.release(lease, None, now).await,
            Some(waiting) => {
                point!("run.park");
                store.park(lease, waiting, now).await
            }
        };
        match left {
            Err(error) if retry.wait_after(&error).await => {}
            left => {
                if waiting.is_some() {
                    point!("run.parked");
                }
                return left;
            }
        }
    }
}

/// Ends a task whose journal cannot be read.
async fn finish_unreadable(
    context: &EngineContext,
    lease: &Lease,
    outcome: &Outcome,
) -> Result<Task> {
    let mut retry = BusyRetry::new();
    loop {
        match context.store.finish(lease, outcome, context.clock.now()).await {
            Err(error) if retry.wait_after(&error).await => {}
            finished => return finished,
        }
    }
}
