//! Events, one per line: as JSON for programs, and the ends of tasks for the log of a worker.

use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use az_core::Error;
use az_core::engine::{EventSink, RunEvent, RunEventKind};
use az_core::journal::EventBody;
use az_core::task::Outcome;

use super::columns::fit;
use super::humanize::{duration, printable, run_cost};
use super::story::short;
use super::style::Style;
use super::tables::how_to_answer;
use crate::views::EventView;

/// Where lines go.
#[derive(Debug, Clone, Copy)]
enum Target {
    Stdout,
    Stderr,
}

/// Formats an event as a line; `None` leaves it out.
type Render = Box<dyn Fn(&RunEvent) -> Option<String> + Send + Sync>;

/// Writes events as lines, on a thread of its own, so that a slow reader does not delay the run.
pub struct Lines {
    lines: mpsc::Sender<String>,
    render: Render,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines(..)")
    }
}

/// Waits, when dropped, until all lines are written. Drop every clone of the sink before it.
#[derive(Debug)]
pub struct Flush(Option<JoinHandle<()>>);

impl Flush {
    /// Does not wait for the lines that are not written yet.
    pub fn abandon(mut self) {
        self.0 = None;
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic of the writer was printed by the panic hook.
            thread.join().ok();
        }
    }
}

impl Lines {
    /// Creates a sink that writes every event as a JSON object to standard output.
    ///
    /// # Errors
    ///
    /// `Threads` if the system starts no thread for it.
    pub fn json() -> Result<(Self, Flush), Error> {
        Self::start(Target::Stdout, Box::new(json_line))
    }

    /// Creates a sink that writes the end of every task and every budget alert to standard error.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn ends(style: Style) -> Result<(Self, Flush), Error> {
        Self::start(Target::Stderr, Box::new(move |event| in_a_line(event, style)))
    }

    fn start(target: Target, render: Render) -> Result<(Self, Flush), Error> {
        let (lines, written) = mpsc::channel::<String>();
        let thread = Builder::new().name("az-lines".to_owned()).spawn(move || {
            for line in written {
                // The reader may close the pipe; the run continues.
                write(target, &line).ok();
            }
        });
        let thread = thread.map_err(|source| Error::Threads { source })?;
        Ok((Self { lines, render }, Flush(Some(thread))))
    }
}

fn write(target: Target, line: &str) -> io::Result<()> {
    match target {
        Target::Stdout => {
            let mut out = io::stdout().lock();
            writeln!(out, "{line}")?;
            out.flush()
        }
        Target::Stderr => writeln!(io::stderr().lock(), "{line}"),
    }
}

impl EventSink for Lines {
    fn emit(&self, event: &RunEvent) {
        if let Some(line) = (self.render)(event) {
            // Once the writer has ended, events are dropped.
            self.lines.send(line).ok();
        }
    }
}

fn json_line(event: &RunEvent) -> Option<String> {
    serde_json::to_string(&EventView::live(event)?).ok()
}

fn in_a_line(event: &RunEvent, style: Style) -> Option<String> {
    if let RunEventKind::BudgetAlert(alert) = &event.kind {
        return Some(format!("{} {}", style.yellow("!"), printable(&alert.to_string())));
    }
    if let RunEventKind::Parked(waiting) = &event.kind {
        let id = short(event.task.as_str());
        let (what, how) = (waiting.in_words(), how_to_answer(&id, waiting.kind));
        return Some(format!("{} {id} waits for {}; {how}", style.yellow("?"), printable(&what)));
    }
    let Some(EventBody::RunFinished { outcome, totals }) = event.kind.recorded() else {
        return None;
    };
    let (mark, text) = match outcome {
        Outcome::Completed { answer } => (style.green("✔"), answer.as_str()),
        Outcome::Failed { failure } => (style.red("✘"), failure.message.as_str()),
        Outcome::Cancelled { failure } => (style.yellow("■"), failure.message.as_str()),
    };
    let facts = totals.as_ref().map_or_else(String::new, |totals| {
        let took = duration(Duration::from_millis(totals.millis));
        format!("{took} · {}", run_cost(totals))
    });
    let facts = style.dim(&facts);
    let text = fit(text, 80);
    Some(format!("{mark} {} {facts} {text}", short(event.task.as_str())))
}
