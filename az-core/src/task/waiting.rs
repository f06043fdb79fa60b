//! Parked tasks: what they wait for, and the answers to it.

use serde::{Deserialize, Serialize};

use super::model::TaskStatus;
use super::queue::{Claim, Lease};
use super::queued::QueuedTask;
use crate::clock::{Timestamp, to_micros};
use crate::error::{Error, Result};
use crate::id::CallId;

/// The call that a parked task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Waiting {
    /// The call.
    pub call: CallId,
    /// The kind of answer that it needs.
    pub kind: WaitKind,
    /// The tool.
    pub tool: String,
    /// The digest of the tool and its arguments; an answer applies only to these.
    pub digest: String,
    /// The reason that an approval is needed, or the question.
    pub reason: String,
    /// The time since which the task waits.
    pub since: Timestamp,
    /// The time from which on the call counts as denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_at: Option<Timestamp>,
}

/// The kind of answer that a parked task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitKind {
    /// Whether a call may be made.
    Approval,
    /// A text.
    Question,
}

impl Waiting {
    /// Creates the wait of `call` for an approval.
    pub fn for_approval(call: CallId, tool: impl Into<String>, digest: impl Into<String>) -> Self {
        Self::of(WaitKind::Approval, call, tool.into(), digest.into())
    }

    /// Creates the wait of `call` for the answer to a question.
    pub fn for_answer(call: CallId, tool: impl Into<String>, digest: impl Into<String>) -> Self {
        Self::of(WaitKind::Question, call, tool.into(), digest.into())
    }

    const fn of(kind: WaitKind, call: CallId, tool: String, digest: String) -> Self {
        let since = Timestamp::UNIX_EPOCH;
        Self { call, kind, tool, digest, reason: String::new(), since, deny_at: None }
    }

    /// Sets the reason that an approval is needed, or the question.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Sets the time from which on the call counts as denied.
    #[must_use]
    pub const fn with_deny_at(mut self, deny_at: Option<Timestamp>) -> Self {
        self.deny_at = deny_at;
        self
    }

    /// Returns `true` if the time to answer has passed. Times are compared to the microsecond, the
    /// precision of stores.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deny_at.is_some_and(|deny_at| to_micros(deny_at) <= to_micros(now))
    }

    /// Returns what the task waits for, in words: `approval of shell.execute`.
    pub fn in_words(&self) -> String {
        match self.kind {
            WaitKind::Approval => format!("approval of {}", self.tool),
            WaitKind::Question => format!("an answer to {}", self.tool),
        }
    }

    /// Checks that an answer is to this wait.
    fn check(&self, answer: &WaitAnswer, now: Timestamp) -> Result<()> {
        let Self { call, tool, .. } = self;
        let refused = |reason| Err(Error::invalid("answer", reason));
        if answer.call != *call {
            let given = &answer.call;
            return refused(format!(
                "the task waits for call {call} of {tool}, and not for {given}"
            ));
        }
        if answer.digest != self.digest {
            return refused(format!(
                "call {call} of {tool} has other arguments than those that were answered; look at \
                 the call again"
            ));
        }
        if let Some(deny_at) = self.deny_at.filter(|_| self.is_over(now)) {
            return refused(format!(
                "the time to answer call {call} of {tool} ended at {deny_at}: it counts as denied"
            ));
        }
        match (self.kind, answer.kind, &answer.reply) {
            (WaitKind::Approval, WaitKind::Question, _)
            | (WaitKind::Approval, _, WaitReply::Text { .. }) => {
                refused(format!("call {call} of {tool} needs an approval, and not a text"))
            }
            (WaitKind::Question, WaitKind::Approval, _)
            | (WaitKind::Question, _, WaitReply::Granted) => {
                refused(format!("call {call} of {tool} needs a text, and not an approval"))
            }
            _ => Ok(()),
        }
    }
}

