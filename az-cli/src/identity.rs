//! Who this process is among those that work on tasks, and which of them are gone.

use std::fs;

use az_core::engine::Liveness;
use az_core::{Error, WorkerId};

/// Returns this process's id: `az@HOST:NAMESPACE:PID:START`.
///
/// A process is told from one that had its number before by when it was started, and from one in
/// another container by the container's process namespace.
///
/// # Errors
///
/// None in practice: every part is made to fit an id.
pub fn worker_id() -> Result<WorkerId, Error> {
    let pid = std::process::id();
    let start = start_of(pid).unwrap_or_default();
    WorkerId::new(format!("{}:{pid}:{start}", place()))
}

/// Returns the host and process namespace that numbers of processes are told apart in.
fn place() -> String {
    let host = rustix::system::uname();
    let host: String = host
        .nodename()
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(64)
        .collect();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digits = |c: &char| c.is_ascii_digit();
    let namespace: String = namespace.to_string_lossy().chars().filter(digits).collect();
    format!("az@{host}:{namespace}")
}

/// Returns when a process was started, in clock ticks since boot, if there is one.
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

/// Knows the processes of this host.
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
        // Where there is no /proc, nobody can be told to be gone.
        start_of(std::process::id()).is_some() && start_of(pid).as_deref() != Some(start)
    }
}

#[cfg(test)]
mod tests {
    use az_core::WorkerId;
    use az_core::engine::Liveness;

    use super::{LocalProcesses, place, worker_id};

    #[test]
    fn only_processes_of_this_host_that_are_not_there_are_gone() {
        let known = LocalProcesses::default();
        let id = |text: String| WorkerId::new(text).unwrap();
        assert!(!known.is_gone(&worker_id().unwrap()), "we are here");
        assert!(known.is_gone(&id(format!("{}:{}:1", place(), std::process::id()))), "reused");
        assert!(known.is_gone(&id(format!("{}:4194999:1", place()))), "no such process");
        assert!(!known.is_gone(&id("az@elsewhere:1:4194999:1".into())), "another host");
        assert!(!known.is_gone(&id("somebody".into())), "not one of ours");
    }
}
