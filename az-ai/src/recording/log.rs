//! Writes lines on a thread of its own, so that a slow disk does not block the runtime.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use serde::Serialize;
use tokio::sync::oneshot;

use super::format::Exchange;
use crate::error::{Error, Result};

/// A log of lines that are written on a thread.
pub(super) struct Log {
    provider: String,
    lines: Option<Sender<QueuedLine>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<OnceLock<String>>,
    has_exchanges: AtomicBool,
}

struct QueuedLine {
    text: Vec<u8>,
    /// Dropped once the line is written or has failed.
    waiting: oneshot::Sender<()>,
}

impl Log {
    /// Creates a log that writes each line to `out` with one write. `has_exchanges` says whether `out` is
    /// appended to earlier exchanges.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the thread cannot be started.
    pub(super) fn new(
        provider: &str,
        out: impl Write + Send + 'static,
        has_exchanges: bool,
    ) -> Result<Self> {
        let (lines, queue) = channel();
        let failed = Arc::<OnceLock<String>>::default();
        let failure = Arc::clone(&failed);
        let thread = std::thread::Builder::new()
            .name("az-recording".to_owned())
            .spawn(move || run(out, &queue, &failure))
            .map_err(|error| setup(provider, &error.to_string()))?;
        let (provider, lines, thread) = (provider.to_owned(), Some(lines), Some(thread));
        let has_exchanges = AtomicBool::new(has_exchanges);
        Ok(Self { provider, lines, thread, failed, has_exchanges })
    }

    /// Returns whether all lines so far could be written.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when a line could not be written.
    pub(super) fn check(&self) -> Result<()> {
        self.failed.get().map_or(Ok(()), |reason| Err(setup(&self.provider, reason)))
    }

    /// Returns whether an exchange was written.
    pub(super) fn has_exchanges(&self) -> bool {
        self.has_exchanges.load(Ordering::Relaxed)
    }

    /// Queues an exchange; the returned receiver ends as that of [`write`](Self::write) does.
    pub(super) fn write_exchange(&self, exchange: &Exchange) -> oneshot::Receiver<()> {
        self.has_exchanges.store(true, Ordering::Relaxed);
        self.write(exchange)
    }

    /// Queues a line; the returned receiver ends once it was written or has failed.
    pub(super) fn write(&self, line: &impl Serialize) -> oneshot::Receiver<()> {
        let (waiting, written) = oneshot::channel();
        match serde_json::to_vec(line) {
            Ok(mut text) => {
                text.push(b'\n');
                // A thread that has ended has its reason in `failed`.
                self.lines.as_ref().map(|lines| lines.send(QueuedLine { text, waiting }).ok());
            }
            Err(error) => fail(&self.failed, &error.to_string()),
        }
        written
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("failed", &self.failed).finish_non_exhaustive()
    }
}

/// Waits until all lines are written.
impl Drop for Log {
    fn drop(&mut self) {
        drop(self.lines.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of the recording panicked");
        }
    }
}

fn run(mut out: impl Write, queue: &Receiver<QueuedLine>, failed: &OnceLock<String>) {
    while let Ok(QueuedLine { text, waiting }) = queue.recv() {
        if let Err(error) = write(&mut out, &text) {
            // After a partial line nothing more is written, because the next line would be appended
            // to it.
            fail(failed, &error.to_string());
            return;
        }
        drop(waiting);
    }
}

fn write(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    out.write_all(line)?;
    out.flush()
}

fn fail(failed: &OnceLock<String>, reason: &str) {
    tracing::warn!(reason, "the recording cannot be written");
    failed.get_or_init(|| reason.to_owned());
}

fn setup(provider: &str, reason: &str) -> Error {
    Error::Setup {
        provider: provider.to_owned(),
        reason: format!("its recording cannot be written: {reason}"),
    }
}
