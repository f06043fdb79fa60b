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

/// A process that was found; stays the same one while this is held.
#[derive(Debug)]
pub(super) struct Process(OwnedFd);

/// What `/proc` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    started: u64,
}

/// Finds the living processes that carry a mark (`NAME=value`), `root`, and all that descend from
/// them; never this process or one that it descends from itself.
pub(super) fn relatives(mark: &str, root: Option<Pid>) -> Vec<Process> {
    let stats: HashMap<i32, Stat> = pids().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let spared: HashSet<i32> = line(&stats, getpid().as_raw_pid()).collect();
    let root = root.map(Pid::as_raw_pid);
    let is_seed = |pid: &i32| {
        !spared.contains(pid) && (root == Some(*pid) || is_marked(*pid, mark.as_bytes()))
    };
    let seeds: HashSet<i32> = stats.keys().copied().filter(is_seed).collect();
    if seeds.is_empty() {
        return Vec::new();
    }
    let found = stats.iter().filter(|(pid, _)| {
        !spared.contains(pid) && line(&stats, **pid).any(|ancestor| seeds.contains(&ancestor))
    });
    found.filter_map(|(pid, stat)| hold(*pid, *stat)).collect()
}

/// Ends the processes that are held and whatever else carries the mark, and waits until they are
/// gone.
pub(super) fn end(held: Vec<Process>, mark: &str) {
    let mut found = held;
    for _ in 0..ROUNDS {
        for Process(process) in &found {
            pidfd_send_signal(process, Signal::KILL).ok();
        }
        for Process(process) in &found {
            // A pidfd can be read once its process has ended.
            poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&PATIENCE)).ok();
        }
        found = relatives(mark, None);
        if found.is_empty() {
            return;
        }
    }
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
    (stat(pid)?.started == seen.started).then_some(Process(process))
}
