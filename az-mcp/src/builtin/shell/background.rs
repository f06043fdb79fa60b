//! What a command leaves running when it has exited.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use az_core::blocking;
use az_core::tool::{BackgroundProcess, Invocation};
use rustix::process::{Pid, test_kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};

use super::capture::Capture;
use super::marks::is_of_run;
use super::process_tree;
use crate::builtin::output::{OutputFiles, OutputWriter};
use crate::secrets::SecretFilter;

/// The size of the read buffer.
const CHUNK: usize = 16 << 10;

/// The background processes of a call.
#[derive(Debug, Default)]
pub(super) struct Background {
    /// The processes, as far as they were found.
    pub(super) processes: Vec<BackgroundProcess>,
    pub(super) output: BackgroundOutput,
}

/// What happens to what background processes print.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum BackgroundOutput {
    /// They have no open output of the command.
    #[default]
    Redirected,
    /// It is kept, and `output.read` returns it.
    Kept,
    /// It is read and discarded, because it cannot be kept.
    Discarded {
        /// The reason, if there is a directory for it.
        reason: Option<String>,
    },
}

impl Background {
    /// Whether what the processes print is kept.
    pub(super) fn is_kept(&self) -> bool {
        self.output == BackgroundOutput::Kept
    }
}

/// An output of a command that has exited.
#[derive(Debug)]
pub(super) struct Output<P> {
    pipe: Option<P>,
    /// The filter of what has been captured, with the bytes that it holds back.
    filter: SecretFilter,
}

impl<P> Output<P> {
    /// Returns the output of a pipe whose beginning has been captured.
    pub(super) fn of(pipe: Option<P>, captured: &mut Capture) -> Self {
        Self { pipe, filter: captured.filter_at_end() }
    }
}

/// Finds the background processes of a command, and keeps reading what they print, so that they do
/// not end by SIGPIPE. `None` if there are none.
///
/// `open` is whether a process has the pipes open. `group` is the process group of the command, if
/// only it has its processes.
pub(super) async fn attend(
    group: Option<Pid>,
    mark: &str,
    (outputs, open): ((Output<ChildStdout>, Output<ChildStderr>), bool),
    files: &OutputFiles,
    call: &Invocation,
) -> Option<Background> {
    // A process in a session of its own without open pipes is found when the task ends.
    let in_group = group.is_some_and(|group| test_kill_process_group(group).is_ok());
    if !open && !in_group {
        return None;
    }
    let mark = mark.to_owned();
    let find = move || {
        let found = process_tree::find(&|environment| is_of_run(environment, &mark), None);
        // A sandbox keeps the pipes open as long as there is a process in it.
        let has_open = |pipe: Option<BorrowedFd<'_>>| {
            pipe.is_some_and(|pipe| process_tree::has_open(&found, pipe))
        };
        let (stdout, stderr) = &outputs;
        let open = open
            && (has_open(stdout.pipe.as_ref().map(AsFd::as_fd))
                || has_open(stderr.pipe.as_ref().map(AsFd::as_fd)));
        (process_tree::describe(&found), open, outputs)
    };
    let (processes, open, (stdout, stderr)) = blocking::run(find).await.ok()?;
    if !open {
        let background = Background { processes, output: BackgroundOutput::Redirected };
        return (!background.processes.is_empty()).then_some(background);
    }
    let (files, task, id) = (files.clone(), call.task.clone(), call.call.clone());
    let created = blocking::run(move || files.create(&task, &id)).await;
    let created = created.unwrap_or_else(|error| Err(io::Error::other(error)));
    let (writer, output) = match created {
        Ok(Some(writer)) => (Some(writer), BackgroundOutput::Kept),
        Ok(None) => (None, BackgroundOutput::Discarded { reason: None }),
        Err(error) => (None, BackgroundOutput::Discarded { reason: Some(error.to_string()) }),
    };
    let writer = Arc::new(Mutex::new(writer));
    tokio::spawn(copy(stdout, Arc::clone(&writer)));
    tokio::spawn(copy(stderr, writer));
    Some(Background { processes, output })
}

/// Copies the output of background processes to a file until the last of them has exited, with its secrets
/// masked. If the file cannot be written, the output is discarded from then on.
async fn copy(from: Output<impl AsyncRead + Unpin>, to: Arc<Mutex<Option<OutputWriter>>>) {
    let Output { pipe: Some(mut pipe), mut filter } = from else { return };
    let mut chunk = vec![0; CHUNK];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        let mut bytes = Vec::new();
        let chunk = chunk.get(..read).unwrap_or_default();
        filter.push(chunk, |masked| bytes.extend_from_slice(masked));
        append(&to, bytes).await;
    }
    let mut bytes = Vec::new();
    filter.finish(|masked| bytes.extend_from_slice(masked));
    append(&to, bytes).await;
}

async fn append(to: &Arc<Mutex<Option<OutputWriter>>>, bytes: Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let to = Arc::clone(to);
    let write = move || {
        let mut writer = to.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.as_mut().is_some_and(|writer| writer.append(&bytes).is_err()) {
            *writer = None;
        }
    };
    // The task is cancelled only when the runtime shuts down.
    blocking::run(write).await.ok();
}
