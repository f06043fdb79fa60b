//! Log records: as lines of a table for people, as JSON or CSV for programs.

use std::io::{self, BufWriter, Write};

use az_core::Timestamp;
use az_core::log::{Level, LogRecord};
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::columns::{columns_of, cut, fit};
use super::humanize::age;
use super::printer::Printer;
use super::story::short;
use super::style::Style;
use crate::error::CliError;
use crate::redact::Redactor;
use crate::views::LogRecordView;

/// The widths of the columns before the message.
const WHEN: usize = 8;
const LEVEL: usize = 5;
const TASK: usize = 12;
const TARGET: usize = 22;
/// A terminal of this width has room for the target.
const WIDE: u16 = 120;

/// The format of log records.
#[derive(Debug)]
pub enum LogFormat {
    /// Lines of a table.
    Table(LogTable),
    /// A JSON array.
    Json,
    /// A JSON object per line.
    Lines,
    /// Comma-separated values with a header.
    Csv,
}

/// How times are shown.
#[derive(Debug, Clone)]
pub enum LogTimes {
    /// As how long ago they are from now.
    Ago(Timestamp),
    /// As the time of day.
    Clock(TimeZone),
}

/// The layout of lines. The widths of columns do not depend on the records, so that the first is printed before the
/// last is read.
#[derive(Debug)]
pub struct LogTable {
    style: Style,
    columns: Option<u16>,
    times: LogTimes,
}

impl LogTable {
    /// Creates a layout for standard output.
    pub fn new(printer: &Printer, times: LogTimes) -> Self {
        Self { style: printer.out_style(), columns: printer.width(), times }
    }

    fn header(&self) -> String {
        let when = match self.times {
            LogTimes::Ago(_) => "AGE",
            LogTimes::Clock(_) => "TIME",
        };
        self.line([when, "LEVEL", "TASK", "TARGET", "MESSAGE"], |level| level)
    }

    fn record(&self, record: &LogRecord) -> String {
        let when = match &self.times {
            LogTimes::Ago(now) => age(record.at, *now),
            LogTimes::Clock(zone) => {
                record.at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
            }
        };
        let task = record.task.as_ref().map_or("-".to_owned(), |task| short(task.as_str()));
        let cells = [&when, record.level.as_str(), &task, &record.target, &record.message];
        self.line(cells, |level| match record.level {
            Level::Error => self.style.red(&level),
            Level::Warn => self.style.yellow(&level),
            Level::Info => level,
            Level::Debug => self.style.dim(&level),
        })
    }

    fn line(&self, cells: [&str; 5], coloured: impl Fn(String) -> String) -> String {
        let [when, level, task, target, message] = cells;
        let is_wide = self.columns.is_none_or(|columns| columns >= WIDE);
        let mut before = format!("{}  ", padded(when, WHEN));
        let mut behind = format!("  {}  ", padded(task, TASK));
        if is_wide {
            behind.push_str(&format!("{}  ", padded(target, TARGET)));
        }
        let used = before.width() + LEVEL + behind.width();
        let columns = self.columns.map_or(usize::MAX, usize::from);
        let message = fit(message, columns.saturating_sub(used));
        // A terminal that is too narrow for the columns shows the beginning of the line, without colours.
        if used > columns {
            let line = format!("{before}{}{behind}", padded(level, LEVEL));
            return cut(&line, columns).into_owned();
        }
        before.push_str(&coloured(padded(level, LEVEL)));
        before.push_str(&behind);
        before.push_str(&message);
        before.truncate(before.trim_end().len());
        before
    }
}

/// Returns a text in exactly this many columns.
fn padded(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let missing = columns.saturating_sub(columns_of(&text));
    text + &" ".repeat(missing)
}

/// Writes log records in a format, piece by piece, with secrets masked.
///
/// A reader that closes the pipe is not an error: what follows is not written.
#[derive(Debug)]
pub struct LogWriter<W: Write> {
    out: BufWriter<W>,
    format: LogFormat,
    redactor: Redactor,
    begun: bool,
    count: u64,
    closed: bool,
}

impl<W: Write> LogWriter<W> {
    /// Creates a writer.
    pub fn new(out: W, format: LogFormat, redactor: Redactor) -> Self {
        let out = BufWriter::with_capacity(64 << 10, out);
        Self { out, format, redactor, begun: false, count: 0, closed: false }
    }

    /// Whether the reader has closed the pipe.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Writes records.
    ///
    /// # Errors
    ///
    /// When they cannot be written for another reason than a closed pipe.
    pub fn write(&mut self, records: &[LogRecord]) -> Result<(), CliError> {
        self.unless_closed(|writer| {
            writer.begin()?;
            for record in records {
                writer.record(record)?;
            }
            writer.out.flush()
        })
    }

    /// Writes the end.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn finish(&mut self) -> Result<(), CliError> {
        self.unless_closed(|writer| {
            writer.begin()?;
            if matches!(writer.format, LogFormat::Json) {
                writer.out.write_all(if writer.count == 0 { b"]\n" } else { b"\n]\n" })?;
            }
            writer.out.flush()
        })
    }

    fn unless_closed(
        &mut self,
        write: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> Result<(), CliError> {
        if self.closed {
            return Ok(());
        }
        match write(self) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(source) => Err(CliError::Io { what: "writing log records".to_owned(), source }),
            Ok(()) => Ok(()),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        match &self.format {
            LogFormat::Table(table) => writeln!(self.out, "{}", table.header()),
            LogFormat::Json => self.out.write_all(b"["),
            LogFormat::Lines => Ok(()),
            LogFormat::Csv => self.out.write_all(b"logged_at,level,target,task_id,message\n"),
        }
    }

    fn record(&mut self, record: &LogRecord) -> io::Result<()> {
        self.count += 1;
        let mut record = record.clone();
        record.message = self.redactor.redact(record.message);
        if let LogFormat::Table(table) = &self.format {
            return writeln!(self.out, "{}", table.record(&record));
        }
        let view = LogRecordView::from(record);
        match &self.format {
            LogFormat::Csv => {
                let mut line = csv::Writer::from_writer(&mut self.out);
                let LogRecordView { logged_at, level, target, task_id, message } = &view;
                let (at, task) = (logged_at.to_string(), task_id.as_ref().map(|id| id.as_str()));
                let cells = [&at, level.as_str(), target, task.unwrap_or_default(), message];
                line.write_record(cells).map_err(io::Error::from)?;
                line.flush()
            }
            LogFormat::Json => {
                self.out.write_all(if self.count == 1 { b"\n  " } else { b",\n  " })?;
                Ok(serde_json::to_writer(&mut self.out, &view)?)
            }
            _ => {
                serde_json::to_writer(&mut self.out, &view)?;
                self.out.write_all(b"\n")
            }
        }
    }
}
