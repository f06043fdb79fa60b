//! Finding and ending what a call started, also what left its process group and session.
//!
//! A process is a call's if it carries the call's mark in its environment, or descends from one
//! that does. Killing goes through pidfds, so that a process id that was taken over by somebody
//! else meanwhile is never hit.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

/// How often is looked again whether anything is left: what was about to fork leaves a child.
const ROUNDS: u32 = 20;
/// How long a killed process may take to go.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// A process that was found.
#[derive(Debug)]
pub(super) struct Process {
    /// Stays this process's, also when its number goes to another one.
    handle: OwnedFd,
    pid: i32,
    started: u64,
}

/// What `/proc` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    started: u64,
}

/// Finds the living processes that carry a mark (`NAME=value`), `root`, and all that descend from
/// them; never this process or one that it descends from itself.
pub(super) fn relatives(mark: &str, root: Option<Pid>) -> Vec<Process> {
    let root = root.map(Pid::as_raw_pid);
    family(mark, |pid, _| root == Some(pid))
}

/// Ends the processes that are held and whatever else carries the mark, waits until they are
/// gone, and tells whether they are.
///
/// They are all stopped before the first of them is ended: a shell that saw its command end would
/// go on to the next one.
pub(super) fn end(held: Vec<Process>, mark: &str) -> bool {
    let mut found = held;
    for _ in 0..ROUNDS {
        stop(&mut found, mark);
        if found.is_empty() {
            return true;
        }
        for Process { handle, .. } in &found {
            pidfd_send_signal(handle, Signal::KILL).ok();
        }
        for Process { handle, .. } in &found {
            // A pidfd can be read once its process has ended.
            poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&PATIENCE)).ok();
        }
        found = relatives(mark, None);
    }
    found.is_empty()
}

/// Stops processes and all that belongs to them, until nobody is left who could start another.
fn stop(held: &mut Vec<Process>, mark: &str) {
    let mut stopped = 0;
    for _ in 0..ROUNDS {
        for Process { handle, .. } in held.iter().skip(stopped) {
            pidfd_send_signal(handle, Signal::STOP).ok();
        }
        stopped = held.len();
        let is_held = |pid, started| held.iter().any(|it| (it.pid, it.started) == (pid, started));
        let mut found = family(mark, is_held);
        found.retain(|it| !is_held(it.pid, it.started));
        if found.is_empty() {
            return;
        }
        held.append(&mut found);
    }
}

/// Finds the living processes that carry the mark or are roots, and all that descend from them.
fn family(mark: &str, is_root: impl Fn(i32, u64) -> bool) -> Vec<Process> {
    let stats: HashMap<i32, Stat> = pids().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let spared: HashSet<i32> = line(&stats, getpid().as_raw_pid()).collect();
    let is_seed = |(pid, stat): (&i32, &Stat)| {
        let is_one = || is_root(*pid, stat.started) || is_marked(*pid, mark.as_bytes());
        (!spared.contains(pid) && is_one()).then_some(*pid)
    };
    let seeds: HashSet<i32> = stats.iter().filter_map(is_seed).collect();
    if seeds.is_empty() {
        return Vec::new();
    }
    let found = stats.iter().filter(|(pid, _)| {
        !spared.contains(pid) && line(&stats, **pid).any(|ancestor| seeds.contains(&ancestor))
    });
    found.filter_map(|(pid, stat)| hold(*pid, *stat)).collect()
}

/// Returns a process and its ancestors.
fn line(stats: &HashMap<i32, Stat>, pid: i32) -> impl Iterator<Item = i32> {
    // A table read while processes come and go could hold a circle; no family is that old.
    std::iter::successors(Some(pid), |pid| Some(stats.get(pid)?.parent)).take(1_000)
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Reads what is known of a process, unless it has ended.
fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may contain anything, parentheses too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    Some(Stat { parent: fields.next()?.parse().ok()?, started: fields.nth(17)?.parse().ok()? })
}

fn is_marked(pid: i32, mark: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ"));
    environment.is_ok_and(|text| text.split(|byte| *byte == 0).any(|variable| variable == mark))
}

/// Takes hold of a process, if it is still the one that was seen.
fn hold(pid: i32, seen: Stat) -> Option<Process> {
    let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    let is_same = stat(pid)?.started == seen.started;
    is_same.then_some(Process { handle: process, pid, started: seen.started })
}
