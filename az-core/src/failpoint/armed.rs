//! Crash points: places where the process can be killed on purpose, to prove that nothing is lost.
//!
//! A run passes the points in an order of its own; the n-th passage is a crash point of that run.
//! Armed with `N`, the process sends itself SIGKILL at the N-th passage, as a power cut would.
//! Armed with `trace`, it prints every passage to standard error, which enumerates them.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether crash points exist in this build.
pub const AVAILABLE: bool = true;

#[derive(Debug, Clone, Copy)]
enum Plan {
    Trace,
    KillAt(u64),
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

/// Arms the process with a plan: `trace`, or the number of the passage to die at (from 1).
///
/// The first plan stays; text that is neither is ignored.
pub fn arm(plan: &str) {
    let plan =
        if plan == "trace" { Some(Plan::Trace) } else { plan.parse().ok().map(Plan::KillAt) };
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
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).ok();
        }
        Plan::KillAt(_) => {}
    }
}

/// Names a place where a crash must lose nothing.
#[macro_export]
macro_rules! point {
    ($name:literal) => {
        $crate::failpoint::pass($name)
    };
}
