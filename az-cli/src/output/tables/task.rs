//! Tasks: a listing, and one with everything that is known of it.

use std::time::Duration;

use az_core::task::WaitKind;
use az_core::text::{one_line, plural};
use az_core::tool::TodoList;
use az_core::{Timestamp, Usd};

use crate::output::{
    Style, Table, age, amount, cache_in_words, call_in_words, cost_with_children, duration, fit,
    prefix_change_in_words, printable, short,
};
use crate::views::{TaskImageView, TaskSummaryView, TaskView, ToolOutcomesView, WaitingView};

/// Returns the table of tasks.
pub fn tasks_table(tasks: &[TaskSummaryView], now: Timestamp) -> Table {
    let mut table = Table::new(&["id", "status", "priority", "age", "cost", "command"]);
    for task in tasks {
        table.row(vec![
            short(task.id.as_str()),
            status(task),
            task.priority.to_string(),
            age(task.created_at, now),
            cost(task),
            command(task),
        ]);
    }
    table
}

/// Returns the command in a line, with a mark if the task is a part of another one.
fn command(task: &TaskSummaryView) -> String {
    let command = one_line(&task.command, 200);
    match task.parent_task_id {
        Some(_) => format!("↳ {command}"),
        None => command,
    }
}

/// Returns the table of parked tasks, with what they wait for.
pub fn waiting_table(tasks: &[TaskSummaryView], now: Timestamp) -> Table {
    let mut table = Table::new(&["id", "since", "tool", "reason", "command"]);
    for (task, waiting) in tasks.iter().filter_map(|task| Some((task, task.waiting.as_ref()?))) {
        let reason = match waiting.is_overdue(now) {
            true => OVERDUE.to_owned(),
            false => one_line(&waiting.reason, 200),
        };
        table.row(vec![
            short(task.id.as_str()),
            age(waiting.since, now),
            waiting.tool.clone(),
            reason,
            one_line(&task.command, 200),
        ]);
    }
    table
}

/// What is shown of a parked task that may not be answered any more.
const OVERDUE: &str = "the time to answer ended: it counts as denied";

/// What is shown instead of the status of a parked task.
const WAITING: &str = "waiting";

fn status(task: &TaskSummaryView) -> String {
    match task.damage {
        Some(_) => "damaged".to_owned(),
        None if task.waiting.is_some() => WAITING.to_owned(),
        None => task.status.to_string(),
    }
}

fn cost(task: &TaskSummaryView) -> String {
    amount(Usd::from_nanos(task.cost_nanos), task.unpriced)
}

/// Returns everything that is known of a task.
pub fn task_in_words(task: &TaskView, style: Style, now: Timestamp) -> String {
    let mut text = String::new();
    for (name, value) in facts(task, now) {
        let name = style.dim(&format!("{name:<10}"));
        text.push_str(&format!("{name} {}\n", fit(&value, usize::MAX)));
    }
    let failure = task.failure.as_ref().map(|failure| &failure.message);
    let steps = TodoList { items: task.todo.clone() };
    let steps = (!steps.items.is_empty()).then(|| steps.render());
    for (title, body) in [
        ("Task", Some(&task.summary.command)),
        ("Steps", steps.as_ref()),
        ("Child tasks", children(task, now).as_ref()),
        ("Answer", task.answer.as_ref()),
        ("Why it ended", failure),
        ("Waits for", waits_for(task, now).as_ref()),
    ] {
        if let Some(body) = body {
            text.push_str(&format!("\n{}\n{}\n", style.bold(title), printable(body)));
        }
    }
    text
}

