//! Finds and kills the processes of a call, including those that left its process group or session.
//!
//! A process belongs to a call if it has the call's mark in its environment, or descends from one
//! that has. Signals are sent through pidfds, so that a process that reuses a process id is never
//! hit.
//!
//! *Limit:* a process that has cleared its environment and whose marked parent has exited is not
//! found.

mod table;

use std::collections::HashSet;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use az_core::text::one_line;
use az_core::tool::BackgroundProcess;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

pub(super) use self::table::Environment;
use self::table::running;
use crate::builtin::process::{ProcessStat, command_words};
use crate::sandbox::HELPER;

/// How often the search is repeated: processes may fork while they are searched.
const MAX_ROUNDS: u32 = 20;
/// How long a killed process may take to exit.
const EXIT_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The maximum length of a described command, in characters.
const DESCRIBED: usize = 200;

/// Decides by the environment of a process whether it belongs to a call.
pub(super) type Mark<'a> = &'a dyn Fn(&Environment) -> bool;

/// A process that was found.
#[derive(Debug)]
pub(super) struct Process {
    /// Refers to this process even if its id is reused.
    handle: OwnedFd,
    pid: i32,
    parent: i32,
    started: u64,
}

/// Finds the running processes that have a mark, `root`, and all their descendants, except this
/// process and its ancestors.
pub(super) fn find(mark: Mark<'_>, root: Option<Pid>) -> Vec<Process> {
    let root = root.map(Pid::as_raw_pid);
    find_trees(mark, |pid, _| root == Some(pid))
}

/// Sends SIGTERM to the processes; returns whether there is one. Those of a sandbox do not get it:
/// they would exit and kill the command before it could clean up.
pub(super) fn terminate(processes: &[Process]) -> bool {
    let others = processes.iter().filter(|process| !is_helper(process));
    others.filter(|process| pidfd_send_signal(&process.handle, Signal::TERM).is_ok()).count() > 0
}

/// Kills the given processes and all others that have the mark, and waits until they have exited;
/// returns whether all have.
///
/// All are stopped with SIGSTOP before the first is killed: a shell whose command is killed would
/// run the next one.
pub(super) fn kill(processes: Vec<Process>, mark: Mark<'_>) -> bool {
    let mut found = processes;
    for _ in 0..MAX_ROUNDS {
        stop(&mut found, mark);
        if found.is_empty() {
            return true;
        }
        for Process { handle, .. } in &found {
            pidfd_send_signal(handle, Signal::KILL).ok();
        }
        for Process { handle, .. } in &found {
            // A pidfd becomes readable when its process has exited.
            poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&EXIT_WAIT)).ok();
        }
        found = find(mark, None);
        if found.is_empty() {
            return true;
        }
    }
    false
}

/// Describes processes, without those that another of them has started, and without those of a
/// sandbox.
pub(super) fn describe(processes: &[Process]) -> Vec<BackgroundProcess> {
    let processes: Vec<_> = processes.iter().filter(|process| !is_helper(process)).collect();
    let pids: HashSet<i32> = processes.iter().map(|process| process.pid).collect();
    let tops = processes.iter().filter(|process| !pids.contains(&process.parent));
    let mut described: Vec<_> = tops
        .filter_map(|process| {
            let pid = u32::try_from(process.pid).ok()?;
            Some(BackgroundProcess::new(pid, command_line(process.pid)))
        })
        .collect();
    described.sort_by_key(|process| process.pid);
    described
}

/// Returns whether a process that is not of a sandbox may have a pipe open. Without a sandbox, one has.
pub(super) fn has_open(processes: &[Process], pipe: impl AsFd) -> bool {
    let (helpers, others): (Vec<&Process>, Vec<&Process>) =
        processes.iter().partition(|process| is_helper(process));
    let Ok(pipe) = fstat(pipe) else { return true };
    let name = format!("pipe:[{}]", pipe.st_ino);
    let has_it = |process: &Process| {
        let open = fs::read_dir(format!("/proc/{}/fd", process.pid)).into_iter().flatten();
        let mut names = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        names.any(|open| open.as_os_str() == name.as_str())
    };
    helpers.is_empty() || others.into_iter().any(has_it)
}

/// Returns whether a process is one of a sandbox, which runs the processes of the command.
fn is_helper(process: &Process) -> bool {
    Environment::of(process.pid).get(HELPER).is_some()
}

fn command_line(pid: i32) -> String {
    one_line(&command_words(pid).join(" "), DESCRIBED)
}

/// Returns the time at which a process was started, in ticks since the machine was; `None` if there
/// is no such process. With the process id, it identifies a process.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    Some(running(i32::try_from(pid).ok()?)?.started)
}

/// Sends SIGSTOP to the processes, to all that have the mark and to their descendants, until no new
/// ones are found; adds these to `processes`.
fn stop(processes: &mut Vec<Process>, mark: Mark<'_>) {
    let mut stopped = 0;
    for _ in 0..MAX_ROUNDS {
        for Process { handle, .. } in processes.iter().skip(stopped) {
            pidfd_send_signal(handle, Signal::STOP).ok();
        }
        stopped = processes.len();
        let is_known = |pid, started| {
            processes.iter().any(|process| (process.pid, process.started) == (pid, started))
        };
        let mut found = find_trees(mark, is_known);
        found.retain(|process| !is_known(process.pid, process.started));
        if found.is_empty() {
            return;
        }
        processes.append(&mut found);
    }
}

/// Finds the running processes that have the mark or are roots, and all their descendants, except this process and its
/// ancestors.
fn find_trees(mark: Mark<'_>, is_root: impl Fn(i32, u64) -> bool) -> Vec<Process> {
    let table = table::current();
    let found = table.trees(mark, is_root).into_iter();
    found.filter_map(|(pid, stat)| open(pid, stat)).collect()
}

/// Opens a process, if the process id was not reused since `seen` was read.
fn open(pid: i32, seen: &ProcessStat) -> Option<Process> {
    let handle = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    let is_same = running(pid)?.started == seen.started;
    is_same.then_some(Process { handle, pid, parent: seen.parent, started: seen.started })
}
