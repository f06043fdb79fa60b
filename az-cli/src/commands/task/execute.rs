//! Runs a task in front of a person, or of a program that reads events.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use az_core::clock::SystemClock;
use az_core::cost::{BudgetKeeper, BudgetStatus};
use az_core::engine::{Discard, EventSink, Stop, StopReason};
use az_core::error::ErrorKind;
use az_core::task::{Failure, TaskRepository, TaskStatus};
use az_core::{Clock, Task, TaskId};

use crate::error::{CliError, raising};
use crate::output::{Lines, Live, short};
use crate::services::Services;
use crate::signal::stop_on_signals;

/// Where a run begins.
pub(in crate::commands) enum Start {
    /// With a new task.
    New(Box<Task>),
    /// Where the record of a task ends.
    Resume(TaskId),
}

/// Runs a task, shows what happens, prints the answer.
///
/// # Errors
///
/// The engine's, or that the task ended without an answer.
pub(in crate::commands) async fn execute(
    services: &Services,
    start: Start,
) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let stop = Stop::new();
    stop_on_signals(&stop, StopReason::Cancelled, printer)?;
    let start = with_model(services, start).await?;
    let ended = if printer.is_json() {
        let (lines, _flush) = Lines::json();
        drive(services, start, stop, Arc::new(lines), None).await
    } else {
        let live = Arc::new(Live::start(printer));
        let sink: Arc<dyn EventSink> =
            if printer.is_quiet() { Arc::new(Discard) } else { Arc::<Live>::clone(&live) };
        let attended = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let ended = drive(services, start, stop, sink, attended.then(|| Arc::clone(&live))).await;
        live.finish();
        ended
    };
    report(&ended?, services).await
}

/// Settles which model is used, and says why. A new task remembers it, so that a resumed one goes on
/// with the same.
async fn with_model(services: &Services, start: Start) -> Result<Start, CliError> {
    let named = match &start {
        Start::New(task) => task.model.clone(),
        Start::Resume(id) => services.store()?.get(id).await?.and_then(|task| task.model),
    };
    let choice = services.models()?.choose(named.as_deref()).await?;
    services.printer().say(&choice.in_words());
    Ok(match start {
        Start::New(task) => Start::New(Box::new(task.with_model(choice.name))),
        Start::Resume(id) => Start::Resume(id),
    })
}

async fn drive(
    services: &Services,
    start: Start,
    stop: Stop,
    sink: Arc<dyn EventSink>,
    terminal: Option<Arc<Live>>,
) -> Result<Task, CliError> {
    let engine = services.engine(sink, terminal)?;
    let id = match &start {
        Start::New(task) => task.id.clone(),
        Start::Resume(id) => id.clone(),
    };
    let ended = match start {
        Start::New(task) => engine.execute_until(*task, stop).await,
        Start::Resume(id) => engine.resume_until(&id, stop).await,
    };
    match ended {
        Ok(task) => Ok(task),
        Err(source) => {
            // It may have failed before there was a task to resume.
            let known = services.store()?.get(&id).await.is_ok_and(|task| task.is_some());
            let id = known.then(|| short(id.as_str()));
            Err(CliError::Stopped { id, source })
        }
    }
}

/// Prints the answer of a task that has one; the others are errors with what to do about them.
pub(super) async fn report(task: &Task, services: &Services) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let id = short(task.id.as_str());
    match (task.status, &task.failure) {
        (TaskStatus::Completed, _) => {
            if !printer.is_json() {
                printer.foreign(task.answer.as_deref().unwrap_or_default())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        (status, Some(failure)) => Err(CliError::TaskEnded {
            status,
            failure: failure.clone(),
            remedy: Some(match failure.kind {
                ErrorKind::Budget => over_budget(services, failure, &id).await,
                ErrorKind::Unauthorized => wrong_key(services, task, &id).await,
                _ => remedy(task, failure, &id),
            }),
        }),
        (status, None) => {
            printer.say(&format!("task {id} is {status}; `az task resume {id}` goes on with it"));
            Ok(ExitCode::from(75))
        }
    }
}

/// Returns the command that raises the budget in the way, and the one that goes on then.
async fn over_budget(services: &Services, failure: &Failure, id: &str) -> String {
    let now = SystemClock.now();
    let budgets = match services.store() {
        Ok(store) => store.budgets(now).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    // The failure is a sentence that begins with the budget's name; the longest that fits is it.
    let fits = |status: &&BudgetStatus| failure.message.starts_with(&status.budget.name());
    let in_the_way = budgets.iter().filter(fits).max_by_key(|status| status.budget.name().len());
    match in_the_way {
        Some(BudgetStatus { budget, .. }) => {
            let twice = budget.amount.plus(budget.amount);
            let raise = raising(&budget.scope, budget.period, twice);
            format!("`{raise}` doubles it, then `az task resume {id}` goes on")
        }
        None => format!(
            "`az cost budget show` shows the budgets, `az cost budget set` raises one, then \
             `az task resume {id}` goes on"
        ),
    }
}

/// Says where the key is that was refused.
async fn wrong_key(services: &Services, task: &Task, id: &str) -> String {
    let found = match (services.models(), task.model.as_deref()) {
        (Ok(models), Some(model)) => models.find(model).await.ok(),
        _ => None,
    };
    let key = match found.and_then(|found| found.key) {
        Some(key) => format!("check the key ({key})"),
        None => "check the key: `az models list` says where each is".to_owned(),
    };
    format!("{key}, then `az task resume {id}`")
}

/// Returns a command that goes on, with figures that let it.
fn remedy(task: &Task, failure: &Failure, id: &str) -> String {
    match failure.kind {
        ErrorKind::Approval => {
            let tool = failure.message.split_whitespace().next().unwrap_or("shell.execute");
            format!(
                "`az task resume {id} --allow {tool}` lets it run without asking; \
                 `az task resume {id}` at a terminal asks"
            )
        }
        ErrorKind::StepLimit => {
            let more = task.options.max_steps.unwrap_or(50).saturating_mul(2);
            format!("`az task resume {id} --max-steps {more}` gives it more steps")
        }
        ErrorKind::TimedOut => {
            let more = task.options.timeout.map_or(600, |limit| limit.as_secs().max(1) * 2);
            format!("`az task resume {id} --timeout {more}s` gives it more time")
        }
        ErrorKind::BadRequest => {
            format!("say it differently, as a new task; `az task logs {id}` shows what happened")
        }
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Protocol => {
            format!("try later: `az task resume {id}` goes on where the record ends")
        }
        ErrorKind::Cancelled => format!("`az task resume {id}` goes on where the record ends"),
        _ => format!(
            "`az task logs {id}` shows what happened, `az task resume {id}` goes on, \
             `az task retry {id}` starts over"
        ),
    }
}