/// Returns the parts of a task, one a line.
fn children(task: &TaskView, now: Timestamp) -> Option<String> {
    let lines = task.children.iter().map(|child| {
        let id = short(child.id.as_str());
        let status = if child.waiting.is_some() { WAITING } else { child.status.as_str() };
        let cost = amount(Usd::from_nanos(child.cost_nanos), child.unpriced);
        let line = format!("{id}  {status:<9}  {cost}  {}", one_line(&child.command, 80));
        match &child.waiting {
            None => line,
            Some(waiting) if waiting.is_overdue(now) => format!("{line}\n{:14}{OVERDUE}", ""),
            Some(waiting) => {
                let (what, how) = (awaited(waiting), how_to_answer(&id, waiting.kind));
                format!("{line}\n{:14}{}; {how}", "", one_line(&what, 200))
            }
        }
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    (!lines.is_empty()).then_some(lines)
}

/// Returns the whole call that a parked task waits for, and how to answer it.
fn waits_for(task: &TaskView, now: Timestamp) -> Option<String> {
    let waiting = task.summary.waiting.as_ref()?;
    let WaitingView { tool, digest, since, deny_at, .. } = waiting;
    let id = short(task.summary.id.as_str());
    let mut text = format!("{}\n", awaited(waiting));
    if let Some(arguments) = &task.waiting_arguments {
        text.push_str(&format!("{}\n", call_in_words(tool, arguments, usize::MAX)));
    }
    if !task.waiting_options.is_empty() {
        text.push_str(&format!("one of: {}\n", task.waiting_options.join(", ")));
    }
    let digest: String = digest.chars().take(12).collect();
    text.push_str(&format!("since {since}; digest {digest}\n"));
    match deny_at {
        Some(deny_at) if waiting.is_overdue(now) => text.push_str(&format!(
            "the time to answer ended at {deny_at}: the call counts as denied\n\
             `az worker run` or `az task resume {id}` continues the task without it"
        )),
        deny_at => {
            if let Some(deny_at) = deny_at {
                text.push_str(&format!("denied without an answer at {deny_at}\n"));
            }
            text.push_str(&how_to_answer(&id, waiting.kind));
        }
    }
    Some(text)
}

/// Returns what a parked task waits for.
fn awaited(WaitingView { kind, tool, reason, .. }: &WaitingView) -> String {
    match kind {
        WaitKind::Question => format!("an answer to {tool}: {reason}"),
        _ => format!("approval of {tool}: {reason}"),
    }
}

/// Returns the commands that answer a parked task.
pub fn how_to_answer(id: &str, kind: WaitKind) -> String {
    match kind {
        WaitKind::Question => {
            format!("`az task answer {id} TEXT` answers it, `az task deny {id}` declines to")
        }
        _ => format!("`az task approve {id}` approves it, `az task deny {id}` denies it"),
    }
}

fn facts(task: &TaskView, now: Timestamp) -> Vec<(&'static str, String)> {
    let TaskView { summary, .. } = task;
    let created = summary.created_at;
    let mut facts = vec![
        ("id", summary.id.to_string()),
        ("status", status(summary)),
        ("priority", summary.priority.to_string()),
        ("model", summary.model.clone().unwrap_or_else(|| "chosen when it runs".to_owned())),
        ("created", format!("{created} ({})", age(created, now))),
    ];
    facts.extend(task.started_at.map(|started| ("started", started.to_string())));
    if let Some(ended) = task.completed_at {
        let took = task.started_at.map(|started| ended.duration_since(started));
        let took = took.and_then(|took| Duration::try_from(took).ok());
        let took = took.map_or_else(String::new, |took| format!(" (after {})", duration(took)));
        facts.push(("ended", format!("{ended}{took}")));
    }
    facts.extend(task.options.workspace.clone().map(|dir| ("workspace", dir)));
    let effort = task.options.effort;
    facts.extend(effort.map(|effort| ("effort", effort.as_str().to_owned())));
    let image = |image: &TaskImageView| {
        format!("{} ({}, {})", image.name, image.mime_type, plural(image.bytes, "byte"))
    };
    facts.extend(task.options.images.iter().map(|shown| ("image", image(shown))));
    let instructions = task.options.instructions.as_ref();
    facts.extend(instructions.map(|used| ("instructed", used.files.join(", "))));
    facts.extend(task.options.until.iter().map(|check| ("until", check.clone())));
    let schema = task.options.output_schema.as_ref();
    facts.extend(schema.map(|schema| ("schema", one_line(&schema.to_string(), 80))));
    facts.extend(task.continues.as_ref().map(|origin| {
        let steps = plural(origin.steps, "step");
        ("continues", format!("{} after {steps}", origin.task_id))
    }));
    facts.extend(summary.parent_task_id.as_ref().map(|id| ("part of", id.to_string())));
    facts.push(("steps", format!("{} in {}", task.steps, plural(task.runs, "run"))));
    facts.push(("tools", tool_calls(task.tool_outcomes)));
    for process in &task.background {
        facts.push(("running", format!("{} {}", process.pid, process.command)));
    }
    facts.extend(task.hints.iter().map(|hint| ("hint", format!("not read yet: {hint}"))));
    facts.push(("tokens", summary.actual_tokens.to_string()));
    facts.push(("cost", cost_in_words(task)));
    facts.extend(cache_in_words(&task.cache).map(|cache| ("cached", cache)));
    for change in &task.prefix_changes {
        let words = prefix_change_in_words(change.part);
        facts.push(("prefix", format!("step {}: {words}", change.step)));
    }
    facts
}

/// Returns what a task cost, and with its child tasks if it has some.
fn cost_in_words(task: &TaskView) -> String {
    let (summary, own) = (&task.summary, cost(&task.summary));
    let Some(children) = &task.child_totals else { return own };
    let both = Usd::from_nanos(summary.cost_nanos).plus(Usd::from_nanos(children.cost_nanos));
    let unpriced = summary.unpriced || children.unpriced;
    format!("{own}, {}", cost_with_children(both, unpriced, children.tasks))
}

fn tool_calls(calls: ToolOutcomesView) -> String {
    let ToolOutcomesView { done, failed, refused, unknown } = calls;
    let mut text = format!("{done} done");
    for (count, word) in
        [(failed, "failed"), (refused, "refused"), (unknown, "with unknown outcome")]
    {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}
