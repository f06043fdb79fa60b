//! What happens, a line at a time: JSON for programs, the ends of tasks for whoever watches a
//! worker.

use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use az_core::Usd;
use az_core::engine::{EventSink, RunEvent, RunEventKind};
use az_core::journal::EventBody;
use az_core::task::Outcome;
use az_core::text::one_line;

use super::humanize::{duration, printable, task_cost};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::story::short;
use super::style::Style;

/// Where lines go.
#[derive(Debug, Clone, Copy)]
enum Target {
    Stdout,
    Stderr,
}

/// Turns an event into a line, or passes it over.
type Render = Box<dyn Fn(&RunEvent) -> Option<String> + Send + Sync>;

/// Writes events as lines, from a thread of its own so that a slow reader holds up nobody.
pub struct Lines {
    lines: mpsc::Sender<String>,
    render: Render,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines(..)")
    }
}

/// Waits, when dropped, until all lines are written. Drop all that hold the sink before it.
#[derive(Debug)]
pub struct Flush(Option<JoinHandle<()>>);

impl Drop for Flush {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A writer that panicked has said so itself.
            thread.join().ok();
        }
    }
}

impl Lines {
    /// Every event as one JSON object on standard output.
    pub fn json() -> (Self, Flush) {
        Self::start(Target::Stdout, Box::new(json_line))
    }

    /// The end of every task and the marks that budgets cross, a line each on standard error.
    pub fn ends(style: Style) -> (Self, Flush) {
        Self::start(Target::Stderr, Box::new(move |event| in_a_line(event, style)))
    }

    fn start(target: Target, render: Render) -> (Self, Flush) {
        let (lines, written) = mpsc::channel::<String>();
        let thread = std::thread::spawn(move || {
            for line in written {
                // Whoever reads may stop reading; the run goes on.
                write(target, &line).ok();
            }
        });
        (Self { lines, render }, Flush(Some(thread)))
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
            // A writer that is gone writes nothing more.
            self.lines.send(line).ok();
        }
    }
}

/// The fields of events that are amounts of money, which journals keep in nano-dollars.
const AMOUNTS: [&str; 5] = ["hold", "cost", "computed", "used", "amount"];

/// Returns an event as JSON; every amount of money says its unit.
fn json_line(event: &RunEvent) -> Option<String> {
    let mut json = serde_json::to_value(event).ok()?;
    let fields = json.as_object_mut()?;
    with_units(fields);
    if let Some(totals) = fields.get_mut("totals").and_then(Value::as_object_mut) {
        with_units(totals);
    }
    Some(json.to_string())
}

/// Replaces amounts by `…_nanos`, an integer, and `…_usd`, a decimal number as text.
fn with_units(fields: &mut Map<String, Value>) {
    for name in AMOUNTS {
        let Some(amount) = fields.get(name) else { continue };
        let Ok(amount) = Option::<Usd>::deserialize(amount) else { continue };
        fields.remove(name);
        fields.insert(format!("{name}_nanos"), amount.map(Usd::nanos).into());
        fields.insert(
            format!("{name}_usd"),
            amount.map(|usd| usd.to_string().replace('$', "")).into(),
        );
    }
}

fn in_a_line(event: &RunEvent, style: Style) -> Option<String> {
    if let RunEventKind::BudgetAlert(alert) = &event.kind {
        return Some(format!("{} {alert}", style.yellow("!")));
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
        format!("{took} · {}", task_cost(totals.cost, totals.unpriced))
    });
    let facts = style.dim(&facts);
    let text = printable(&one_line(text, 80));
    Some(format!("{mark} {} {facts} {text}", short(event.task.as_str())))
}
