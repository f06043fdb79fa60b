//! Shows on a terminal what a command waits for.

use std::io::{self, Write};

use super::columns::fit;
use super::printer::Printer;

/// A line on standard error that is overwritten, if that is a terminal. It is removed when the value is
/// dropped.
#[derive(Debug)]
pub struct Progress {
    animated: bool,
}

impl Progress {
    /// Creates a line that is still empty.
    pub const fn new(printer: &Printer) -> Self {
        Self { animated: printer.is_animated() }
    }

    /// Shows a text instead of the last one.
    pub fn show(&self, text: &str) {
        if self.animated {
            let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(w, _)| w.0);
            // After the last column some terminals begin a new line.
            let text = fit(text, usize::from(width).saturating_sub(1));
            // A closed terminal is not an error.
            write!(io::stderr().lock(), "\r\x1b[2K{text}").ok();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.show("");
    }
}
