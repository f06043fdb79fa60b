//! The rules of an append, for implementers of stores: when it is refused, and its effects.

use std::collections::BTreeSet;

use super::event::{EventBody, NewEvent};
use crate::clock::Timestamp;
use crate::cost::{Hold, Payer, Settlement};
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::task::{Lease, Outcome, WaitAnswer, WaitKind, WaitReply};

/// A change that a store makes, besides the journal, in the same transaction as it appends an
/// event.
///
/// Exhaustive, so that a store has to apply every effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Take a hold, as [`BudgetKeeper::hold`](crate::cost::BudgetKeeper::hold) does.
    Hold(Hold),
    /// Settle a hold, as [`BudgetKeeper::settle`](crate::cost::BudgetKeeper::settle) does.
    Settle {
        /// The payer of the hold.
        payer: Payer,
        /// The call of the hold.
        call: CallId,
        /// How it is settled.
        settlement: Settlement,
    },
    /// Remove a hint of the task from the [`HintQueue`](super::HintQueue).
    TakeHint(CallId),
    /// End the task and the lease, as [`TaskQueue::finish`](crate::task::TaskQueue::finish) does.
    Finish(Outcome),
}

impl From<&WaitAnswer> for NewEvent {
    /// Returns the event that records an answer.
    fn from(answer: &WaitAnswer) -> Self {
        let WaitAnswer { call, kind, digest, by, reply, .. } = answer.clone();
        let (granted, text, reason) = match reply {
            WaitReply::Granted => (true, None, None),
            WaitReply::Denied { reason } => (false, None, reason),
            WaitReply::Text { text } => (false, Some(text), None),
        };
        let body = match kind {
            WaitKind::Approval => {
                EventBody::ApprovalGiven { digest, granted, by, tool: None, reason }
            }
            WaitKind::Question => EventBody::QuestionAnswered { digest, by, text, reason },
        };
        Self::about(call, body)
    }
}

impl NewEvent {
    /// Returns the effect of appending the event to the journal of `task` at `now`.
    ///
    /// # Errors
    ///
    /// `Invalid` for an event that needs a call id and has none.
    pub fn effect(&self, task: &TaskId, now: Timestamp) -> Result<Option<Effect>> {
        Ok(match &self.body {
            EventBody::LlmIntent(intent) => {
                Some(Effect::Hold(intent.hold_of(task, self.call_id()?, now)))
            }
            EventBody::LlmResult(result) => Some(Effect::Settle {
                payer: Payer::from(task),
                call: self.call_id()?.clone(),
                settlement: result.settlement.clone(),
            }),
            EventBody::Hint { .. } => Some(Effect::TakeHint(self.call_id()?.clone())),
            EventBody::RunFinished { outcome, .. } => Some(Effect::Finish(outcome.clone())),
            EventBody::RunStarted { .. }
            | EventBody::ToolIntent(_)
            | EventBody::ApprovalAsked { .. }
            | EventBody::ApprovalGiven { .. }
            | EventBody::QuestionAsked { .. }
            | EventBody::QuestionAnswered { .. }
            | EventBody::ToolResult(_)
            | EventBody::Observation { .. }
            | EventBody::Context(_)
            | EventBody::Copied { .. }
            | EventBody::Note { .. }
            | EventBody::Snapshot { .. } => None,
        })
    }

    /// Returns the call and the type of event, which are unique together in a journal.
    pub fn key(&self) -> Option<(&CallId, &'static str)> {
        Some((self.call.as_ref()?, self.body.name()))
    }

    /// Returns the error for an event whose [`key`](Self::key) is in the journal already.
    pub fn repeated(&self) -> Error {
        let call = self.call.as_ref().map(ToString::to_string).unwrap_or_default();
        Error::AlreadyExists { what: self.body.name(), id: call }
    }
}

