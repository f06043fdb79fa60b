//! Crash points: places where tests kill the process, to prove that nothing is lost.
//!
//! The points that a run passes are numbered in order. Armed with `N`, the process sends itself
//! SIGKILL at the N-th, which has the effect of a power failure. Armed with `trace`, it prints each
//! to standard error, which enumerates them.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether this build has crash points.
pub const AVAILABLE: bool = true;

#[derive(Debug, Clone, Copy)]
enum Plan {
    Trace,
    KillAt(u64),
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

/// Arms the process with a plan: `trace`, or the number (from 1) of the point at which it is
/// killed.
///
/// The first plan stays; other text is ignored.
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
