//! `az task watch`.

use std::io;
use std::process::ExitCode;

use az_core::Task;
use az_core::engine::{Discard, EventSink, RecordedEvent, RunEvent, RunEventKind};
use az_core::journal::{Event, EventBody};
use az_core::task::TaskStatus;
use clap::Args;

use super::execute::report;
use super::find::find;
use super::follow::{Follower, Look};
use super::typed_hints::{TypedHints, note_unread};
use crate::error::CliError;
use crate::output::{
    Format, FormatArgs, Lines, Live, TypedLines, can_type, how_to_answer, is_closed, short,
};
use crate::services::Services;
use crate::signal::interrupted;

const EXAMPLES: &str = "\
Examples:
  az task watch 4f2a9c81d0e7
  az task watch 4f2a9c81d0e7 --format json | jq 'select(.event == \"tool_result\")'

It shows the task from its first event on, waits for a queued task, and exits as `az task run`
does when the task ends. Ctrl-C ends the watch (130), and the task goes on.";

/// Watch a task that another process runs, until it ends
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WatchArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    #[command(flatten)]
    format: FormatArgs,
}

/// Watches the task.
///
/// # Errors
///
/// `UnknownTask`, the store's, or that the task ended without an answer.
pub(super) async fn run(args: &WatchArgs, services: &Services) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    if args.format.format == Some(Format::Csv) && !printer.is_json() {
        let why = "a watched task is no table; use --format json, or `az task logs --format csv`";
        return Err(CliError::Usage(why.to_owned()));
    }
    let store = services
        .store_to_read()
        .await?
        .ok_or_else(|| CliError::UnknownTask { id: args.id.clone(), near: Vec::new() })?;
    let task = find(&*store, &args.id).await?;
    let id = short(task.id.as_str());
    if task.status.is_ended() {
        printer.say(&format!("task {id} is not running: it is {}", task.status));
    }
    let follower = Follower::new(store, task.id.clone());
    let as_json = args.format.choose(printer) == Format::Json;
    let ended = if as_json {
        let (lines, flush) = Lines::json()?;
        let watched = watch(follower, &lines, |text| printer.say(text), &id).await;
        drop(lines);
        if matches!(watched, Ok(Watched::Interrupted)) {
            // The reader may have stalled, and what it has not read is not missed.
            flush.abandon();
        }
        watched
    } else {
        let (to, mut typed) = TypedHints::new(task.id.clone());
        let live = Live::start(printer, can_type().then(|| TypedLines::at_once(to)))?;
        let sink: &dyn EventSink = if printer.is_quiet() { &Discard } else { &live };
        let watched = watch(follower, sink, |text| live.say(text), &id);
        let watched = typed.during(services, &live, watched).await;
        live.finish();
        typed.finish(services).await;
        watched
    };
    match ended? {
        Watched::Ended(task) => {
            note_unread(&task, services).await;
            report(&task, !as_json, services).await
        }
        Watched::Closed => Ok(ExitCode::SUCCESS),
        Watched::Interrupted => {
            printer.say(&format!("the watch has ended; task {id} goes on"));
            Ok(ExitCode::from(130))
        }
    }
}

/// Why a watch ended.
enum Watched {
    /// The task has ended.
    Ended(Box<Task>),
    /// The reader of standard output has closed it.
    Closed,
    /// An interrupt.
    Interrupted,
}

/// Passes the events of the task on until it ends, the output is closed, or an interrupt.
async fn watch(
    mut follower: Follower,
    sink: &dyn EventSink,
    say: impl Fn(&str),
    id: &str,
) -> Result<Watched, CliError> {
    let interrupted = interrupted()?;
    tokio::pin!(interrupted);
    let mut said = None;
    loop {
        let look = follower.look().await?;
        let is_idle = !matches!(look, Look::Events(_));
        let why = match look {
            Look::Ended(task) => return Ok(Watched::Ended(task)),
            Look::Events(events) => {
                events.into_iter().filter_map(live).for_each(|event| sink.emit(&event));
                said = None;
                None
            }
            Look::Nothing(TaskStatus::Running) => None,
            Look::Nothing(_) => Some(format!(
                "task {id} is not running yet; `az worker run` runs queued tasks, and the watch waits"
            )),
            Look::Parked(waiting) => Some(format!(
                "task {id} waits for {}; {}; the watch waits",
                waiting.in_words(),
                how_to_answer(id, waiting.kind)
            )),
            Look::Abandoned => Some(format!(
                "task {id} is not running: its process has ended; `az task resume {id}` continues \
                 it, and the watch waits"
            )),
        };
        if let Some(why) = why.filter(|why| said.as_ref() != Some(why)) {
            say(&why);
            said = Some(why);
        }
        if is_closed(&io::stdout()) {
            return Ok(Watched::Closed);
        }
        tokio::select! {
            biased;
            () = &mut interrupted => return Ok(Watched::Interrupted),
            () = before_next(is_idle) => {}
        }
    }
}

/// Pauses if there was nothing new; a signal is noticed either way.
async fn before_next(is_idle: bool) {
    if is_idle {
        Follower::pause().await;
    } else {
        tokio::task::yield_now().await;
    }
}

/// Returns an event of the journal as the run emitted it.
fn live(event: Event) -> Option<RunEvent> {
    let Event { task, seq, at, event, .. } = event;
    if matches!(event.body, EventBody::Snapshot { .. }) {
        return None;
    }
    let recorded = RecordedEvent::new(seq, event);
    Some(RunEvent::new(task, at, RunEventKind::Recorded(Box::new(recorded))))
}
