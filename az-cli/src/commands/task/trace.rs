//! `az task trace`.

#[cfg(feature = "otlp")]
#[path = "trace/otlp.rs"]
mod send;
#[cfg(not(feature = "otlp"))]
#[path = "trace/unsupported.rs"]
mod send;

use std::process::ExitCode;

use az_core::store::Store;
use az_core::task::Task;
use az_core::trace::{Span, TraceFold};
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, trace_in_words};
use crate::services::Services;
use crate::views::{SpanRowView, SpanView};

/// How many events are read at a time.
const PAGE: usize = 500;

const EXAMPLES: &str = "\
Examples:
  az task trace 4f2a9c81d0e7
  az task trace 4f2a9c81d0e7 --format json | jq '.. | select(.kind? == \"model\") | .duration_ms'
  az task trace 4f2a9c81d0e7 --otlp http://127.0.0.1:4318

The trace is computed from the journal, so that old tasks have one, too. --otlp sends it to a
collector by OTLP/HTTP, with the attributes of OpenTelemetry's conventions for GenAI and without
texts. Sent again, it has the same ids. It needs an az that was built with the feature `otlp`.";

/// Show the runs, steps, model calls and tool calls of a task as a tree with their times
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TraceArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    /// Send the trace to this OTLP collector instead
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

impl TraceArgs {
    /// Whether the command only looks something up.
    pub(super) const fn is_short(&self) -> bool {
        self.otlp.is_none()
    }
}

/// Shows or sends the trace.
///
/// # Errors
///
/// `UnknownTask`, the store's, or that the collector does not accept it.
pub(super) async fn run(args: &TraceArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services
        .store_to_read()
        .await?
        .ok_or_else(|| CliError::UnknownTask { id: args.id.clone(), near: Vec::new() })?;
    let task = find(&*store, &args.id).await?;
    let span = trace(&*store, &task).await?;
    let printer = services.printer();
    if let Some(url) = &args.otlp {
        let (spans, address) = send::send(&task, &span, url, services).await?;
        printer.say(&format!("sent {spans} spans to {address}"));
        return Ok(ExitCode::SUCCESS);
    }
    match args.format.choose(printer) {
        Format::Json => printer.json(&SpanView::from(&span))?,
        Format::Csv => printer.out(&csv(SpanRowView::all(&span))?)?,
        Format::Table => {
            printer.out(&trace_in_words(&span, printer.out_style(), printer.width()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn trace(store: &dyn Store, task: &Task) -> Result<Span, CliError> {
    let (mut fold, mut from) = (TraceFold::new(), 0);
    loop {
        let events = store.read(&task.id, from, PAGE).await?;
        events.iter().for_each(|event| fold.add(event));
        match events.last() {
            Some(last) if events.len() == PAGE => from = last.seq + 1,
            _ => return Ok(fold.finish(task)),
        }
    }
}
