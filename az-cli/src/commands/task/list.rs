//! `az task list`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::TimeRange;
use az_core::task::TaskFilter;
use az_core::text::one_line;
use az_core::{Clock, TaskPriority, TaskStatus, Usd};
use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::output::{FormatArgs, Table, age, amount, short};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task list
  az task list --status failed --limit 5
  az task list --priority urgent --format json | jq '.[].id'";

/// List tasks, the newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// Only in this status: initialized, pending, running, completed, failed, cancelled
    #[arg(long, short)]
    status: Option<TaskStatus>,
    /// Only of this priority: low, medium, high, urgent
    #[arg(long, short)]
    priority: Option<TaskPriority>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: usize,
    /// After leaving out this many
    #[arg(long, default_value_t = 0)]
    offset: usize,
    #[command(flatten)]
    format: FormatArgs,
}

/// A task as programs get it in a listing. Money is in nano-dollars.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a str,
    status: TaskStatus,
    priority: TaskPriority,
    model: Option<&'a str>,
    cost: Usd,
    /// Whether some of it has no known price.
    unpriced: bool,
    actual_tokens: u64,
    created_at: String,
    command: &'a str,
}

/// Lists.
///
/// # Errors
///
/// The store's.
pub(super) async fn run(args: &ListArgs, services: &Services) -> Result<ExitCode, CliError> {
    let filter = TaskFilter {
        status: args.status,
        priority: args.priority,
        limit: args.limit,
        offset: args.offset,
        ..TaskFilter::default()
    };
    let mut tasks = Vec::new();
    let store = services.store_to_read().await?;
    let exists = store.is_some();
    if let Some(store) = store {
        for task in store.list(&filter).await? {
            let entries = store.entries(TimeRange::ALL, Some(&(&task.id).into())).await?;
            let unpriced = entries.iter().any(|entry| entry.charge.cost.is_none());
            tasks.push((task, unpriced));
        }
    }
    let now = SystemClock.now();
    let mut table = Table::new(&["id", "status", "priority", "age", "cost", "command"]);
    let mut rows = Vec::with_capacity(tasks.len());
    for (task, unpriced) in &tasks {
        table.row(vec![
            short(task.id.as_str()),
            task.status.to_string(),
            task.priority.to_string(),
            age(task.created_at, now),
            amount(task.cost, *unpriced),
            one_line(&task.command, 200),
        ]);
        rows.push(Row {
            id: task.id.as_str(),
            status: task.status,
            priority: task.priority,
            model: task.model.as_deref(),
            cost: task.cost,
            unpriced: *unpriced,
            actual_tokens: task.actual_tokens,
            created_at: task.created_at.to_string(),
            command: &task.command,
        });
    }
    if tasks.is_empty() {
        services.printer().say(&nothing(&filter, exists, services));
    }
    table.print(&rows, args.format.choose(services.printer()), services.printer())?;
    Ok(ExitCode::SUCCESS)
}

/// Says why nothing is listed.
fn nothing(filter: &TaskFilter, exists: bool, services: &Services) -> String {
    if !exists {
        let address = services.store_address();
        return format!("there is no store at {address} yet; `az task run \"…\"` creates it");
    }
    let all = TaskFilter { limit: filter.limit, ..TaskFilter::default() };
    if *filter == all && filter.limit > 0 {
        return "no tasks; `az task run \"…\"` creates one".to_owned();
    }
    "no such tasks".to_owned()
}
