//! The one thread that writes: it commits whatever is queued in one transaction.
//!
//! A durable commit costs a sync of the disk, whether it carries one request or hundreds. So while
//! one batch is being committed the next gathers in the queue, and each caller is answered once
//! its own batch is on disk.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use az_core::error::Error;
use az_core::point;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::migrate;
use crate::error::{Result, SqliteError};

/// The most requests in one transaction, so that the first does not wait for ever.
const BATCH: usize = 512;

/// How sure a caller wants to be before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// A power cut may take the last moments with it, a crash of the program nothing.
    Relaxed,
    /// Not even a power cut takes anything.
    Full,
}

/// Hands work to the writing thread, which is started by the first that comes.
pub(super) struct Writer {
    state: Mutex<State>,
}

enum State {
    Waiting(Connection),
    Running(Sender<Box<dyn Job>>, JoinHandle<()>),
    Ended,
}

impl Writer {
    /// Returns a writer that will write through `conn`.
    pub(super) const fn new(conn: Connection) -> Self {
        Self { state: Mutex::new(State::Waiting(conn)) }
    }

    /// Does `work` in a transaction and returns its result once that is on disk.
    ///
    /// The work must depend on nothing but the connection and what it captured: it is done again
    /// when the transaction was lost through the fault of another request in it.
    pub(super) async fn write<T, F>(&self, durability: Durability, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Request { durability, work, result: None, reply }))?;
        answer.await.unwrap_or(Err(SqliteError::Ended("the writer")))
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Waiting(_) = &*state
            && let State::Waiting(conn) = std::mem::replace(&mut *state, State::Ended)
        {
            *state = start(conn)?;
        }
        match &*state {
            State::Running(jobs, _) => jobs.send(job).map_err(|_| SqliteError::Ended("the writer")),
            State::Waiting(_) | State::Ended => Err(SqliteError::Ended("the writer")),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Waits until everything queued is written.
impl Drop for Writer {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Running(jobs, thread) = std::mem::replace(state, State::Ended) {
            drop(jobs);
            if thread.join().is_err() {
                tracing::error!("the writer of the database panicked");
            }
        }
    }
}

fn start(conn: Connection) -> Result<State> {
    let (send, receive) = channel();
    let thread = std::thread::Builder::new()
        .name("az-sqlite-writer".to_owned())
        .spawn(move || run(conn, &receive))
        .map_err(|error| Error::Internal(format!("no thread to write with: {error}")))?;
    Ok(State::Running(send, thread))
}

fn run(mut conn: Connection, queue: &Receiver<Box<dyn Job>>) {
    let mut synchronous = Durability::Full;
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(BATCH - 1));
        let wanted = batch.iter().map(|job| job.durability()).max();
        commit(&mut conn, batch, &mut synchronous, wanted.unwrap_or(Durability::Full));
    }
}

/// Commits a batch and answers the caller of each request in it.
fn commit(
    conn: &mut Connection,
    mut batch: Vec<Box<dyn Job>>,
    synchronous: &mut Durability,
    wanted: Durability,
) {
    let outcome = prepare(conn, synchronous, wanted).and_then(|()| transact(conn, &mut batch));
    match outcome {
        Ok(Ended::Committed) => batch.into_iter().for_each(|job| job.answer(None)),
        // Nothing of the batch was kept, so each may try again without the others.
        Ok(Ended::Lost) if batch.len() > 1 => {
            for job in batch {
                commit(conn, vec![job], synchronous, wanted);
            }
        }
        Ok(Ended::Lost) => batch.into_iter().for_each(|job| job.answer(None)),
        Err(error) => {
            // Without a transaction to roll back there is nothing to undo.
            conn.execute_batch("ROLLBACK").ok();
            for job in batch {
                job.answer(Some(error.again()));
            }
        }
    }
}

fn prepare(conn: &Connection, synchronous: &mut Durability, wanted: Durability) -> Result<()> {
    if *synchronous != wanted {
        let level = match wanted {
            Durability::Relaxed => "NORMAL",
            Durability::Full => "FULL",
        };
        conn.pragma_update(None, "synchronous", level)?;
        *synchronous = wanted;
    }
    Ok(())
}

/// How a transaction ended, if not by an error of its own.
enum Ended {
    /// It is on disk.
    Committed,
    /// A request made SQLite give all of it up, as a full disk does.
    Lost,
}

fn transact(conn: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<Ended> {
    point!("sqlite.begin");
    step(conn, "BEGIN IMMEDIATE")?;
    migrate::check_unchanged(conn)?;
    for job in batch {
        step(conn, "SAVEPOINT request")?;
        let kept = job.run(conn);
        match kept {
            Kept::Yes if conn.is_autocommit() => return Err(SqliteError::Ended("the transaction")),
            Kept::No if conn.is_autocommit() => return Ok(Ended::Lost),
            Kept::Yes => {}
            Kept::No => step(conn, "ROLLBACK TO request")?,
        }
        step(conn, "RELEASE request")?;
        point!("sqlite.request");
    }
    point!("sqlite.commit");
    step(conn, "COMMIT")?;
    point!("sqlite.committed");
    Ok(Ended::Committed)
}

fn step(conn: &Connection, sql: &str) -> Result<()> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Whether a request's changes are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

/// A request whose type the writer does not know.
trait Job: Send {
    fn durability(&self) -> Durability;
    /// Does the work, and remembers its result.
    fn run(&mut self, conn: &mut Connection) -> Kept;
    /// Answers the caller: with the result, or with why the batch was not kept.
    fn answer(self: Box<Self>, lost: Option<SqliteError>);
}

struct Request<T, F> {
    durability: Durability,
    work: F,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Request<T, F>
where
    T: Send,
    F: Fn(&mut Connection) -> Result<T> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, conn: &mut Connection) -> Kept {
        let result = (self.work)(conn);
        let kept = if result.is_ok() { Kept::Yes } else { Kept::No };
        self.result = Some(result);
        kept
    }

    fn answer(self: Box<Self>, lost: Option<SqliteError>) {
        let result = match (lost, self.result) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => result,
            (None, None) => Err(SqliteError::Ended("the batch")),
        };
        // A caller that has gone away does not care any more.
        self.reply.send(result).ok();
    }
}
