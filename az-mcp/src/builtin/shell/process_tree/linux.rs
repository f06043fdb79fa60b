//! Finds and kills the processes of a call, including those that left its process group or session.
//!
//! A process belongs to a call if it has the call's mark in its environment, or descends from one
//! that has. Signals are sent through pidfds, so that a process that reuses a process id is never
//! hit.
//!
//! *Limit:* a process that has cleared its environment and whose marked parent has exited is not
//! found.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use az_core::text::one_line;
use az_core::tool::BackgroundProcess;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use crate::builtin::process::{ProcessStat, command_words, pids, stat};
use crate::sandbox::HELPER;

/// How often the search is repeated: processes may fork while they are searched.
const MAX_ROUNDS: u32 = 20;
/// How long a killed process may take to exit.
const EXIT_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The maximum length of a described command, in characters.
const DESCRIBED: usize = 200;

/// Decides by the environment of a process whether it belongs to a call.
pub(super) type Mark<'a> = &'a dyn Fn(&Environment) -> bool;

/// The environment of a process.
#[derive(Debug)]
pub(super) struct Environment(Vec<u8>);

/// A process that was found.
#[derive(Debug)]
pub(super) struct Process {
    /// Refers to this process even if its id is reused.
    handle: OwnedFd,
    pid: i32,
    parent: i32,
    started: u64,
}

impl Environment {
    /// Returns the value of a variable; `None` if it is not set or not UTF-8.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self
            .0
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        std::str::from_utf8(value?).ok()
    }
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
    }
    found.is_empty()
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
    is_marked(process.pid, &|environment| environment.get(HELPER).is_some())
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

/// Finds the running processes that have the mark or are roots, and all their descendants.
fn find_trees(mark: Mark<'_>, is_root: impl Fn(i32, u64) -> bool) -> Vec<Process> {
    let stats: HashMap<i32, ProcessStat> =
        pids().filter_map(|pid| Some((pid, running(pid)?))).collect();
    let excluded: HashSet<i32> = with_ancestors(&stats, getpid().as_raw_pid()).collect();
    let root = |(pid, stat): (&i32, &ProcessStat)| {
        let is_root = || is_root(*pid, stat.started) || is_marked(*pid, mark);
        (!excluded.contains(pid) && is_root()).then_some(*pid)
    };
    let roots: HashSet<i32> = stats.iter().filter_map(root).collect();
    if roots.is_empty() {
        return Vec::new();
    }
    let found = stats.iter().filter(|(pid, _)| {
        !excluded.contains(pid) && with_ancestors(&stats, **pid).any(|it| roots.contains(&it))
    });
    found.filter_map(|(pid, stat)| open(*pid, stat)).collect()
}

/// Returns a process and its ancestors.
fn with_ancestors(stats: &HashMap<i32, ProcessStat>, pid: i32) -> impl Iterator<Item = i32> {
    // Bounded: a table that is read while processes start and exit may contain a cycle.
    std::iter::successors(Some(pid), |pid| Some(stats.get(pid)?.parent)).take(1_000)
}

/// Reads the state of a process, unless it has exited.
fn running(pid: i32) -> Option<ProcessStat> {
    stat(pid).filter(|stat| !stat.has_exited())
}

fn is_marked(pid: i32, mark: Mark<'_>) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ"));
    environment.is_ok_and(|text| mark(&Environment(text)))
}

/// Opens a process, if the process id was not reused since `seen` was read.
fn open(pid: i32, seen: &ProcessStat) -> Option<Process> {
    let handle = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    let is_same = running(pid)?.started == seen.started;
    is_same.then_some(Process { handle, pid, parent: seen.parent, started: seen.started })
}
