//! Crash points: places where tests kill the process, to prove that nothing is lost.
//!
//! The points that a run passes are numbered in order. Armed with `N`, the process sends itself
//! SIGKILL at the N-th, which has the effect of a power failure. Armed with `trace`, it prints each
//! to standard error, which enumerates them. Armed with `stop:NAME`, it sends itself SIGSTOP at the
//! first point of that name, which has the effect of a paused machine.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};

/// Whether this build has crash points.
pub const AVAILABLE: bool = true;

#[derive(Debug)]
enum Plan {
    Trace,
    KillAt(u64),
    StopAt(String),
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Arms the process with a plan: `trace`, `stop:` and the name of the point at which it is stopped, or
/// the number (from 1) of the point at which it is killed.
///
/// The first plan stays; other text is ignored.
pub fn arm(plan: &str) {
    let plan = match plan.strip_prefix("stop:") {
        Some(name) => Some(Plan::StopAt(name.to_owned())),
        None if plan == "trace" => Some(Plan::Trace),
        None => plan.parse().ok().map(Plan::KillAt),
    };
    if let Some(plan) = plan {
        PLAN.get_or_init(|| plan);
    }
}

/// Passes a point; see [`point!`](crate::point).
pub fn pass(name: &'static str) {
    let Some(plan) = PLAN.get() else { return };
    let passage = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    match plan {
        Plan::Trace => {
            writeln!(std::io::stderr(), "point {passage} {name}").ok();
        }
        Plan::KillAt(at) if *at == passage => {
            kill_process(getpid(), Signal::KILL).ok();
        }
        Plan::StopAt(at) if at == name && !STOPPED.swap(true, Ordering::SeqCst) => {
            stop();
        }
        Plan::KillAt(_) | Plan::StopAt(_) => {}
    }
}

/// Stops the process, and returns as soon as it continues. Another thread may receive the signal, so
/// that the stop is noticed by the time that is missing.
fn stop() {
    let given_up = Instant::now() + Duration::from_secs(5);
    let mut before = Instant::now();
    kill_process(getpid(), Signal::STOP).ok();
    while before.elapsed() < Duration::from_millis(100) && before < given_up {
        before = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Names a place where a crash must lose nothing.
#[macro_export]
macro_rules! point {
    ($name:literal) => {
        $crate::failpoint::pass($name)
    };
}