/// Checks an append before anything is written: the lease, the position, and the keys of the
/// events. `current` is the current lease of the task, and `end` the number of the next event of
/// its journal.
///
/// The store then refuses events that are [`repeated`](NewEvent::repeated), writes the others, and
/// applies their effects in order.
///
/// # Errors
///
/// `LeaseLost` without the current lease, or for events after a `run_finished`, which ends it;
/// `Conflict` if `next_seq` is not `end`; `AlreadyExists` for two events of one key.
pub fn check_append(
    lease: &Lease,
    current: Option<&Lease>,
    next_seq: u64,
    end: u64,
    events: &[NewEvent],
) -> Result<()> {
    lease.check_current(current)?;
    if next_seq != end {
        return Err(Error::Conflict {
            what: "journal",
            expected: next_seq.to_string(),
            found: end.to_string(),
        });
    }
    let mut keys = BTreeSet::new();
    if let Some(again) = events.iter().find(|e| e.key().is_some_and(|key| !keys.insert(key))) {
        return Err(again.repeated());
    }
    let before_last = events.split_last().map_or(events, |(_, before)| before);
    let ends = |event: &NewEvent| matches!(event.body, EventBody::RunFinished { .. });
    if before_last.iter().any(ends) {
        return Err(Error::LeaseLost { task: lease.task.clone(), owner: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Effect, check_append};
    use crate::cost::{Payer, Settlement};
    use crate::journal::{ModelReply, NewEvent};
    use crate::task::Lease;
    use crate::testing::sample::{
        at, call_id, completed, hold, llm_intent, llm_result, note, run_finished, run_started,
        task_id, tool_intent, tool_result, worker,
    };

    #[test]
    fn an_event_implies_at_most_one_effect() {
        let settle = Effect::Settle {
            payer: Payer::Task(task_id("t")),
            call: call_id("m0"),
            settlement: Settlement::Full,
        };
        for (event, expected) in [
            (llm_intent("m0", Some(7), 61), Some(Effect::Hold(hold("t", "m0", 7, 1)))),
            (llm_result("m0", ModelReply::default(), Settlement::Full), Some(settle)),
            (run_finished(completed("42")), Some(Effect::Finish(completed("42")))),
            (run_started("w"), None),
            (note("n"), None),
            (tool_intent("t0.0"), None),
            (tool_result("t0.0"), None),
        ] {
            assert_eq!(event.effect(&task_id("t"), at(1)).unwrap(), expected, "{event:?}");
        }
    }

    #[test]
    fn an_intent_without_a_call_is_an_error() {
        let nameless = NewEvent::new(llm_intent("m0", Some(7), 61).body);
        let error = nameless.effect(&task_id("t"), at(1)).unwrap_err();
        assert_eq!(error.to_string(), "invalid event: llm_intent has no call id");
    }

    #[test]
    fn an_append_is_checked_for_its_lease_its_position_and_its_events() {
        let lease = Lease { task: task_id("t"), owner: worker("w"), epoch: 2, until: at(60) };
        let extended = Lease { until: at(90), ..lease.clone() };
        let newer = Lease { epoch: 3, owner: worker("other"), ..lease.clone() };
        let end = || run_finished(completed("42"));
        let lost = "lease on task t was lost";
        for (current, next, events, expected) in [
            (Some(&extended), 5, vec![note("n"), end()], None),
            (Some(&lease), 5, vec![], None),
            (Some(&newer), 4, vec![note("n")], Some(lost)),
            (None, 5, vec![note("n")], Some(lost)),
            (Some(&lease), 5, vec![end(), note("late")], Some(lost)),
            (
                Some(&lease),
                4,
                vec![note("n")],
                Some("journal changed meanwhile: expected 4, found 5"),
            ),
            (
                Some(&lease),
                5,
                vec![tool_intent("t0.0"), tool_result("t0.0"), tool_intent("t0.0")],
                Some(r#"tool_intent "t0.0" exists already"#),
            ),
        ] {
            let found = check_append(&lease, current, next, 5, &events).err();
            assert_eq!(found.map(|e| e.to_string()).as_deref(), expected, "{events:?}");
        }
    }
}