/// An answer to a parked task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitAnswer {
    /// The call that is answered.
    pub call: CallId,
    /// The kind of answer.
    pub kind: WaitKind,
    /// The digest of the tool and the arguments that the answer is for.
    pub digest: String,
    /// The person or program that answers.
    pub by: String,
    /// The reply.
    pub reply: WaitReply,
}

/// The reply in an answer.
///
/// Exhaustive, so that a store has to record every reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitReply {
    /// The call may be made.
    Granted,
    /// The call may not be made, or the question is not answered.
    Denied {
        /// The reason, for the model.
        reason: Option<String>,
    },
    /// The answer to a question.
    Text {
        /// The text.
        text: String,
    },
}

impl WaitAnswer {
    /// Creates an answer to `waiting`, given by a person or a program.
    pub fn new(waiting: &Waiting, by: impl Into<String>, reply: WaitReply) -> Self {
        let Waiting { call, kind, digest, .. } = waiting.clone();
        Self { call, kind, digest, by: by.into(), reply }
    }
}

/// The rules of parked tasks.
impl QueuedTask {
    /// Ends the lease and lets the task wait for an answer; ends the task if its cancellation was
    /// requested.
    ///
    /// # Errors
    ///
    /// `LeaseLost` unless `lease` is the current one.
    pub fn park(&mut self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<()> {
        self.release(lease, None, now)?;
        if self.task.status == TaskStatus::Pending {
            self.task.waiting = Some(Box::new(Waiting { since: now, ..waiting.clone() }));
        }
        Ok(())
    }

    /// Ends the wait of the task; the store appends the event of the answer to its journal.
    /// `is_answered` is whether the journal has that event about the call already.
    ///
    /// # Errors
    ///
    /// `Invalid` unless the task waits for this answer.
    pub fn answer(&mut self, answer: &WaitAnswer, is_answered: bool, now: Timestamp) -> Result<()> {
        let call = &answer.call;
        if is_answered {
            return Err(Error::invalid("answer", format!("call {call} was answered already")));
        }
        let Some(waiting) = &self.task.waiting else {
            let status = self.task.status;
            let reason = format!("the task does not wait for an answer: it is {status}");
            return Err(Error::invalid("answer", reason));
        };
        waiting.check(answer, now)?;
        self.task.waiting = None;
        self.task.updated_at = now;
        Ok(())
    }

    /// Checks that the task does not wait for an answer when `claim` is made.
    pub(super) fn check_not_waiting(&self, claim: &Claim) -> Result<()> {
        match &self.task.waiting {
            Some(waiting) if !waiting.is_over(claim.now) => {
                Err(Error::Waiting { task: self.task.id.clone(), what: waiting.in_words() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{QueuedTask, WaitAnswer, WaitReply, Waiting};
    use crate::task::{Claim, Lease, Outcome, Task, TaskStatus};
    use crate::testing::sample::{at, call_id, task, worker};

    fn waiting() -> Waiting {
        Waiting::for_approval(call_id("t0.0"), "shell.execute", "d")
            .with_reason("it runs a command")
            .with_deny_at(Some(at(9)))
    }

    fn running() -> (QueuedTask, Lease) {
        let mut row = QueuedTask::new(Task { status: TaskStatus::Pending, ..task("t", 0) });
        let claimed = row.claim(&Claim::next(worker("w"), at(1), at(61))).unwrap();
        (row, claimed.lease)
    }

    fn parked() -> QueuedTask {
        let (mut row, lease) = running();
        row.park(&lease, &waiting(), at(2)).unwrap();
        row
    }

    #[test]
    fn a_parked_task_is_pending_and_has_its_wait() {
        let expected = Task {
            status: TaskStatus::Pending,
            started_at: Some(at(1)),
            updated_at: at(2),
            waiting: Some(Box::new(Waiting { since: at(2), ..waiting() })),
            ..task("t", 0)
        };
        assert_eq!(parked(), QueuedTask { epoch: 1, ..QueuedTask::new(expected) });
    }

    #[test]
    fn parking_a_task_with_a_request_to_cancel_ends_it() {
        let (mut row, lease) = running();
        row.cancel_requested = true;
        row.park(&lease, &waiting(), at(2)).unwrap();
        assert_eq!((row.task.status, row.task.waiting), (TaskStatus::Cancelled, None));
    }

    #[test]
    fn parking_needs_the_current_lease() {
        let (mut row, lease) = running();
        let before = row.clone();
        let stale = Lease { epoch: 0, ..lease };
        let error = row.park(&stale, &waiting(), at(2)).unwrap_err();
        assert_eq!(error.to_string(), "lease on task t was lost");
        assert_eq!(row, before);
    }

    #[test]
    fn a_parked_task_is_claimed_from_the_end_of_its_time_on() {
        for (now, expected) in [
            (8, Err("task t waits for approval of shell.execute".to_owned())),
            (9, Ok((TaskStatus::Running, None))),
        ] {
            let mut row = parked();
            let claimed =
                row.claim(&Claim::next(worker("w"), at(now), at(61)).of(row.task.id.clone()));
            let found = claimed.map(|claimed| (claimed.task.status, claimed.task.waiting));
            assert_eq!(found.map_err(|e| e.to_string()), expected, "{now}");
        }
    }

    #[test]
    fn the_end_of_a_parked_task_ends_its_wait() {
        let mut row = parked();
        row.request_cancel(at(3)).unwrap();
        let mut ended = Task { waiting: None, ..parked().task };
        let failure = (&crate::Error::Cancelled).into();
        Outcome::Cancelled { failure }.apply(&mut ended, at(3)).unwrap();
        assert_eq!(row, QueuedTask { epoch: 1, cancelled_alone: true, ..QueuedTask::new(ended) });
    }

    #[test]
    fn an_answer_ends_the_wait_that_it_is_to_and_no_other() {
        let granted = WaitAnswer::new(&waiting(), "me", WaitReply::Granted);
        let mut row = parked();
        row.answer(&granted, false, at(3)).unwrap();
        let claimable = Task { waiting: None, updated_at: at(3), ..parked().task };
        assert_eq!(row, QueuedTask { task: claimable, ..parked() });

        let refusal = |mut row: QueuedTask, answer: &WaitAnswer, is_answered, now| {
            let before = row.clone();
            let error = row.answer(answer, is_answered, at(now)).unwrap_err().to_string();
            assert_eq!(row, before, "{error}");
            error
        };
        let other_call = WaitAnswer { call: call_id("t0.1"), ..granted.clone() };
        let other_arguments = WaitAnswer { digest: "e".to_owned(), ..granted.clone() };
        let text = WaitReply::Text { text: "yes".to_owned() };
        let text = WaitAnswer { reply: text, ..granted.clone() };
        for (row, answer, is_answered, now, expected) in [
            (row, &granted, true, 3, "call t0.0 was answered already"),
            (
                running().0,
                &granted,
                false,
                3,
                "the task does not wait for an answer: it is running",
            ),
            (
                parked(),
                &other_call,
                false,
                3,
                "the task waits for call t0.0 of shell.execute, and not for t0.1",
            ),
            (
                parked(),
                &other_arguments,
                false,
                3,
                "call t0.0 of shell.execute has other arguments than those that were answered; \
                 look at the call again",
            ),
            (
                parked(),
                &granted,
                false,
                9,
                "the time to answer call t0.0 of shell.execute ended at 2026-01-05T00:09:00Z: it \
                 counts as denied",
            ),
            (
                parked(),
                &text,
                false,
                3,
                "call t0.0 of shell.execute needs an approval, and not a text",
            ),
        ] {
            let expected = format!("invalid answer: {expected}");
            assert_eq!(refusal(row, answer, is_answered, now), expected);
        }
    }
}
