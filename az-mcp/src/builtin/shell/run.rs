//! One command from its start to its end, whichever way it ends.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{io, mem};

use az_core::point;
use az_core::tool::Invocation;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::capture::Capture;
use super::report::{End, Report};
use super::sweep;

/// The variable by which everything that a call started is found after a crash.
const CALL: &str = "AZ_CALL_KEY";
/// The variable by which everything that this very run of a call started is found.
const RUN: &str = "AZ_CALL_RUN";

/// How long a command that is to end may take to end by itself.
const GRACE: Duration = Duration::from_millis(100);
/// How long output is read after the command itself ended.
const LINGER: Duration = Duration::from_millis(200);

/// A command to be run.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) command: &'a str,
    pub(super) workspace: &'a str,
    pub(super) env: BTreeMap<String, String>,
    pub(super) key: &'a str,
    pub(super) limit: Duration,
    pub(super) output_limit: usize,
}

/// Runs a command to its end, and reports the lines that it prints as progress.
///
/// If the command is stopped (time limit, cancellation, the future dropped), everything that it
/// started is stopped too. What it left in the background before it exited by itself keeps running.
pub(super) async fn run(job: Job<'_>, call: &Invocation) -> io::Result<Report> {
    let started = Instant::now();
    let mark = run_mark();
    let mut child = command(&job, &mark).spawn()?;
    // Declared after the child, hence dropped before it: the shell is still ours to look at.
    let mut guard = Guard::new(&child, &mark);
    point!("shell.spawned");
    let mut stdout = Capture::new(job.output_limit).reporting(&call.progress);
    let mut stderr = Capture::new(job.output_limit).reporting(&call.progress);
    let pipes = (child.stdout.take(), child.stderr.take());
    let (end, lingers) = {
        let mut read = pin!(async {
            tokio::join!(stdout.fill(pipes.0), stderr.fill(pipes.1));
        });
        let mut given_up = pin!(timeout(job.limit, call.cancel.cancelled()));
        let mut all_read = false;
        let end = loop {
            tokio::select! {
                biased;
                reason = &mut given_up => break match reason {
                    Ok(()) => End::Cancelled,
                    Err(_elapsed) => End::TimedOut(job.limit),
                },
                status = child.wait() => break End::Exited(status?),
                () = &mut read, if !all_read => all_read = true,
            }
        };
        match end {
            End::Exited(_) => guard.disarm(),
            End::TimedOut(_) | End::Cancelled => guard.end(&mut child).await?,
        }
        point!("shell.exited");
        let lingers = !all_read && timeout(LINGER, read).await.is_err();
        (end, lingers)
    };
    let (stdout, stderr) = (stdout.finish(), stderr.finish());
    Ok(Report { end, stdout, stderr, duration: started.elapsed(), lingers })
}

/// Ends everything that calls with this key left running, and tells whether it is gone.
pub(super) fn end_all(key: &str) -> bool {
    sweep::end(Vec::new(), &format!("{CALL}={key}"))
}

fn command(job: &Job<'_>, mark: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(job.command)
        .current_dir(job.workspace)
        .env_clear()
        .envs(&job.env)
        .env(CALL, job.key)
        .env(RUN, mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Returns a mark that no other run has, also not one of a process that has the same number: one
/// that comes later, or lives in another container.
fn run_mark() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    // The keys of hash maps are the randomness that the standard library has.
    let random = RandomState::new().hash_one(number);
    format!("{}-{number}-{random:016x}", std::process::id())
}

/// Sees to it that a command ends when nobody waits for it any more.
#[derive(Debug)]
struct Guard {
    /// The shell, which leads the process group; `None` once there is nothing to end.
    shell: Option<Pid>,
    mark: String,
}

impl Guard {
    fn new(child: &Child, mark: &str) -> Self {
        let shell = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Self { shell, mark: format!("{RUN}={mark}") }
    }

    fn disarm(&mut self) {
        self.shell = None;
    }

    /// Ends the command: politely, then not.
    async fn end(&mut self, child: &mut Child) -> io::Result<()> {
        let Some(shell) = self.shell else { return Ok(()) };
        let mark = self.mark.clone();
        // Looked up first: once the shell is gone, nobody knows any more whose children they were.
        let held = tokio::task::spawn_blocking(move || sweep::relatives(&mark, Some(shell)));
        let held = held.await.unwrap_or_default();
        kill_process_group(shell, Signal::TERM).ok();
        if timeout(GRACE, child.wait()).await.is_err() {
            kill_process_group(shell, Signal::KILL).ok();
            child.wait().await?;
        }
        self.disarm();
        let mark = mem::take(&mut self.mark);
        tokio::task::spawn_blocking(move || sweep::end(held, &mark)).await.ok();
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(shell) = self.shell else { return };
        // A few milliseconds, on the one path where nobody is left to wait for anything better.
        let held = sweep::relatives(&self.mark, Some(shell));
        kill_process_group(shell, Signal::KILL).ok();
        sweep::end(held, &self.mark);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::run_mark;

    #[test]
    fn a_mark_differs_also_where_process_and_count_are_the_same() {
        let marks: Vec<String> = (0..100).map(|_| run_mark()).collect();
        let random = marks.iter().filter_map(|mark| mark.rsplit('-').next());
        assert_eq!(random.collect::<HashSet<_>>().len(), 100);
    }
}
