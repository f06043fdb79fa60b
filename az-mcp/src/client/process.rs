//! The process of a server that is a program.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_core::text::one_line;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::options::ServerCommand;
use crate::sandbox::session::in_own_session;

/// How long a program may take to end by itself once its input is closed, and again after SIGTERM.
const GRACE: Duration = Duration::from_millis(500);
/// How long is waited for what a program that has ended wrote to its standard error.
const DRAIN: Duration = Duration::from_millis(100);
/// The longest line of the standard error that is recorded, in bytes.
const LONGEST_LINE: u64 = 4 << 10;
/// The most lines of the standard error that are recorded.
const MOST_LINES: usize = 1_000;
/// How many of the last lines are kept for the message about a failure.
const LAST_LINES: usize = 3;

/// A running program. On drop, it and what it has started are killed.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    group: Option<Pid>,
    said: Arc<Mutex<VecDeque<String>>>,
    listener: JoinHandle<()>,
}

impl ServerProcess {
    /// Starts a program in a session of its own, without a terminal that it could write to.
    ///
    /// # Errors
    ///
    /// Why it cannot be started.
    pub(super) fn start(
        server: &str,
        command: &ServerCommand,
    ) -> Result<(Self, ChildStdout, ChildStdin), String> {
        let mut process = Command::new(&command.program);
        process.args(&command.args).env_clear().envs(&command.env).kill_on_drop(true);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = &command.cwd {
            process.current_dir(directory);
        }
        in_own_session(&mut process, Vec::new());
        let cannot = |error: std::io::Error| format!("{} cannot be run: {error}", command.program);
        let mut child = process.spawn().map_err(cannot)?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pipes = (child.stdout.take(), child.stdin.take(), child.stderr.take());
        let (Some(stdout), Some(stdin), Some(stderr)) = pipes else {
            return Err("its standard input and output are not connected".to_owned());
        };
        let said = Arc::default();
        let listener = tokio::spawn(listen(server.to_owned(), stderr, Arc::clone(&said)));
        Ok((Self { child, group, said, listener }, stdout, stdin))
    }

    /// Says how the program ended, if it has, and what it wrote last to its standard error.
    pub(super) async fn ending(&mut self) -> String {
        let ended = tokio::time::timeout(DRAIN, self.child.wait()).await;
        tokio::time::timeout(DRAIN, &mut self.listener).await.ok();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said: Vec<_> = said.iter().map(String::as_str).collect();
        let how = match ended {
            Ok(Ok(status)) => format!("the program ended with {status}"),
            _ => "it closed its output".to_owned(),
        };
        if said.is_empty() { how } else { format!("{how}: {}", said.join(" | ")) }
    }

    /// Waits until the program has ended by itself, whose input is closed already; else ends it.
    pub(super) async fn end(mut self) {
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            tokio::time::timeout(GRACE, self.child.wait()).await.ok();
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Also if the program has ended: what it has started may still run.
        self.signal(Signal::KILL);
        self.listener.abort();
    }
}

/// Records the standard error of a program in the log, line by line.
async fn listen(server: String, stderr: ChildStderr, said: Arc<Mutex<VecDeque<String>>>) {
    let mut stderr = BufReader::new(stderr);
    let (mut line, mut lines) = (Vec::new(), 0);
    loop {
        line.clear();
        match (&mut stderr).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        lines += 1;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match lines {
            ..=MOST_LINES => tracing::info!(%server, "standard error of an MCP server: {text}"),
            line if line == MOST_LINES + 1 => {
                tracing::info!(%server, "further lines of its standard error are not recorded");
            }
            _ => {}
        }
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == LAST_LINES {
            said.pop_front();
        }
        said.push_back(one_line(text, 200));
    }
}
