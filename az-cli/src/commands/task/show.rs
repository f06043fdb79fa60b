//! `az task show`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{CostEntry, TimeRange};
use az_core::journal::{CallState, History, ToolOutcome, fold};
use az_core::{Clock, Task};
use clap::Args;
use serde::Serialize;

use super::find::find;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, Table, age, amount, duration, plural, printable, ran_for};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task show 4f2a9c81d0e7
  az task show 4f2a9c81d0e7 --format json | jq .answer
  az task show 4f2a9c81d0e7 --format csv

With --format csv it is the calls that cost something, one a line.";

/// Show one task: what was asked, what came of it, what it cost
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// The task: its id, or a beginning or end of it that no other has
    id: String,
    #[command(flatten)]
    format: FormatArgs,
}

/// A task as programs get it. Money is in nano-dollars.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    task: &'a Task,
    steps: u32,
    runs: u32,
    tool_calls: usize,
    unpriced: bool,
    costs: &'a [CostEntry],
}

/// Shows.
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
    let costs = store.entries(TimeRange::ALL, Some(&(&task.id).into())).await?;
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => printer.json(&Shown {
            task: &task,
            steps: history.steps,
            runs: history.runs,
            tool_calls: history.calls.len(),
            unpriced: history.unpriced,
            costs: &costs,
        })?,
        Format::Csv => Table::new(&[]).print(&costs_flat(&costs), Format::Csv, printer)?,
        Format::Table => printer.out(&in_words(&task, &history, services))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(task: &Task, history: &History, services: &Services) -> String {
    let style = services.printer().out_style();
    let now = SystemClock.now();
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| {
        lines.push(format!("{} {value}", style.dim(&format!("{name:<10}"))));
    };
    line("id", task.id.to_string());
    line("status", task.status.to_string());
    line("priority", task.priority.to_string());
    line("model", task.model.clone().unwrap_or_else(|| "chosen when it runs".to_owned()));
    line("created", format!("{} ({})", task.created_at, age(task.created_at, now)));
    if let Some(started) = task.started_at {
        line("started", started.to_string());
    }
    if let Some(ended) = task.completed_at {
        let took = ran_for(task).map(|d| format!(" (after {})", duration(d)));
        line("ended", format!("{ended}{}", took.unwrap_or_default()));
    }
    if let Some(workspace) = &task.options.workspace {
        line("workspace", workspace.clone());
    }
    if let Some(parent) = &task.parent_task_id {
        line("part of", parent.to_string());
    }
    line("steps", format!("{} in {}", history.steps, plural(history.runs.into(), "run")));
    line("tools", tool_calls(history));
    line("tokens", task.actual_tokens.to_string());
    line("cost", amount(task.cost, history.unpriced));
    let mut text = lines.join("\n");
    text.push_str(&format!("\n\n{}\n{}\n", style.bold("Task"), printable(&task.command)));
    if let Some(answer) = &task.answer {
        text.push_str(&format!("\n{}\n{}\n", style.bold("Answer"), printable(answer)));
    }
    if let Some(failure) = &task.failure {
        let failure = printable(&failure.message);
        text.push_str(&format!("\n{}\n{failure}\n", style.bold("Why it ended")));
    }
    text
}

fn tool_calls(history: &History) -> String {
    let ended = |wanted: ToolOutcome| {
        history
            .calls
            .values()
            .filter(|c| matches!(&c.state, CallState::Ended { outcome, .. } if *outcome == wanted))
            .count()
    };
    let mut text = format!("{} done", ended(ToolOutcome::Done));
    for (outcome, word) in [
        (ToolOutcome::Failed, "failed"),
        (ToolOutcome::Refused, "refused"),
        (ToolOutcome::Unknown, "with unknown outcome"),
    ] {
        if ended(outcome) > 0 {
            text.push_str(&format!(", {} {word}", ended(outcome)));
        }
    }
    text
}

/// A cost entry in flat fields.
#[derive(Debug, Serialize)]
struct CostRow<'a> {
    call: &'a str,
    provider: &'a str,
    model: &'a str,
    input_tokens: u64,
    output_tokens: u64,
    cost_nanos: Option<i64>,
    estimated: bool,
    at: String,
}

fn costs_flat(costs: &[CostEntry]) -> Vec<CostRow<'_>> {
    let rows = costs.iter().map(|entry| CostRow {
        call: entry.call.as_str(),
        provider: &entry.provider,
        model: &entry.model,
        input_tokens: entry.charge.usage.total_input(),
        output_tokens: entry.charge.usage.output,
        cost_nanos: entry.charge.cost.map(az_core::Usd::nanos),
        estimated: entry.charge.estimated,
        at: entry.at.to_string(),
    });
    rows.collect()
}
