//! The id of this process as a worker, and which workers of this host no longer run.

use std::fs;

use az_core::engine::Liveness;
use az_core::{Error, WorkerId};

/// Returns this process's id: `az@HOST:NAMESPACE:PID:START`.
///
/// The start time distinguishes a process from an earlier one with the same number, and the process
/// namespace distinguishes it from one in another container.
///
/// # Errors
///
/// None in practice: every part fits an id.
pub fn worker_id() -> Result<WorkerId, Error> {
    let pid = std::process::id();
    let start = start_of(pid).unwrap_or_default();
    WorkerId::new(format!("{}:{pid}:{start}", place()))
}

/// Returns the name of this host.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns the host and the process namespace, within which process numbers are unique.
fn place() -> String {
    let host: String = host_name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(64)
        .collect();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digits = |c: &char| c.is_ascii_digit();
    let namespace: String = namespace.to_string_lossy().chars().filter(digits).collect();
    format!("az@{host}:{namespace}")
}

/// Returns when a process was started, in clock ticks since boot; `None` if it does not run.
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses, which may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A zombie has ended; only its parent has not noticed.
    let state = fields.next()?;
    let start = fields.nth(18)?;
    (state != "Z" && state != "X").then(|| start.to_owned())
}

/// Detects which processes of this host no longer run.
#[derive(Debug, Clone)]
pub struct LocalProcesses {
    place: String,
}

impl Default for LocalProcesses {
    fn default() -> Self {
        Self { place: place() }
    }
}

impl Liveness for LocalProcesses {
    fn is_gone(&self, worker: &WorkerId) -> bool {
        let Some(rest) = worker.as_str().strip_prefix(&self.place) else { return false };
        let Some((pid, start)) = rest.trim_start_matches(':').split_once(':') else { return false };
        let Ok(pid) = pid.parse() else { return false };
        // Without /proc it cannot be known that a process is gone.
        start_of(std::process::id()).is_some() && start_of(pid).as_deref() != Some(start)
    }
}

#[cfg(test)]
mod tests {
    use az_core::WorkerId;
    use az_core::engine::Liveness;

    use super::{LocalProcesses, place, worker_id};

    /// Checks `Liveness` 1.
    #[test]
    fn only_processes_of_this_host_that_do_not_run_are_gone() {
        let known = LocalProcesses::default();
        let id = |text: String| WorkerId::new(text).unwrap();
        assert!(!known.is_gone(&worker_id().unwrap()), "we are here");
        assert!(known.is_gone(&id(format!("{}:{}:1", place(), std::process::id()))), "reused");
        assert!(known.is_gone(&id(format!("{}:4194999:1", place()))), "no such process");
        assert!(!known.is_gone(&id("az@elsewhere:1:4194999:1".into())), "another host");
        assert!(!known.is_gone(&id("worker-1".into())), "not one of ours");
    }
}
