//! The variables that mark the processes of a call.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use az_core::TaskId;

use super::process_tree::{Environment, start_time};

/// Contains the key of the call: its processes are found by it after a crash.
pub(super) const CALL_KEY: &str = "AZ_CALL_KEY";
/// Contains the mark of one run of the call.
pub(super) const CALL_RUN: &str = "AZ_CALL_RUN";

/// Returns a unique mark for a run of a call. It begins with the identity of this process.
///
/// It also differs from those of processes with the same process id in other containers.
pub(super) fn run_mark() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    // The keys of hash maps are the standard library's only source of randomness.
    let random = RandomState::new().hash_one(number);
    format!("{}-{number}-{random:016x}", this_process())
}

/// Returns whether a process belongs to a run of a call.
pub(super) fn is_of_run(environment: &Environment, mark: &str) -> bool {
    environment.get(CALL_RUN) == Some(mark)
}

/// Returns whether a process belongs to a call.
pub(super) fn is_of_call(environment: &Environment, key: &str) -> bool {
    environment.get(CALL_KEY) == Some(key)
}

/// Returns whether a process belongs to a call of a task.
pub(super) fn is_of_task(environment: &Environment, task: &TaskId) -> bool {
    let number = environment
        .get(CALL_KEY)
        .and_then(|key| key.strip_prefix(task.as_str())?.strip_prefix(':')?.parse::<u64>().ok());
    number.is_some()
}

/// Returns whether a process belongs to a call of a task, and was started by this process or by one
/// that has exited.
///
/// Ids of tasks are unique in their store only: what another running process started may belong to
/// a task of another store.
pub(super) fn is_ended_with_task(environment: &Environment, task: &TaskId) -> bool {
    let mark = environment.get(CALL_RUN);
    is_of_task(environment, task) && mark.is_none_or(is_of_this_or_exited)
}

fn is_of_this_or_exited(mark: &str) -> bool {
    if mark.strip_prefix(this_process()).is_some_and(|rest| rest.starts_with('-')) {
        return true;
    }
    let mut parts = mark.split('-');
    let starter = parts.next().and_then(|pid| pid.parse().ok());
    let started: Option<u64> = parts.next().and_then(|time| time.parse().ok());
    starter.and_then(start_time) != started
}

/// Returns the process id and the start time of this process.
fn this_process() -> &'static str {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let pid = std::process::id();
        format!("{pid}-{}", start_time(pid).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{is_of_this_or_exited, run_mark};

    #[test]
    fn marks_differ_even_if_process_id_and_counter_are_equal() {
        let marks: Vec<String> = (0..100).map(|_| run_mark()).collect();
        let random = marks.iter().filter_map(|mark| mark.rsplit('-').next());
        assert_eq!(random.collect::<HashSet<_>>().len(), 100);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mark_tells_whether_the_process_that_made_it_is_still_running() {
        assert!(is_of_this_or_exited(&run_mark()));
        let init = super::start_time(1).unwrap();
        assert!(!is_of_this_or_exited(&format!("1-{init}-0-f00d")));
        // Another process had the process id before.
        assert!(is_of_this_or_exited(&format!("1-{}-0-f00d", init + 1)));
        assert!(is_of_this_or_exited(&format!("{}-0-0-f00d", i32::MAX)));
    }
}
