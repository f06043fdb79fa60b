//! Runs one command, and kills its process tree if it is stopped.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};
use std::{io, mem};

use az_core::tool::Invocation;
use az_core::{blocking, point};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::timeout;

use super::background::{Background, Output, attend};
use super::capture::Capture;
use super::marks::{CALL_KEY, CALL_RUN, is_of_run, run_mark};
use super::process_tree;
use super::recent_lines::{RecentLines, Source};
use super::report::{CommandEnd, CommandReport};
use crate::builtin::output::OutputFiles;
use crate::sandbox::{
    Sandbox, SandboxError, SandboxOptions, SandboxPolicy, SandboxedChild, SandboxedCommand,
};
use crate::secrets::KnownSecrets;

/// How long a command may take to exit after SIGTERM.
const GRACE_PERIOD: Duration = Duration::from_millis(100);
/// How long output is read after the command exited.
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// A command to run.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) program: &'a Path,
    pub(super) command: &'a str,
    pub(super) workspace: &'a str,
    pub(super) sandbox: &'a dyn Sandbox,
    pub(super) policy: SandboxPolicy,
    /// What the policy was made from.
    pub(super) options: &'a SandboxOptions,
    pub(super) env: BTreeMap<String, String>,
    pub(super) key: &'a str,
    pub(super) limit: Duration,
    pub(super) output_limit: usize,
    pub(super) files: &'a OutputFiles,
    pub(super) secrets: &'a KnownSecrets,
}

/// Why a command has no report.
#[derive(Debug)]
pub(super) enum RunError {
    /// It was not started, because the lease of its task may have expired.
    LeaseLost(az_core::Error),
    /// It was not started.
    Spawn(SandboxError),
    /// It was started, and how it ended cannot be found out.
    Wait(io::Error),
}

/// Runs a command to its end, and reports the lines that it prints as progress.
///
/// If the command is stopped (timeout, cancellation, the future dropped), all processes that it
/// started are killed too. If it exits by itself, its background processes keep running until the
/// task ends, and what they print goes to a file.
pub(super) async fn run(job: Job<'_>, call: &Invocation) -> Result<CommandReport, RunError> {
    let started = Instant::now();
    let mark = run_mark();
    let (command, policy) = (command(&job, &mark), job.policy);
    call.lease.check().map_err(RunError::LeaseLost)?;
    let mut child = job.sandbox.spawn(command, policy).await.map_err(RunError::Spawn)?;
    // Declared after the child, hence dropped before it, while the shell is not yet reaped.
    let mut guard = KillGuard::new(&child, &mark);
    point!("shell.spawned");
    let lines = RecentLines::default();
    let capture = |source| {
        Capture::new(job.output_limit, job.secrets).reporting(&call.progress, source, &lines)
    };
    let (mut stdout, mut stderr) = (capture(Source::Stdout), capture(Source::Stderr));
    let shell = guard.shell;
    let mut pipes = (child.process.stdout.take(), child.process.stderr.take());
    let (end, open) = {
        let mut read = pin!(async {
            tokio::join!(stdout.fill(pipes.0.as_mut()), stderr.fill(pipes.1.as_mut()));
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
                exit = child.wait() => break exit.map_err(RunError::Wait)?.into(),
                () = &mut read, if !all_read => all_read = true,
            }
        };
        match end {
            CommandEnd::Exited(_) | CommandEnd::NotRun => guard.disarm(),
            CommandEnd::TimedOut(_) | CommandEnd::Cancelled => {
                guard.terminate(&mut child).await.map_err(RunError::Wait)?;
            }
        }
        point!("shell.exited");
        (end, !all_read && timeout(DRAIN_TIME, read).await.is_err())
    };
    let duration = started.elapsed();
    let background = match end {
        CommandEnd::Exited(_) => {
            // If the outputs stay open, the group need not be looked at: the processes of a sandbox
            // that end after the command are in it, too.
            let group = shell.filter(|_| !child.holds_output());
            let outputs = (Output::of(pipes.0, &mut stdout), Output::of(pipes.1, &mut stderr));
            attend(group, &mark, (outputs, open), job.files, call).await
        }
        CommandEnd::NotRun | CommandEnd::TimedOut(_) | CommandEnd::Cancelled => None,
    };
    let goes_on = background.as_ref().is_some_and(Background::is_kept);
    let (stdout, stderr) = (stdout.finish(goes_on), stderr.finish(goes_on));
    let (call, confined) = (call.call.clone(), (job.sandbox.tier(), job.options.clone()));
    Ok(CommandReport { end, stdout, stderr, duration, background, call, confined })
}

fn command(job: &Job<'_>, mark: &str) -> SandboxedCommand {
    SandboxedCommand::new(job.program, job.workspace)
        .with_args(["-c", job.command])
        .with_env(job.env.clone())
        .with_mark(CALL_KEY, job.key)
        .with_mark(CALL_RUN, mark)
}

/// Kills a command and its processes on drop, unless it is disarmed.
#[derive(Debug)]
struct KillGuard {
    /// The shell, which leads the session and the process group; `None` if disarmed.
    shell: Option<Pid>,
    mark: String,
}

impl KillGuard {
    fn new(child: &SandboxedChild, mark: &str) -> Self {
        let shell = child.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Self { shell, mark: mark.to_owned() }
    }

    fn disarm(&mut self) {
        self.shell = None;
    }

    /// Stops the command with SIGTERM, and with SIGKILL after the grace period.
    async fn terminate(&mut self, child: &mut SandboxedChild) -> io::Result<()> {
        let Some(shell) = self.shell else { return Ok(()) };
        let mark = self.mark.clone();
        // The descendants are looked up before the shell exits: they are reparented then.
        let find = move || process_tree::find(&|of| is_of_run(of, &mark), Some(shell));
        let found = blocking::run(find);
        let found = found.await.unwrap_or_default();
        if !process_tree::terminate(&found) {
            kill_process_group(shell, Signal::TERM).ok();
        }
        if timeout(GRACE_PERIOD, child.wait()).await.is_err() {
            kill_process_group(shell, Signal::KILL).ok();
            child.wait().await?;
        }
        self.disarm();
        let mark = mem::take(&mut self.mark);
        let kill = move || process_tree::kill(found, &|of| is_of_run(of, &mark));
        blocking::run(kill).await.ok();
        Ok(())
    }
}

impl Drop for KillGuard {
    fn drop(&mut self) {
        let Some(shell) = self.shell else { return };
        // This blocks for a few milliseconds; a destructor cannot await.
        let found = process_tree::find(&|of| is_of_run(of, &self.mark), Some(shell));
        kill_process_group(shell, Signal::KILL).ok();
        process_tree::kill(found, &|of| is_of_run(of, &self.mark));
    }
}
