//! Crash points: places where tests kill the process, to prove that nothing is lost.
//!
//! The points that a run passes are numbered in order. Armed with `N`, the process sends itself
//! SIGKILL at the N-th, which has the effect of a power failure. Armed with `trace`, it prints each
//! to standard error, which enumerates them. Armed with `stop:N`, or `stop:NAME`, it sends itself SIGSTOP
//! at the N-th point, which it prints, or at the first one of that name, and with `stop:*` at each. That has
//! the effect of a paused machine, and a test can do anything to the process at a known point.
//!
//! Tests can also set the wall clock of the process, as a time server would.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use signal_hook::consts::{SIGKILL, SIGSTOP};
use signal_hook::low_level::raise;

/// Whether this build has crash points.
pub const AVAILABLE: bool = true;

#[derive(Debug)]
enum Plan {
    Trace,
    KillAt(u64),
    StopAt(u64),
    StopAtName(String),
    StopAtEach,
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);
static STOPPED: AtomicBool = AtomicBool::new(false);
static SHIFT: OnceLock<PathBuf> = OnceLock::new();

/// Arms the process with a plan: `trace`, `stop:` and the number or the name of the point at which it is
/// stopped (`*` for each), or the number (from 1) of the point at which it is killed.
///
/// The first plan stays; other text is ignored.
pub fn arm(plan: &str) {
    let plan = match plan.strip_prefix("stop:") {
        Some("*") => Some(Plan::StopAtEach),
        Some(at) => Some(at.parse().map_or_else(|_| Plan::StopAtName(at.to_owned()), Plan::StopAt)),
        None if plan == "trace" => Some(Plan::Trace),
        None => plan.parse().ok().map(Plan::KillAt),
    };
    if let Some(plan) = plan {
        PLAN.get_or_init(|| plan);
    }
}

/// Shifts the wall clock by the number of seconds in a file, forward or back. Each reading of the clock
/// reads the file, so that a test can move the clock of a running process. Without a file, or with
/// another text in it, the clock is not shifted. The first call decides.
pub fn shift_clock(file: PathBuf) {
    SHIFT.get_or_init(|| file);
}

/// Returns the time that the wall clock shows at `now`.
pub fn shifted(now: Timestamp) -> Timestamp {
    let text = SHIFT.get().and_then(|file| fs::read_to_string(file).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

/// Passes a point; see [`point!`](crate::point).
pub fn pass(name: &'static str) {
    let Some(plan) = PLAN.get() else { return };
    let passage = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    match plan {
        Plan::Trace => print(passage, name),
        Plan::StopAtEach => send_to_this_thread(SIGSTOP),
        Plan::KillAt(at) if *at == passage => send_to_this_thread(SIGKILL),
        Plan::StopAt(at) if *at == passage => {
            print(passage, name);
            send_to_this_thread(SIGSTOP);
        }
        Plan::StopAtName(at) if at == name && !STOPPED.swap(true, Ordering::SeqCst) => {
            send_to_this_thread(SIGSTOP);
        }
        Plan::KillAt(_) | Plan::StopAt(_) | Plan::StopAtName(_) => {}
    }
}

fn print(passage: u64, name: &str) {
    writeln!(std::io::stderr(), "point {passage} {name}").ok();
}

/// Sends a signal to the calling thread, so that this thread does not pass the point before the process
/// is killed or stopped, and continues as soon as the process does.
fn send_to_this_thread(signal: i32) {
    raise(signal).ok();
}

/// Names a place where a crash must lose nothing.
#[macro_export]
macro_rules! point {
    ($name:literal) => {
        $crate::failpoint::pass($name)
    };
}
