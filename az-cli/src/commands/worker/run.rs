//! `az worker run`.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::engine::{
    Discard, EventSink, Stop, StopReason, WhenIdle, Worker, WorkerError, WorkerOptions,
    WorkerReport,
};
use az_core::task::UnattendedMode;
use clap::Args;

use crate::commands::ask_mode::AskMode;
use crate::error::CliError;
use crate::output::{Lines, duration};
use crate::services::Services;
use crate::signal::stop_on_signals;
use crate::views::{NoticeView, WorkerReportView, millis};

/// How long an idle worker waits before it polls the queue again.
const POLL: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  az task run --detach \"read notes.txt\" && az worker run --until-idle
  az worker run --concurrency 8

Any number of workers can share a store. Ctrl-C returns the running tasks to the queue, and the
next worker continues them. A worker cannot ask for approval: a call that needs it ends its task
as failed, unless the tool is allowed (--allow); with --ask wait, the task waits for
`az task approve`.";

/// Run queued tasks, most urgent first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Run this many tasks at once
    #[arg(long, short = 'j', default_value = "4", value_name = "N")]
    concurrency: NonZeroUsize,
    /// Exit when no task can be run, instead of waiting for tasks
    #[arg(long)]
    until_idle: bool,
    /// If a call needs an approval: park the task until the call is answered, or end it as failed; for
    /// tasks that were created without --ask [default: deny]
    #[arg(long, value_name = "MODE")]
    ask: Option<AskMode>,
}

/// Runs the worker.
///
/// # Errors
///
/// The store's, a settings error for invalid entries or rules, or that tasks could not be returned to
/// the queue.
pub(super) async fn run(args: &RunArgs, services: &Services) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let stop = Stop::new();
    stop_on_signals(&stop, StopReason::Shutdown, printer)?;
    if let Some(why) = services.models()?.settle_default().await? {
        printer.say(&format!("tasks that name no model will fail: {why}"));
    }
    let options = WorkerOptions {
        concurrency: args.concurrency.get(),
        when_idle: if args.until_idle { WhenIdle::End } else { WhenIdle::Wait },
        poll: POLL,
    };
    let (sink, flush): (Arc<dyn EventSink>, _) = match (printer.is_json(), printer.is_quiet()) {
        (true, _) => lines(Lines::json()?),
        (false, true) => (Arc::new(Discard), None),
        (false, false) => lines(Lines::ends(printer.err_style())?),
    };
    let begun = Instant::now();
    let unattended = args.ask.map(UnattendedMode::from);
    services.list_new_servers().await;
    let engine = services.engine(sink, None, unattended).await?;
    let worker = Worker::new(engine, options);
    let ended = worker.run(stop).await;
    drop(worker);
    services.close_servers().await;
    services.finish_notifications().await;
    drop(flush);
    let (report, error) = match ended {
        Ok(report) => (report, None),
        Err(WorkerError { report, source, .. }) => (report, Some(source)),
    };
    let took = begun.elapsed();
    if printer.is_json() {
        let view = WorkerReportView::new(&report, millis(took));
        printer.json_line(&NoticeView::WorkerFinished(view))?;
    }
    printer.say(&in_words(report, took));
    match error {
        Some(error) => Err(error.into()),
        None if report.unreleased > 0 => Err(CliError::Unreleased { tasks: report.unreleased }),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn lines<F>((lines, flush): (Lines, F)) -> (Arc<dyn EventSink>, Option<F>) {
    (Arc::new(lines), Some(flush))
}

fn in_words(report: WorkerReport, took: Duration) -> String {
    let WorkerReport { completed, failed, cancelled, parked, released, lost, unreleased } = report;
    let mut text = format!("{completed} completed");
    for (n, word) in [
        (failed, "failed"),
        (cancelled, "cancelled"),
        (parked, "waiting for an answer"),
        (released, "returned to the queue"),
        (lost, "claimed by another worker"),
        (unreleased, "not returned to the queue"),
    ] {
        if n > 0 {
            text.push_str(&format!(", {n} {word}"));
        }
    }
    format!("{text} in {}", duration(took))
}
