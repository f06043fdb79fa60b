//! Runs a task, and shows its progress or prints its events.

use std::process::ExitCode;
use std::sync::Arc;

use az_core::cost::{Payer, TimeRange};
use az_core::engine::{Discard, EventSink, Stop, StopReason};
use az_core::task::{TaskRepository, TaskStatus};
use az_core::text::plural;
use az_core::{Task, TaskId, Usd};

use super::fitness::check_model;
use super::remedy::remedy;
use super::typed_hints::{TypedHints, note_unread};
use crate::error::CliError;
use crate::output::{Lines, Live, TypedLines, can_ask, can_type, how_to_answer, short};
use crate::services::Services;
use crate::signal::stop_on_signals;

/// Where a run begins.
pub(in crate::commands) enum Start {
    /// At the start of a new task.
    New(Box<Task>),
    /// At the end of the journal of a task.
    Resume(TaskId),
}

impl Start {
    /// Returns the id of the task.
    fn task(&self) -> &TaskId {
        match self {
            Self::New(task) => &task.id,
            Self::Resume(id) => id,
        }
    }
}

/// Runs a task, shows its progress and prints its answer.
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
        let (lines, _flush) = Lines::json()?;
        drive(services, start, stop, Arc::new(lines), None).await
    } else {
        let (to, mut typed) = TypedHints::new(start.task().clone());
        let typed_lines = can_type().then(|| TypedLines::during_run(to));
        let live = Arc::new(Live::start(printer, typed_lines)?);
        let sink: Arc<dyn EventSink> =
            if printer.is_quiet() { Arc::new(Discard) } else { Arc::<Live>::clone(&live) };
        let terminal = can_ask().then(|| Arc::clone(&live));
        let ended = drive(services, start, stop, sink, terminal);
        let ended = typed.during(services, &live, ended).await;
        live.finish();
        typed.finish(services).await;
        ended
    };
    services.close_servers().await;
    services.finish_notifications().await;
    let ended = ended?;
    note_uncertain(&ended, services).await;
    note_unread(&ended, services).await;
    report(&ended, !printer.is_json(), services).await
}

/// Notes which part of the cost is of calls that failed and may not be billed.
async fn note_uncertain(task: &Task, services: &Services) {
    let Ok(store) = services.store().await else { return };
    let payer = Payer::from(&task.id);
    let Ok(entries) = store.uncertain(TimeRange::ALL, Some(&payer)).await else { return };
    let cost: Usd = entries.iter().filter_map(|entry| entry.charge.cost).sum();
    if cost > Usd::ZERO {
        services.printer().say(&format!(
            "up to {cost} of the cost is uncertain: {} failed and may not be billed; \
             `az cost reconcile --task {}` lists them",
            plural(entries.len(), "call"),
            short(task.id.as_str())
        ));
    }
}

/// Chooses the model and prints the reason. A new task stores its model, so that a resumed one uses the
/// same.
async fn with_model(services: &Services, start: Start) -> Result<Start, CliError> {
    let named = match &start {
        Start::New(task) => task.model.clone(),
        Start::Resume(id) => {
            let store = services.store().await?;
            TaskRepository::get(&*store, id).await?.and_then(|task| task.model)
        }
    };
    let choice = services.models()?.choose(named.as_deref()).await?;
    services.printer().say(&choice.in_words());
    if let Start::New(task) = &start {
        check_model(services, &choice.name, &task.options).await?;
    }
    if let Start::New(task) = &start
        && task.options.input.is_some()
        && choice.name == "offline"
    {
        services.printer().say("`offline` is a planner and does not read the input");
    }
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
    services.list_new_servers().await;
    let engine = services.engine(sink, terminal, None).await?;
    let id = start.task().clone();
    let ended = match start {
        Start::New(task) => engine.execute_until(*task, stop).await,
        Start::Resume(id) => engine.resume_until(&id, stop).await,
    };
    match ended {
        Ok(task) => Ok(task),
        Err(source) => {
            // The task may not have been stored before the error.
            let store = services.store().await?;
            let known = TaskRepository::get(&*store, &id).await.is_ok_and(|task| task.is_some());
            let id = known.then(|| short(id.as_str()));
            Err(CliError::Stopped { id, source: Box::new(source) })
        }
    }
}

/// Prints the answer of a completed task, if it is not among the events that were printed; for another
/// task, returns an error with advice.
pub(super) async fn report(
    task: &Task,
    prints_answer: bool,
    services: &Services,
) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let id = short(task.id.as_str());
    if let Some(waiting) = &task.waiting {
        if prints_answer {
            printer.foreign(task.id.as_str())?;
        }
        let (what, how) = (waiting.in_words(), how_to_answer(&id, waiting.kind));
        printer.say(&format!(
            "task {id} waits for {what}; {how}; then `az worker run` or `az task resume {id}` \
             continues it"
        ));
        return Ok(ExitCode::from(75));
    }
    match (task.status, &task.failure) {
        (TaskStatus::Completed, _) => {
            if prints_answer {
                printer.foreign(task.answer.as_deref().unwrap_or_default())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        (status, Some(failure)) => Err(CliError::TaskEnded {
            status,
            failure: Box::new(failure.clone()),
            remedy: Some(remedy(task, failure, services).await),
        }),
        (status, None) => {
            printer.say(&format!("task {id} is {status}; `az task resume {id}` continues it"));
            Ok(ExitCode::from(75))
        }
    }
}
