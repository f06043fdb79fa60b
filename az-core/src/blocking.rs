//! Work that blocks, on the blocking pool of the runtime.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::spawn_blocking;

use crate::error::{Error, Result};

/// How the message of Tokio's panic begins if the system starts no thread.
pub const NO_THREAD: &str = "OS can't spawn worker thread";

/// Runs a function on the blocking pool of the current runtime.
///
/// Tokio panics if the pool needs its first thread and the system starts none. Here that is an error,
/// and the function is not run later either.
///
/// # Errors
///
/// `Threads` if no thread can be started; `Internal` if the function panicked.
///
/// # Panics
///
/// Outside of a runtime.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    // Set by whichever is first: the thread that runs the work, or the caller that gives it up.
    let is_taken = Arc::new(AtomicBool::new(false));
    let by_thread = Arc::clone(&is_taken);
    let work = move || (!by_thread.swap(true, Ordering::SeqCst)).then(work);
    let started = catch_unwind(AssertUnwindSafe(|| spawn_blocking(work)));
    let running = started.map_err(|panic| {
        is_taken.store(true, Ordering::SeqCst);
        no_thread(panic.downcast_ref::<String>().map_or("", String::as_str))
    })?;
    match running.await {
        Ok(Some(done)) => Ok(done),
        Ok(None) => Err(no_thread("")),
        Err(error) => Err(Error::Internal(format!("a blocking function ended early: {error}"))),
    }
}

/// Returns the error of a panic of Tokio with this message.
fn no_thread(panic: &str) -> Error {
    let reason = panic.strip_prefix(NO_THREAD).unwrap_or(panic).trim_start_matches(": ");
    Error::Threads { source: io::Error::new(io::ErrorKind::WouldBlock, reason) }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::error::Error;

    #[tokio::test]
    async fn the_result_is_returned_and_a_panic_is_an_error() {
        assert_eq!(run(|| 5).await.unwrap(), 5);
        let ended = run(|| panic!("as intended")).await;
        assert!(matches!(ended, Err(Error::Internal(_))), "{ended:?}");
    }
}
