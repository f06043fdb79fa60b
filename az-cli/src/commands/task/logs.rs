//! `az task logs`.

use std::process::ExitCode;
use std::time::Duration;

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::journal::Event;
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::{EventText, Format, FormatArgs, Printer, csv, duration};
use crate::services::Services;
use crate::views::EventView;

/// How many events are read at a time.
const PAGE: usize = 500;

const EXAMPLES: &str = "\
Examples:
  az task logs 4f2a9c81d0e7
  az task logs 4f2a9c81d0e7 --full
  az task logs 4f2a9c81d0e7 --format json | jq 'select(.event == \"llm_result\")'

With --format json every event of the journal is a line, in the form of `az task run --json`.";

/// Show the journal of a task, event by event
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LogsArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    /// Print texts in full
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the journal.
///
/// # Errors
///
/// `UnknownTask`, or the store's.
pub(super) async fn run(args: &LogsArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services
        .store_to_read()
        .await?
        .ok_or_else(|| CliError::UnknownTask { id: args.id.clone(), near: Vec::new() })?;
    let task = find(&*store, &args.id).await?;
    let printer = services.printer();
    let format = args.format.choose(printer);
    let text = EventText::new(printer.out_style(), args.full, task.created_at);
    let mut from = 0;
    loop {
        let events = store.read(&task.id, from, PAGE).await?;
        print(&events, from == 0, (format, text), printer)?;
        match events.last() {
            Some(last) if events.len() == PAGE => from = last.seq + 1,
            _ => break,
        }
    }
    if from == 0 && store.read(&task.id, 0, 1).await?.is_empty() {
        let since = SystemClock.now().duration_since(task.created_at);
        let since = duration(Duration::try_from(since).unwrap_or_default());
        printer.say(&format!("no events yet; the task is {} since {since}", task.status));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(
    events: &[Event],
    is_first_page: bool,
    (format, text): (Format, EventText),
    printer: &Printer,
) -> Result<(), CliError> {
    match format {
        Format::Json => {
            events.iter().try_for_each(|event| printer.json_line(&EventView::recorded(event)))
        }
        Format::Csv => {
            let lines = csv(events.iter().map(EventText::line))?;
            let without_header = lines.split_once('\n').map_or("", |(_, rest)| rest);
            printer.out(if is_first_page { &lines } else { without_header })
        }
        Format::Table => events.iter().try_for_each(|event| printer.out(&text.in_words(event))),
    }
}
