//! Writes to standard output and standard error: data to the one, messages to the other.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::humanize;
use super::style::Style;
use crate::config::{Env, OutputColor, OutputFormat, OutputSection};
use crate::error::CliError;
use crate::global_args::GlobalArgs;
use crate::redact::Redactor;
use crate::views::NoticeView;

/// The format of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    Table,
    /// A JSON document.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// The option that every listing has.
#[derive(Debug, Clone, Args)]
pub struct FormatArgs {
    /// Print in this format [default: output.format of the configuration, else table]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

impl FormatArgs {
    /// Returns the format: `--json` overrides the option, the option the configuration.
    pub fn choose(&self, printer: &Printer) -> Format {
        match self.format {
            _ if printer.json => Format::Json,
            Some(format) => format,
            None => printer.format(),
        }
    }
}

/// Prints data and messages.
#[derive(Debug, Clone)]
pub struct Printer {
    quiet: bool,
    json: bool,
    /// Whether the environment and the options allow colours.
    may_colour: bool,
    /// The styles without a configuration.
    out: Style,
    err: Style,
    animated: bool,
    /// What the configuration says, once it was read; all clones of a printer share it.
    output: Arc<OnceLock<OutputSection>>,
}

impl Printer {
    /// Returns a printer for these flags, this environment, and the terminals or pipes it prints to.
    pub fn new(args: &GlobalArgs, env: &Env) -> Self {
        let dumb = env.get("TERM") == Some("dumb");
        let coloured = !args.no_color && env.get("NO_COLOR").is_none() && !dumb;
        let style = |terminal: bool| {
            if coloured && terminal { Style::coloured() } else { Style::plain() }
        };
        Self {
            quiet: args.quiet,
            json: args.json,
            may_colour: coloured,
            out: style(io::stdout().is_terminal()),
            err: style(io::stderr().is_terminal()),
            animated: io::stderr().is_terminal() && !args.quiet && !dumb,
            output: Arc::default(),
        }
    }

    /// Returns a printer that prints no messages.
    #[must_use]
    pub fn into_quiet(self) -> Self {
        Self { quiet: true, animated: false, ..self }
    }

    /// Sets what the configuration says about output, for all clones of the printer.
    pub fn set_output(&self, output: OutputSection) {
        // A command resolves the configuration once; with a store's settings, the output is the same.
        self.output.set(output).ok();
    }

    /// Returns the format of listings without the option.
    fn format(&self) -> Format {
        match self.output.get().and_then(|output| output.format) {
            None | Some(OutputFormat::Table) => Format::Table,
            Some(OutputFormat::Json) => Format::Json,
            Some(OutputFormat::Csv) => Format::Csv,
        }
    }

    fn style(&self, usual: Style) -> Style {
        match self.output.get().map(|output| output.color) {
            None | Some(OutputColor::Auto) => usual,
            Some(OutputColor::Always) if self.may_colour => Style::coloured(),
            Some(OutputColor::Always | OutputColor::Never) => Style::plain(),
        }
    }

    /// Whether a spinner may overwrite its line on standard error.
    pub const fn is_animated(&self) -> bool {
        self.animated
    }

    /// Whether a person reads both streams and no option asks for less: what is printed may be for people only.
    pub fn is_interactive(&self) -> bool {
        let terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
        terminals && !self.quiet && !self.json
    }

    /// Whether `--json` is set.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether `--quiet` is set.
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Returns the style of standard output.
    pub fn out_style(&self) -> Style {
        self.style(self.out)
    }

    /// Returns the style of standard error.
    pub fn err_style(&self) -> Style {
        self.style(self.err)
    }

    /// Returns the width of standard output, if it is a terminal.
    pub fn width(&self) -> Option<u16> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
    }

    /// Prints data. A reader that closes the pipe early is not an error.
    ///
    /// # Errors
    ///
    /// When it cannot be written for another reason.
    pub fn out(&self, text: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::Io { what: "writing to standard output".to_owned(), source: error })
            }
            _ => Ok(()),
        }
    }

    /// Prints a line of data.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn line(&self, text: &str) -> Result<(), CliError> {
        self.out(&format!("{text}\n"))
    }

    /// Prints text from outside, such as a model's answer: unchanged into a pipe or a file, and with
    /// control characters escaped on a terminal.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn foreign(&self, text: &str) -> Result<(), CliError> {
        match io::stdout().is_terminal() {
            true => self.line(&humanize::printable(text)),
            false => self.line(text),
        }
    }

    /// Prints what a command did: as text with control characters escaped, or with `--json` as a line of
    /// JSON.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn done(&self, text: &str, notice: &NoticeView) -> Result<(), CliError> {
        if self.json { self.json_line(notice) } else { self.line(&humanize::printable(text)) }
    }

    /// Prints a value as a line of JSON.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn json_line(&self, value: &impl Serialize) -> Result<(), CliError> {
        self.line(&serde_json::to_string(value).map_err(no_json)?)
    }

    /// Prints a value as one JSON document.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        self.line(&serde_json::to_string_pretty(value).map_err(no_json)?)
    }

    /// Prints a message on standard error, unless `--quiet` is set. Control characters are escaped: a
    /// message may contain names from files and providers.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            talk(&humanize::printable(text));
        }
    }

    /// Reports an error on standard error, with what to do about it; with `--json` also as an event.
    ///
    /// Messages of servers and systems may quote what they were given: the secrets that the redactor knows
    /// are masked.
    pub fn error(&self, error: &CliError, redactor: &Redactor) {
        if self.json && !matches!(error, CliError::TaskEnded { .. }) {
            let (message, help) = (redactor.redact(error.to_string()), error.remedy());
            let notice = NoticeView::Error { message, help, exit_code: error.exit_code() };
            // An error that cannot be written to standard output is still on standard error.
            self.json_line(&notice).ok();
        }
        let mut text = format!(
            "{} {}",
            self.err_style().red("error:"),
            humanize::printable(&redactor.redact(error.to_string()))
        );
        if let Some(remedy) = error.remedy() {
            let remedy = humanize::printable(&remedy);
            text.push_str(&format!("\n{} {remedy}", self.err_style().dim("help:")));
        }
        talk(&text);
    }
}

fn no_json(error: serde_json::Error) -> CliError {
    CliError::Io { what: "writing JSON".to_owned(), source: error.into() }
}

/// Writes to standard error. If that is closed, there is no other place for the message.
fn talk(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}
