//! Asks at the terminal: for a secret without showing it, and for consent.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use super::typed::discard;

/// How often it is checked whether an answer is still needed.
const INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Whether a person can be asked: standard input and standard error are terminals.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question at the terminal; returns the answer without the end of the line, or `None` at the
/// end of the input. What was typed before the question appeared is not an answer to it.
pub fn ask(question: &str) -> Option<String> {
    ask_while(question, || true).flatten()
}

/// Asks as [`ask`], as long as an answer is needed; returns `None` as soon as it is not.
pub(super) fn ask_while(question: &str, is_needed: impl Fn() -> bool) -> Option<Option<String>> {
    discard();
    write!(io::stderr().lock(), "{question} ").ok();
    let mut answer = Vec::new();
    while is_needed() {
        if is_line_ready(INTERVAL) {
            // Ctrl-D passes on the beginning of a line, so that reading a whole one could block.
            let has_ended = read_more(&mut answer) == 0;
            if has_ended || answer.ends_with(b"\n") {
                let text = String::from_utf8_lossy(&answer);
                return Some((!answer.is_empty()).then(|| text.trim().to_owned()));
            }
        }
    }
    // The beginning of an answer is no answer to the next question.
    discard();
    None
}

/// Reads what is there of a line; returns the number of bytes, which is 0 at the end of the input.
fn read_more(line: &mut Vec<u8>) -> usize {
    let mut input = io::stdin().lock();
    let Ok(bytes) = input.fill_buf() else { return 0 };
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    line.extend_from_slice(bytes.get(..end).unwrap_or_default());
    input.consume(end);
    end
}

/// Waits until standard input can be read: a line is complete, or the input has ended.
fn is_line_ready(interval: Timespec) -> bool {
    let stdin = io::stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut polled, Some(&interval)) {
        Ok(ready) => ready > 0,
        // A signal is no answer. Whatever else fails, reading says so.
        Err(error) => error != Errno::INTR,
    }
}

/// Asks for consent; anything but `y` and `yes` is a no.
pub fn consents(question: &str) -> bool {
    let answer = ask(&format!("{question} [y/N]")).unwrap_or_default().to_ascii_lowercase();
    answer == "y" || answer == "yes"
}

/// Asks for a secret at the terminal, which does not show it; returns `None` if the user cancels.
///
/// # Errors
///
/// A terminal that cannot be switched, or read.
pub fn ask_secret(question: &str) -> io::Result<Option<String>> {
    let _hidden = Hidden::new()?;
    write!(io::stderr().lock(), "{question} ").ok();
    let mut secret = Vec::new();
    let entered = loop {
        let mut byte = [0];
        if io::stdin().lock().read(&mut byte)? == 0 {
            break !secret.is_empty();
        }
        match byte {
            [b'\r' | b'\n'] => break true,
            // Ctrl-C and Ctrl-D: the terminal passes them on, so that it can be restored.
            [3 | 4] => break false,
            [8 | 127] => {
                secret.pop();
            }
            [21] => secret.clear(),
            [byte] => secret.push(byte),
        }
    };
    writeln!(io::stderr().lock()).ok();
    let secret = String::from_utf8(secret);
    let secret = secret.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))?;
    Ok(entered.then_some(secret))
}

/// A terminal that does not show what is typed, until this value is dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        // Discards what was typed before.
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0).ok();
    }
}
