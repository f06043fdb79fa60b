//! The thread that writes: it commits all queued requests in one transaction.
//!
//! A durable commit needs one sync of the disk, for one request or for hundreds. While one batch is
//! being committed, the next one gathers in the queue, and each caller gets its result once its
//! batch is on disk.

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use az_core::error::Error;
use az_core::point;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::identity::FileIdentity;
use super::migrate;
use crate::error::{Result, SqliteError};

/// The most requests in one transaction, which bounds the wait of the first.
const BATCH: usize = 512;

/// The durability that a caller needs before it gets its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// A power failure may lose the last writes; a crash of the program loses nothing.
    Relaxed,
    /// A power failure loses nothing.
    Full,
}

/// Passes requests to the writing thread, which the first request starts.
pub(super) struct Writer {
    state: Mutex<State>,
}

enum State {
    Waiting(Target),
    Running(Sender<Box<dyn Job>>, JoinHandle<()>),
    Ended,
}

impl Writer {
    /// Creates a writer that uses a connection to a file.
    pub(super) const fn new(conn: Connection, file: FileIdentity) -> Self {
        Self { state: Mutex::new(State::Waiting(Target { conn, file })) }
    }

    /// Runs `work` in a transaction and returns its result once that is on disk.
    ///
    /// The work must depend only on the connection and its captured values: it is repeated if the
    /// transaction was lost because of another request in it.
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
            && let State::Waiting(target) = std::mem::replace(&mut *state, State::Ended)
        {
            match start(target) {
                Ok(running) => *state = running,
                Err(failed) => {
                    let (target, source) = *failed;
                    // A later request tries again.
                    *state = State::Waiting(target);
                    return Err(Error::Threads { source }.into());
                }
            }
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

/// Waits until all queued requests are written.
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

/// The connection, and the file that it has open.
struct Target {
    conn: Connection,
    file: FileIdentity,
}

/// Starts the thread; returns the target with the error if the system starts none.
fn start(target: Target) -> Result<State, Box<(Target, io::Error)>> {
    let (send, receive) = channel();
    let (give, take) = channel();
    let run = move || {
        if let Ok(target) = take.recv() {
            run(target, &receive);
        }
    };
    match std::thread::Builder::new().name("az-sqlite-writer".to_owned()).spawn(run) {
        Ok(thread) => match give.send(target) {
            Ok(()) => Ok(State::Running(send, thread)),
            Err(SendError(target)) => Err(Box::new((target, io::ErrorKind::WouldBlock.into()))),
        },
        Err(error) => Err(Box::new((target, error))),
    }
}

fn run(mut target: Target, queue: &Receiver<Box<dyn Job>>) {
    let mut synchronous = Durability::Full;
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(BATCH - 1));
        let wanted = batch.iter().map(|job| job.durability()).max();
        commit(&mut target, batch, &mut synchronous, wanted.unwrap_or(Durability::Full));
    }
}

/// Commits a batch and sends each caller its result.
fn commit(
    target: &mut Target,
    mut batch: Vec<Box<dyn Job>>,
    synchronous: &mut Durability,
    wanted: Durability,
) {
    let outcome =
        prepare(&target.conn, synchronous, wanted).and_then(|()| transact(target, &mut batch));
    match outcome {
        Ok(Ended::Committed) => batch.into_iter().for_each(|job| job.answer(None)),
        // The batch was rolled back, so each request is repeated on its own.
        Ok(Ended::Lost) if batch.len() > 1 => {
            for job in batch {
                commit(target, vec![job], synchronous, wanted);
            }
        }
        Ok(Ended::Lost) => batch.into_iter().for_each(|job| job.answer(None)),
        Err(error) => {
            // Without a transaction there is nothing to roll back.
            target.conn.execute_batch("ROLLBACK").ok();
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

/// The end of a transaction without an error of its own.
enum Ended {
    /// The transaction is on disk.
    Committed,
    /// A request made SQLite roll back all of it, as a full disk does.
    Lost,
}

fn transact(target: &mut Target, batch: &mut [Box<dyn Job>]) -> Result<Ended> {
    point!("sqlite.begin");
    let conn = &mut target.conn;
    step(conn, "BEGIN IMMEDIATE")?;
    // After the lock was taken, so that the file is not set aside between the check and the commit.
    target.file.check()?;
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

/// Whether the changes of a request are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

/// A request of any type.
trait Job: Send {
    fn durability(&self) -> Durability;
    /// Runs the work and stores its result.
    fn run(&mut self, conn: &mut Connection) -> Kept;
    /// Sends the caller the result, or the reason that the batch was lost.
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
        // The caller may have stopped waiting, which does not matter.
        self.reply.send(result).ok();
    }
}
