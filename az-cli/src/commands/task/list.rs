//! `az task list`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::store::Store;
use az_core::task::TaskFilter;
use az_core::{Clock, TaskId, TaskPriority, TaskStatus};
use clap::Args;

use super::find::find;
use super::unpriced::unpriced;
use crate::commands::one_of;
use crate::error::CliError;
use crate::output::{FormatArgs, tasks_table, waiting_table};
use crate::services::Services;
use crate::views::TaskSummaryView;

const EXAMPLES: &str = "\
Examples:
  az task list
  az task list --status failed --limit 5
  az task list --waiting
  az task list --priority urgent --format json | jq '.[].id'";

/// List tasks, newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// List only tasks in this status
    #[arg(long, short, value_parser = one_of::status())]
    status: Option<TaskStatus>,
    /// List only tasks of this priority
    #[arg(long, short, value_parser = one_of::priority())]
    priority: Option<TaskPriority>,
    /// List only tasks that wait for an answer
    #[arg(long, short)]
    waiting: bool,
    /// List only the parts of this task
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// List at most this many tasks
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: usize,
    /// Skip this many tasks first
    #[arg(long, default_value_t = 0)]
    offset: usize,
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists the tasks.
///
/// # Errors
///
/// The store's.
pub(super) async fn run(args: &ListArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store_to_read().await?;
    let filter = TaskFilter {
        status: args.status,
        priority: args.priority,
        parent: parent(args.parent.as_deref(), store.as_deref()).await?,
        waiting: args.waiting,
        limit: args.limit,
        offset: args.offset,
        ..TaskFilter::default()
    };
    let exists = store.is_some();
    let mut tasks = Vec::new();
    if let Some(store) = store {
        let found = store.list(&filter).await?;
        let unpriced = unpriced(&*store, &found).await?;
        for task in found {
            let is_unpriced = unpriced.contains(&task.id);
            tasks.push(TaskSummaryView::new(task, is_unpriced));
        }
    }
    let printer = services.printer();
    if tasks.is_empty() {
        printer.say(&why_empty(&filter, exists, services));
    }
    let now = SystemClock.now();
    let table = match args.waiting {
        true => waiting_table(&tasks, now),
        false => tasks_table(&tasks, now),
    };
    table.print(&tasks, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the id of the task whose parts are listed.
async fn parent(
    typed: Option<&str>,
    store: Option<&dyn Store>,
) -> Result<Option<TaskId>, CliError> {
    match (typed, store) {
        (None, _) => Ok(None),
        (Some(typed), Some(store)) => Ok(Some(find(store, typed).await?.id)),
        (Some(typed), None) => {
            Err(CliError::UnknownTask { id: typed.to_owned(), near: Vec::new() })
        }
    }
}

/// Returns why the listing is empty.
fn why_empty(filter: &TaskFilter, exists: bool, services: &Services) -> String {
    if !exists {
        let address = services.store_address();
        return format!("no store at {address} yet; `az task run \"…\"` creates it");
    }
    let all = TaskFilter { limit: filter.limit, ..TaskFilter::default() };
    if *filter == all && filter.limit > 0 {
        return "no tasks; `az task run \"…\"` creates one".to_owned();
    }
    "no tasks match".to_owned()
}
