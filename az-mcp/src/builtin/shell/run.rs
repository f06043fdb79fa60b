//! Runs one command, and kills its process tree if it is stopped.

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
use super::process_tree;
use super::report::{CommandEnd, CommandReport};

/// The environment variable that marks the processes of a call; they are found by it after a crash.
const CALL_KEY_VAR: &str = "AZ_CALL_KEY";
/// The environment variable that marks the processes of one run of a call.
const RUN_MARK_VAR: &str = "AZ_CALL_RUN";

/// How long a command may take to exit after SIGTERM.
const GRACE_PERIOD: Duration = Duration::from_millis(100);
/// How long output is read after the command exited.
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// A command to run.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) command: &'a str,
    pub(super) workspace: &'a str,
    pub(super) env: BTreeMap<String, String>,
    pub(super) key: &'a str,
    pub(super) limit: Duration,
    pub(super) output_limit: usize,
}

/// Why a command has no report.
#[derive(Debug)]
pub(super) enum RunError {
    /// It was not started.
    Spawn(io::Error),
    /// It was started, and how it ended cannot be found out.
    Wait(io::Error),
}

/// Runs a command to its end, and reports the lines that it prints as progress.
///
/// If the command is stopped (timeout, cancellation, the future dropped), all processes that it
/// started are killed too. If it exits by itself, its background processes keep running.
pub(super) async fn run(job: Job<'_>, call: &Invocation) -> Result<CommandReport, RunError> {
    let started = Instant::now();
    let mark = run_mark();
    let mut command = command(&job, &mark);
    call.lease.check().map_err(|error| RunError::Spawn(io::Error::other(error)))?;
    let mut child = command.spawn().map_err(RunError::Spawn)?;
    // Declared after the child, hence dropped before it, while the shell is not yet reaped.
    let mut guard = KillGuard::new(&child, &mark);
    point!("shell.spawned");
    let mut stdout = Capture::new(job.output_limit).reporting(&call.progress);
    let mut stderr = Capture::new(job.output_limit).reporting(&call.progress);
    let pipes = (child.stdout.take(), child.stderr.take());
    let (end, has_background) = {
        let mut read = pin!(async {
            tokio::join!(stdout.fill(pipes.0), stderr.fill(pipes.1));
        });
        let mut stopped = pin!(timeout(job.limit, call.cancel.cancelled()));
        let mut all_read = false;
        let end = loop {
            tokio::select! {
                biased;
                reason = &mut stopped => break match reason {
                    Ok(()) => CommandEnd::Cancelled,
                    Err(_elapsed) => CommandEnd::TimedOut(job.limit),
                },
                status = child.wait() => {
                    break CommandEnd::Exited(status.map_err(RunError::Wait)?);
                }
                () = &mut read, if !all_read => all_read = true,
            }
        };
        match end {
            CommandEnd::Exited(_) => guard.disarm(),
            CommandEnd::TimedOut(_) | CommandEnd::Cancelled => {
                guard.terminate(&mut child).await.map_err(RunError::Wait)?;
            }
        }
        point!("shell.exited");
        let has_background = !all_read && timeout(DRAIN_TIME, read).await.is_err();
        (end, has_background)
    };
    let (stdout, stderr) = (stdout.finish(), stderr.finish());
    Ok(CommandReport { end, stdout, stderr, duration: started.elapsed(), has_background })
}

/// Kills the processes that calls with this key left running; returns whether all have exited.
pub(super) fn kill_all(key: &str) -> bool {
    process_tree::kill(Vec::new(), &format!("{CALL_KEY_VAR}={key}"))
}

fn command(job: &Job<'_>, mark: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(job.command)
        .current_dir(job.workspace)
        .env_clear()
        .envs(&job.env)
        .env(CALL_KEY_VAR, job.key)
        .env(RUN_MARK_VAR, mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Returns a unique mark for a run.
///
/// It also differs from those of processes with the same process id: later ones, and ones in other
/// containers.
fn run_mark() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    // The keys of hash maps are the standard library's only source of randomness.
    let random = RandomState::new().hash_one(number);
    format!("{}-{number}-{random:016x}", std::process::id())
}

/// Kills a command and its processes on drop, unless it is disarmed.
#[derive(Debug)]
struct KillGuard {
    /// The shell, which leads the process group; `None` if disarmed.
    shell: Option<Pid>,
    mark: String,
}

impl KillGuard {
    fn new(child: &Child, mark: &str) -> Self {
        let shell = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Self { shell, mark: format!("{RUN_MARK_VAR}={mark}") }
    }

    fn disarm(&mut self) {
        self.shell = None;
    }

    /// Stops the command with SIGTERM, and with SIGKILL after the grace period.
    async fn terminate(&mut self, child: &mut Child) -> io::Result<()> {
        let Some(shell) = self.shell else { return Ok(()) };
        let mark = self.mark.clone();
        // The descendants are looked up before the shell exits: they are reparented then.
        let found = tokio::task::spawn_blocking(move || process_tree::find(&mark, Some(shell)));
        let found = found.await.unwrap_or_default();
        kill_process_group(shell, Signal::TERM).ok();
        if timeout(GRACE_PERIOD, child.wait()).await.is_err() {
            kill_process_group(shell, Signal::KILL).ok();
            child.wait().await?;
        }
        self.disarm();
        let mark = mem::take(&mut self.mark);
        tokio::task::spawn_blocking(move || process_tree::kill(found, &mark)).await.ok();
        Ok(())
    }
}

impl Drop for KillGuard {
    fn drop(&mut self) {
        let Some(shell) = self.shell else { return };
        // This blocks for a few milliseconds; a destructor cannot await.
        let found = process_tree::find(&self.mark, Some(shell));
        kill_process_group(shell, Signal::KILL).ok();
        process_tree::kill(found, &self.mark);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::run_mark;

    #[test]
    fn marks_differ_even_if_process_id_and_counter_are_equal() {
        let marks: Vec<String> = (0..100).map(|_| run_mark()).collect();
        let random = marks.iter().filter_map(|mark| mark.rsplit('-').next());
        assert_eq!(random.collect::<HashSet<_>>().len(), 100);
    }
}
