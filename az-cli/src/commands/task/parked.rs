//! Parked tasks, and the answers to the calls that they wait for.

use az_core::clock::SystemClock;
use az_core::journal::{CallState, fold};
use az_core::store::Store;
use az_core::task::{WaitAnswer, WaitKind, WaitReply, Waiting};
use az_core::tool::{Invocation, PreparedCall};
use az_core::{Clock, Task, Toolbox};

use super::find::find;
use crate::error::CliError;
use crate::output::{call_in_words, printable, short};
use crate::services::Services;
use crate::services::asked::Asked;
use crate::views::NoticeView;

/// The shortest beginning of a digest that stands for it.
const SHORTEST_DIGEST: usize = 8;

/// A parked task with the call that it waits for.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) task: Task,
    pub(super) waiting: Box<Waiting>,
    pub(super) asked: Asked,
}

impl Parked {
    /// Finds a parked task whose call needs this kind of answer.
    ///
    /// # Errors
    ///
    /// `UnknownTask` or `AmbiguousTask`; `NotWaiting` for a task that is not parked or needs another
    /// kind of answer; or the store's.
    pub(super) async fn find(
        store: &dyn Store,
        typed: &str,
        kind: Option<WaitKind>,
    ) -> Result<Self, CliError> {
        let task = find(store, typed).await?;
        let Some(waiting) = task.waiting.clone() else {
            return Err(not_waiting(store, &task).await?);
        };
        let id = short(task.id.as_str());
        let other = match (kind, waiting.kind) {
            (Some(WaitKind::Approval), WaitKind::Question) => "an answer and not an approval",
            (Some(WaitKind::Question), WaitKind::Approval) => "an approval and not an answer",
            _ => {
                let asked = Asked::read(store, &task.id, &waiting.call).await?;
                return Ok(Self { task, waiting, asked });
            }
        };
        let reason = format!("the call of {} needs {other}", waiting.tool);
        let remedy = format!("`az task show {id}` shows the call and how to answer it");
        Err(CliError::NotWaiting { id, reason, remedy })
    }

    /// Checks that the call has this digest, which may be shortened.
    ///
    /// # Errors
    ///
    /// `NotWaiting` for another digest; a usage error for one that is too short.
    pub(super) fn check_digest(&self, digest: &str) -> Result<(), CliError> {
        if digest.len() < SHORTEST_DIGEST {
            return Err(CliError::Usage(format!(
                "--digest {digest}: must have at least {SHORTEST_DIGEST} characters"
            )));
        }
        if self.waiting.digest.starts_with(digest) {
            return Ok(());
        }
        let id = short(self.task.id.as_str());
        Err(CliError::NotWaiting {
            reason: format!("its call of {} has another digest than {digest}", self.waiting.tool),
            remedy: format!("`az task show {id}` shows the call that it waits for"),
            id,
        })
    }

    /// Returns the call, or its question, in words: all of it, because nothing is answered unseen.
    pub(super) fn in_words(&self) -> String {
        match self.waiting.kind {
            WaitKind::Question => printable(&self.waiting.reason),
            _ => call_in_words(&self.waiting.tool, &self.asked.arguments, usize::MAX),
        }
    }

    /// Returns the call as the tool prepares it.
    ///
    /// # Errors
    ///
    /// `Invalid` if the tool does not exist any more, or does not accept the arguments.
    pub(super) fn call(&self, services: &Services) -> Result<PreparedCall, CliError> {
        let (task, waiting) = (&self.task, &self.waiting);
        let arguments = self.asked.arguments.clone();
        let mut call =
            Invocation::new(task.id.clone(), waiting.call.clone(), &waiting.tool, arguments);
        call.workspace.clone_from(&task.options.workspace);
        Ok(services.toolbox()?.prepare(call)?)
    }

    /// Records an answer and prints what was answered. `command` is the command that gives it, and `done`
    /// the word for what it did.
    ///
    /// # Errors
    ///
    /// `Invalid` if the task does not wait for this answer any more, or the store's.
    pub(super) async fn answer(
        &self,
        (command, done): (&str, &str),
        reply: WaitReply,
        services: &Services,
    ) -> Result<(), CliError> {
        let printer = services.printer();
        printer.say(&self.in_words());
        let answer = WaitAnswer::new(&self.waiting, command, reply);
        let store = services.store().await?;
        let task = store.answer(&self.task.id, &answer, SystemClock.now()).await?;
        let id = short(task.id.as_str());
        printer.say(&format!("`az worker run` or `az task resume {id}` continues the task"));
        let notice = NoticeView::TaskAnswered {
            task: task.id,
            call: answer.call,
            tool: self.waiting.tool.clone(),
            answer: done.to_owned(),
        };
        printer.done(&format!("{done} {} of task {id}", self.waiting.tool), &notice)
    }
}

/// Returns the error for a task that is not parked: it was answered, or it never asked.
async fn not_waiting(store: &dyn Store, task: &Task) -> Result<CliError, CliError> {
    let history = fold(&store.tail(&task.id).await?)?;
    let is_answered = history.calls.values().any(|call| {
        call.state == CallState::Waiting && (call.approval.is_some() || call.answer.is_some())
    });
    let reason = match is_answered {
        true => "it was answered already".to_owned(),
        false => format!("it is {}", task.status),
    };
    let remedy = "`az task list --waiting` lists the tasks that wait".to_owned();
    Ok(CliError::NotWaiting { id: short(task.id.as_str()), reason, remedy })
}
