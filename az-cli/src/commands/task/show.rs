//! `az task show`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::TimeRange;
use az_core::journal::{ChildTotals, fold};
use az_core::task::TaskFilter;
use az_core::{Clock, Toolbox};
use clap::Args;

use super::find::find;
use super::unpriced::unpriced;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, task_in_words};
use crate::services::Services;
use crate::services::asked::Asked;
use crate::views::TaskView;

const EXAMPLES: &str = "\
Examples:
  az task show 4f2a9c81d0e7
  az task show 4f2a9c81d0e7 --format json | jq .answer
  az task show 4f2a9c81d0e7 --format csv

With --format csv it prints the ledger entries of the task, one per line.";

/// Show one task: its command, status, answer and cost
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the task.
///
/// # Errors
///
/// `UnknownTask`, or the store's.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services
        .store_to_read()
        .await?
        .ok_or_else(|| CliError::UnknownTask { id: args.id.clone(), near: Vec::new() })?;
    let task = find(&*store, &args.id).await?;
    let history = fold(&store.tail(&task.id).await?)?;
    let entries = store.entries(TimeRange::ALL, Some(&(&task.id).into())).await?;
    // The processes of a task end with it, so that those of the machine are not looked through.
    let background = match task.status.is_ended() {
        true => Vec::new(),
        false => services.toolbox()?.background(&task.id).await?,
    };
    let hints = store.hints(&task.id).await?;
    let asked = match &task.waiting {
        Some(waiting) => Asked::read(&*store, &task.id, &waiting.call).await?,
        None => Asked::default(),
    };
    let parts = TaskFilter { parent: Some(task.id.clone()), ..TaskFilter::default() };
    let mut children = store.list(&parts).await?;
    children.reverse();
    let unpriced = unpriced(&*store, &children).await?;
    let totals = ChildTotals::read(&*store, &task.id).await?;
    let view = TaskView::new(task, &history, entries)
        .with_children(children, &unpriced, totals)
        .with_background(background)
        .with_hints(hints)
        .with_asked(asked.arguments, asked.options);
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv(&view.entries)?)?,
        Format::Table => {
            printer.out(&task_in_words(&view, printer.out_style(), SystemClock.now()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
