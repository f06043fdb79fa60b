//! The table of the running processes, which searches that are made at the same time share.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::getpid;

use super::Mark;
use crate::builtin::process::{ProcessStat, pids, stat};

/// How the names of the variables begin that are kept.
const PREFIX: &[u8] = b"AZ_";

/// The variables of the environment of a process that begin with `AZ_`.
#[derive(Debug, Default)]
pub(in crate::builtin::shell) struct Environment(Vec<u8>);

impl Environment {
    /// Reads the environment of a process; it is empty if that may not be read.
    pub(super) fn of(pid: i32) -> Self {
        let all = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let kept = all.split_inclusive(|byte| *byte == 0).filter(|text| text.starts_with(PREFIX));
        Self(kept.flatten().copied().collect())
    }

    /// Returns the value of a variable; `None` if it is not set or not UTF-8.
    pub(in crate::builtin::shell) fn get(&self, name: &str) -> Option<&str> {
        let value = self
            .0
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        std::str::from_utf8(value?).ok()
    }
}

/// A running process.
#[derive(Debug)]
struct Entry {
    stat: ProcessStat,
    environment: Environment,
}

/// The processes that were running at one time.
#[derive(Debug)]
pub(super) struct Table(HashMap<i32, Entry>);

/// A table that is read once.
type Reading = OnceLock<Arc<Table>>;

/// The reading that has not begun.
static NEXT: LazyLock<Mutex<Arc<Reading>>> = LazyLock::new(Mutex::default);
/// Locked while a table is read.
static TURN: Mutex<()> = Mutex::new(());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a table whose reading began after this call.
///
/// A call that is made while another table is read shares the next one with all calls that are made until then. To end
/// many commands at the same time therefore needs a few readings, and not a few for each.
pub(super) fn current() -> Arc<Table> {
    read(&next())
}

/// Returns the reading that has not begun.
fn next() -> Arc<Reading> {
    Arc::clone(&lock(&NEXT))
}

/// Returns the table of a reading, which the first caller makes.
fn read(reading: &Reading) -> Arc<Table> {
    let table = reading.get_or_init(|| {
        let _turn = lock(&TURN);
        // For the calls that are made from now on, this reading begins too early.
        *lock(&NEXT) = Arc::default();
        Arc::new(Table::read())
    });
    Arc::clone(table)
}

impl Table {
    fn read() -> Self {
        let entry =
            |pid| Some((pid, Entry { stat: running(pid)?, environment: Environment::of(pid) }));
        Self(pids().filter_map(entry).collect())
    }

    /// Lists the processes that have the mark or are roots, and all their descendants, except this process and its
    /// ancestors.
    pub(super) fn trees(
        &self,
        mark: Mark<'_>,
        is_root: impl Fn(i32, u64) -> bool,
    ) -> Vec<(i32, &ProcessStat)> {
        let excluded: HashSet<i32> = self.with_ancestors(getpid().as_raw_pid()).collect();
        let candidates = || self.0.iter().filter(|(pid, _)| !excluded.contains(pid));
        let roots = candidates()
            .filter(|(pid, entry)| is_root(**pid, entry.stat.started) || mark(&entry.environment));
        let roots: HashSet<i32> = roots.map(|(pid, _)| *pid).collect();
        if roots.is_empty() {
            return Vec::new();
        }
        let found = candidates()
            .filter(|(pid, _)| self.with_ancestors(**pid).any(|it| roots.contains(&it)));
        found.map(|(pid, entry)| (*pid, &entry.stat)).collect()
    }

    /// Returns a process and its ancestors.
    fn with_ancestors(&self, pid: i32) -> impl Iterator<Item = i32> {
        // Bounded: a table that is read while processes start and exit may contain a cycle.
        std::iter::successors(Some(pid), |pid| Some(self.0.get(pid)?.stat.parent)).take(1_000)
    }
}

/// Reads the state of a process, unless it has exited.
pub(super) fn running(pid: i32) -> Option<ProcessStat> {
    stat(pid).filter(|stat| !stat.has_exited())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{TURN, current, lock, next, read};

    #[test]
    fn calls_that_wait_for_a_reading_share_it_and_a_later_call_gets_a_later_one() {
        // As while another table is read.
        let turn = lock(&TURN);
        let waiting = [next(), next(), next()];
        drop(turn);
        let tables = waiting.map(|reading| read(&reading));
        assert!(tables.iter().all(|table| Arc::ptr_eq(table, &tables[0])));
        assert!(!Arc::ptr_eq(&current(), &tables[0]));
    }
}
