//! What several benches use.

use std::path::PathBuf;
use std::time::Duration;

use az_core::clock::SystemClock;
use az_core::{Clock, Task, TaskId};
use nix::sys::resource::{UsageWho, getrusage};

/// Returns the release binary in the target directory of the benches.
pub(crate) fn az() -> PathBuf {
    let floor = PathBuf::from(env!("CARGO_BIN_EXE_floor"));
    let az = floor.with_file_name("az");
    assert!(az.exists(), "first: cargo build --release -p az-cli");
    az
}

/// Returns a task that was created now.
pub(crate) fn task(id: &str) -> Task {
    let command = format!("summarise the notes of meeting {id} and file them");
    Task::new(TaskId::new(id).unwrap(), command, SystemClock.now()).unwrap()
}

/// Returns an async runtime.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Returns the peak memory of any process started here, in MB.
pub(crate) fn largest_child() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    f64::from(u32::try_from(usage.max_rss()).unwrap_or(u32::MAX)) / 1024.0
}

/// Returns a time in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
