//! The thread that owns the terminal during a run.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use az_core::engine::RunEvent;
use az_core::journal::EventBody;

use super::columns::fit;
use super::live::{Message, TypedLines};
use super::printer::Printer;
use super::rows::{HINT, above, below, here, rows_of};
use super::secret::ask_while;
use super::story::Story;
use super::style::Style;
use super::typed;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TICK: Duration = Duration::from_millis(100);
/// The rows of a screen in which no line of a running command is shown.
const KEPT_ROWS: usize = 8;

/// What is shown of a run: its story, and below it the progress. While a person can type hints, there is a
/// row for them in between.
pub(super) struct Screen {
    story: Story,
    style: Style,
    animated: bool,
    quiet: bool,
    frame: usize,
    /// When what the run waits for began.
    since: Instant,
    hints: Option<Hints>,
}

/// The state of the row for hints.
struct Hints {
    to: TypedLines,
    /// Whether the run can read hints: from its start to its end.
    wanted: bool,
    /// Whether lines are read. What was typed before that was discarded.
    reads: bool,
    /// Whether the row is on the screen.
    drawn: bool,
}

impl Screen {
    pub(super) fn new(printer: &Printer, typed: Option<TypedLines>) -> Self {
        let hints = |to: TypedLines| Hints { wanted: to.at_once, to, reads: false, drawn: false };
        Self {
            // What commands print is for a person who also sees the answer.
            story: Story::new(printer.err_style()).showing_output(printer.is_interactive()),
            style: printer.err_style(),
            animated: printer.is_animated(),
            quiet: printer.is_quiet(),
            frame: 0,
            since: Instant::now(),
            hints: typed.map(hints),
        }
    }

    /// Shows what is sent, until the sender is dropped.
    pub(super) fn show(mut self, from: &mpsc::Receiver<Message>) {
        let mut tick = Instant::now() + TICK;
        loop {
            match from.recv_timeout(tick.saturating_duration_since(Instant::now())) {
                Ok(message) => self.handle(message),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if tick <= Instant::now() {
                self.read_hints();
                self.draw_progress();
                tick = Instant::now() + TICK;
            }
        }
        self.close();
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Event(event) => self.tell(&event),
            Message::Say(text) => self.write(&[text]),
            Message::Ask { question, reply } => {
                // A line that is complete before the question is shown is a hint, and not its answer.
                self.read_hints();
                self.wipe();
                match ask_while(&question, || !reply.is_closed()) {
                    // The caller may have stopped waiting for the answer just now.
                    Some(answer) => drop(reply.send(answer)),
                    None => put("\n[closed: no answer is needed any more]\n"),
                }
            }
        }
    }

    fn tell(&mut self, event: &RunEvent) {
        let doing = self.story.doing().is_some();
        let lines = self.story.tell(event);
        if !doing {
            self.since = Instant::now();
        }
        self.write(&lines);
        if !self.story.is_of_run(event) {
            return;
        }
        let ended = matches!(event.kind.recorded(), Some(EventBody::RunFinished { .. }));
        if let Some(hints) = &mut self.hints {
            hints.wanted = !ended;
        }
    }

    fn write(&mut self, lines: &[String]) {
        if self.quiet {
            return;
        }
        let (columns, height) = size();
        for line in lines.iter().flat_map(|line| line.split('\n')) {
            let rows = rows_of(line, columns);
            // The row for hints, the progress, and a row of what was before have to stay on the screen.
            if self.is_drawn() && rows + 3 <= height {
                put(&above(line, rows));
            } else {
                self.wipe();
                put(&format!("{line}\n"));
            }
        }
    }

    fn draw_progress(&mut self) {
        let doing = self.story.doing().filter(|_| self.animated);
        let typing = self.hints.as_ref().is_some_and(|hints| hints.wanted && hints.reads);
        if !self.animated || !typed::is_foreground() || (doing.is_none() && !typing) {
            return;
        }
        let progress = doing.map(|doing| self.progress(&doing)).unwrap_or_default();
        let progress: Vec<_> = [progress].into_iter().chain(self.printed()).collect();
        match &mut self.hints {
            Some(hints) if typing => {
                if !hints.drawn {
                    hints.drawn = true;
                    put(&format!("\r\x1b[J{HINT}"));
                }
                put(&below(&progress));
            }
            _ => put(&here(&progress)),
        }
    }

    fn progress(&mut self, doing: &str) -> String {
        self.frame = (self.frame + 1) % FRAMES.len();
        let frame = FRAMES.get(self.frame).copied().unwrap_or_default();
        let time = format!("{}s", self.since.elapsed().as_secs());
        // The frame, two blanks, and the last column, after which some terminals begin a new line.
        let room = size().0.saturating_sub(4 + time.len());
        format!("{frame} {} {time}", fit(doing, room))
    }

    /// Returns the last lines that the running tool printed, as many as leave room for others.
    fn printed(&self) -> Vec<String> {
        let (columns, height) = size();
        let lines = self.story.printed();
        let from = lines.len().saturating_sub(height.saturating_sub(KEPT_ROWS));
        let lines = lines.iter().skip(from);
        // Two blanks, and the last column.
        lines
            .map(|line| format!("  {}", self.style.dim(&fit(line, columns.saturating_sub(3)))))
            .collect()
    }

    /// Passes on the lines that were typed, once the run can read them.
    fn read_hints(&mut self) {
        let Some(hints) = &mut self.hints else { return };
        if !hints.wanted || !typed::is_foreground() {
            return;
        }
        if !hints.reads {
            hints.reads = true;
            typed::discard();
            return;
        }
        if let Some(text) = typed::lines() {
            hints.send(text);
            if hints.drawn {
                // The cursor is in the row of the progress now, which becomes the row for hints.
                put(&format!("\r\x1b[J{HINT}"));
            }
        }
    }

    fn is_drawn(&self) -> bool {
        self.hints.as_ref().is_some_and(|hints| hints.drawn)
    }

    /// Removes the progress, and the row for hints.
    fn wipe(&mut self) {
        if let Some(hints) = &mut self.hints {
            hints.drawn = false;
        }
        if self.animated {
            put("\r\x1b[J");
        }
    }

    /// Removes what is not part of the story. What was typed too late is passed on, too, so that the person
    /// is told; the beginning of a line is discarded, because the shell would get it.
    fn close(&mut self) {
        self.wipe();
        if let Some(hints) = self.hints.as_mut().filter(|hints| hints.reads)
            && typed::is_foreground()
        {
            if let Some(text) = typed::lines() {
                hints.send(text);
            }
            typed::discard();
        }
    }
}

impl Hints {
    fn send(&self, text: String) {
        if !text.trim().is_empty() {
            // The receiver is gone only if the command ends.
            self.to.to.send(text).ok();
        }
    }
}

/// Returns the columns and the rows of the terminal.
fn size() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(io::stderr());
    let size = size.map(|(width, height)| (usize::from(width.0), usize::from(height.0)));
    size.filter(|(width, _)| *width > 0).unwrap_or((80, 24))
}

/// Writes to the terminal with one call. A closed terminal is not an error.
fn put(text: &str) {
    let mut err = io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).ok();
}
