//! The only door to standard output and standard error: data goes to the one, talk to the other.

use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::humanize;
use super::style::Style;
use crate::config::Env;
use crate::error::CliError;
use crate::global_args::GlobalArgs;

/// How a listing is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// The option that every listing has.
#[derive(Debug, Clone, Args)]
pub struct FormatArgs {
    /// How to print it
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

impl FormatArgs {
    /// Returns the format, which `--json` overrides.
    pub const fn choose(&self, printer: &Printer) -> Format {
        if printer.json { Format::Json } else { self.format }
    }
}

/// Prints.
#[derive(Debug, Clone)]
pub struct Printer {
    quiet: bool,
    json: bool,
    out: Style,
    err: Style,
    animated: bool,
}

impl Printer {
    /// Returns a printer that respects the flags, the environment and what it prints to.
    pub fn new(args: &GlobalArgs, env: &Env) -> Self {
        let dumb = env.get("TERM") == Some("dumb");
        let wanted = !args.no_color && env.get("NO_COLOR").is_none() && !dumb;
        let style = |terminal: bool| {
            if wanted && terminal { Style::coloured() } else { Style::plain() }
        };
        Self {
            quiet: args.quiet,
            json: args.json,
            out: style(io::stdout().is_terminal()),
            err: style(io::stderr().is_terminal()),
            animated: io::stderr().is_terminal() && !args.quiet && !dumb,
        }
    }

    /// Whether standard error may be written over, as a spinner does.
    pub const fn is_animated(&self) -> bool {
        self.animated
    }

    /// Whether one JSON object per event was asked for.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only errors are welcome on standard error.
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Returns the style of standard output.
    pub const fn out_style(&self) -> Style {
        self.out
    }

    /// Returns the style of standard error.
    pub const fn err_style(&self) -> Style {
        self.err
    }

    /// Returns the width of standard output, if it is a terminal.
    pub fn width(&self) -> Option<u16> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
    }

    /// Prints data. Whoever reads it may stop reading: that is no error.
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

    /// Prints text that somebody else wrote, such as an answer: as it is for programs, and without
    /// what would take over the terminal for people.
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

    /// Prints what was done: a line for people, a line of JSON for programs.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn done(&self, text: &str, record: &serde_json::Value) -> Result<(), CliError> {
        if self.json { self.line(&record.to_string()) } else { self.line(text) }
    }

    /// Prints a value as one JSON document.
    ///
    /// # Errors
    ///
    /// As [`out`](Self::out).
    pub fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Io {
            what: "writing JSON".to_owned(),
            source: error.into(),
        })?;
        self.line(&text)
    }

    /// Says something on standard error, unless told to be quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            talk(text);
        }
    }

    /// Reports an error on standard error, with what to do about it; with `--json` also as an event.
    pub fn error(&self, error: &CliError) {
        if self.json && !matches!(error, CliError::TaskEnded { .. }) {
            let event = serde_json::json!({
                "event": "error",
                "message": error.to_string(),
                "help": error.remedy(),
                "exit_code": error.exit_code(),
            });
            // Nobody is left to tell when this cannot be written either.
            self.line(&event.to_string()).ok();
        }
        let mut text =
            format!("{} {}", self.err.red("error:"), humanize::printable(&error.to_string()));
        if let Some(remedy) = error.remedy() {
            text.push_str(&format!("\n{} {remedy}", self.err.dim("help:")));
        }
        talk(&text);
    }
}

/// A reader of standard error that went away is nobody left to tell.
fn talk(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}
