//! Shows a run on the terminal, on standard error.

use std::io::{self, BufRead, Write};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use az_core::Error;
use az_core::engine::{EventSink, RunEvent};
use tokio::sync::oneshot;

use super::columns::fit;
use super::humanize::printable;
use super::printer::Printer;
use super::story::Story;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TICK: Duration = Duration::from_millis(100);

/// Shows a run. One thread owns the line, so that spinner, text and questions do not mix.
#[derive(Debug)]
pub struct Live {
    to: Mutex<Option<mpsc::Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Event(Box<RunEvent>),
    Ask { question: String, reply: oneshot::Sender<Option<String>> },
    Say(String),
}

impl Live {
    /// Starts the thread that shows the run.
    ///
    /// # Errors
    ///
    /// `Threads` if the system starts none.
    pub fn start(printer: &Printer) -> Result<Self, Error> {
        let (to, from) = mpsc::channel();
        let screen = Screen {
            story: Story::new(printer.err_style()),
            animated: printer.is_animated(),
            quiet: printer.is_quiet(),
            frame: 0,
            since: Instant::now(),
        };
        let thread = Builder::new().name("az-screen".to_owned()).spawn(move || screen.show(&from));
        let thread = thread.map_err(|source| Error::Threads { source })?;
        Ok(Self { to: Mutex::new(Some(to)), thread: Mutex::new(Some(thread)) })
    }

    /// Asks a question; the answer is `None` if the input has ended.
    pub fn ask(&self, question: String) -> oneshot::Receiver<Option<String>> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Ask { question, reply });
        answer
    }

    /// Shows a message between the lines of the run, unless `--quiet` is set.
    pub fn say(&self, text: &str) {
        self.send(Message::Say(printable(text)));
    }

    /// Waits until everything is shown, but not for the answer to an open question.
    pub fn finish(&self) {
        self.to.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let given_up = Instant::now() + Duration::from_secs(1);
        while !thread.is_finished() && Instant::now() < given_up {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn send(&self, message: Message) {
        if let Some(to) = &*self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            // Once the screen is closed, messages are dropped.
            to.send(message).ok();
        }
    }
}

impl EventSink for Live {
    fn emit(&self, event: &RunEvent) {
        self.send(Message::Event(Box::new(event.clone())));
    }
}

struct Screen {
    story: Story,
    animated: bool,
    quiet: bool,
    frame: usize,
    since: Instant,
}

impl Screen {
    fn show(mut self, from: &mpsc::Receiver<Message>) {
        loop {
            let message = match from.recv_timeout(TICK) {
                Ok(message) => message,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.spin();
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            match message {
                Message::Event(event) => self.tell(&event),
                Message::Say(text) => self.write(&[text]),
                Message::Ask { question, reply } => {
                    self.wipe();
                    // The caller may have stopped waiting for the answer.
                    reply.send(question_at_terminal(&question)).ok();
                }
            }
        }
        self.wipe();
    }

    fn tell(&mut self, event: &RunEvent) {
        let doing = self.story.doing().is_some();
        let lines = self.story.tell(event);
        if !doing {
            self.since = Instant::now();
        }
        self.write(&lines);
    }

    fn write(&self, lines: &[String]) {
        if lines.is_empty() || self.quiet {
            return;
        }
        self.wipe();
        let mut err = io::stderr().lock();
        for line in lines {
            writeln!(err, "{line}").ok();
        }
    }

    fn spin(&mut self) {
        let Some(doing) = self.story.doing().filter(|_| self.animated) else { return };
        self.frame = (self.frame + 1) % FRAMES.len();
        let frame = FRAMES.get(self.frame).copied().unwrap_or_default();
        let time = format!("{}s", self.since.elapsed().as_secs());
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(w, _)| w.0);
        // The frame, two blanks, and the last column, after which some terminals begin a new line.
        let room = usize::from(width).saturating_sub(4 + time.len());
        let doing = fit(&doing, room);
        write!(io::stderr().lock(), "\r\x1b[2K{frame} {doing} {time}").ok();
    }

    fn wipe(&self) {
        if self.animated {
            write!(io::stderr().lock(), "\r\x1b[2K").ok();
        }
    }
}

fn question_at_terminal(question: &str) -> Option<String> {
    // What was typed before the question appeared is not an answer to it.
    rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush).ok();
    write!(io::stderr().lock(), "{question} [y/N] ").ok();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer).ok()?;
    (read > 0).then_some(answer)
}
