//! Reads the lines that a person types while something else is shown.

use std::io::{self, BufRead, IsTerminal};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, QueueSelector, tcflush, tcgetattr, tcgetpgrp};

use super::secret::can_ask;

/// Whether a person can type while a task is shown: all streams are the terminal. With a pager, for example, it is
/// the pager that reads what is typed.
pub fn can_type() -> bool {
    can_ask() && io::stdout().is_terminal()
}

/// Returns the lines that are complete, without waiting. Lines that come together, as when a text is pasted,
/// are one text.
pub(super) fn lines() -> Option<String> {
    let mut typed = Vec::new();
    while is_ready() {
        // One read, which returns what is there: Ctrl-D ends a line without an end of line. The end of the
        // input is no line.
        let mut input = io::stdin().lock();
        let read = match input.fill_buf() {
            Ok(bytes) if !bytes.is_empty() => {
                typed.extend_from_slice(bytes);
                bytes.len()
            }
            Ok(_) | Err(_) => break,
        };
        input.consume(read);
    }
    let text = String::from_utf8_lossy(&typed);
    (!typed.is_empty()).then(|| text.trim_end().to_owned())
}

/// Discards what was typed.
pub(super) fn discard() {
    tcflush(io::stdin(), QueueSelector::IFlush).ok();
}

/// Returns `true` unless standard input is a terminal that another program uses: reading from it in the
/// background would stop the process.
pub(super) fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

/// Whether a line is complete. A terminal whose mode another program has changed is left to that program.
fn is_ready() -> bool {
    let stdin = io::stdin();
    let by_line = |modes: LocalModes| modes.contains(LocalModes::ICANON);
    if !tcgetattr(&stdin).is_ok_and(|mode| by_line(mode.local_modes)) {
        return false;
    }
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).is_ok() && polled.iter().any(|fd| fd.revents() == PollFlags::IN)
}
