//! Shows a run on the terminal, on standard error.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use az_core::Error;
use az_core::engine::{EventSink, RunEvent};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::humanize::printable;
use super::printer::Printer;
use super::screen::Screen;

/// Shows a run. One thread owns the terminal, so that progress, text, questions and what is typed do not
/// mix.
#[derive(Debug)]
pub struct Live {
    to: Mutex<Option<mpsc::Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is sent.
pub(super) enum Message {
    /// An event of the run.
    Event(Box<RunEvent>),
    /// A question, whose answer is sent back; `None` at the end of the input.
    Ask { question: String, reply: oneshot::Sender<Option<String>> },
    /// A message to show between the lines of the run.
    Say(String),
}

/// Where the lines go that a person types while the run is shown.
#[derive(Debug)]
pub struct TypedLines {
    pub(super) to: UnboundedSender<String>,
    /// Whether lines are read before the first event is shown.
    pub(super) at_once: bool,
}

impl TypedLines {
    /// Creates the destination for the lines that are typed during a run, from its first event to its end.
    pub const fn during_run(to: UnboundedSender<String>) -> Self {
        Self { to, at_once: false }
    }

    /// Creates the destination for the lines that are typed from now on, to the end of the run.
    pub const fn at_once(to: UnboundedSender<String>) -> Self {
        Self { to, at_once: true }
    }
}

impl Live {
    /// Starts the thread that shows the run, and that reads what is typed if there is a destination for it.
    ///
    /// # Errors
    ///
    /// `Threads` if the system starts none.
    pub fn start(printer: &Printer, typed: Option<TypedLines>) -> Result<Self, Error> {
        let (to, from) = mpsc::channel();
        let screen = Screen::new(printer, typed);
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
