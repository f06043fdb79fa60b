//! The fold of a journal: the only state of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::call_record::{CallRecord, CallState};
use super::context::{Context, ContextChange};
use super::conversation::{Observation, OpenModelCall, Summary, Todo, Turn};
use super::copied::CopiedPart;
use super::event::{
    Continued, Event, EventBody, ModelIntent, ModelOutcome, ModelResult, Purpose, ToolIntent,
};
use super::excerpt::excerpt;
use super::reply::{ModelReply, ToolCall};
use super::tool_result::{ToolOutcome, ToolResult};
use crate::cost::{CacheUse, Settlement};
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::money::Usd;
use crate::task::Outcome;
use crate::tool::{SeenFiles, TodoList, told_ends};

/// The fold of a task's events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// The number of the next event.
    pub next_seq: u64,
    /// The number of runs.
    pub runs: u32,
    /// The number of complete turns at the start of each later run; a turn with pending calls is
    /// not complete.
    pub resumed_after: Vec<usize>,
    /// The number of turns at each place where a part of another task's record ends and this one goes on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forked_after: Vec<usize>,
    /// The number of replies that counted as steps.
    pub steps: u32,
    /// The model's replies, with the calls that they request. Those that a summary has replaced are
    /// empty, except for the latest 16 of them.
    pub turns: Vec<Turn>,
    /// The texts that the agent added for the model, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
    /// The tool calls that were begun, refused or submitted for approval. The outputs of those that
    /// a summary has replaced are empty, as their turns are.
    pub calls: BTreeMap<CallId, CallRecord>,
    /// The summary that replaces the first turns, if there is one.
    pub summary: Option<Summary>,
    /// The tools of which all calls are approved, except those that need an approval of their own.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub approved_tools: BTreeSet<String>,
    /// How the requests of the task are built.
    #[serde(skip_serializing_if = "Context::is_empty")]
    pub context: Context,
    /// What the calls showed of files, or wrote to them. A summary drops nothing of it.
    #[serde(with = "crate::serde_arc", skip_serializing_if = "is_unseen")]
    pub seen: Arc<SeenFiles>,
    /// The list of steps that the model set last. A summary drops nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub todo: Option<Todo>,
    /// The child tasks whose end the model was told.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub told_ends: BTreeSet<TaskId>,
    /// The model call without a result.
    pub open_model: Option<OpenModelCall>,
    /// The cost booked so far, without calls whose price is unknown.
    pub cost: Usd,
    /// Whether some calls have no known price.
    pub unpriced: bool,
    /// The number of tokens used, input and output.
    pub tokens: u64,
    /// What the calls read from the caches of providers.
    #[serde(default = "CacheUse::partial")]
    pub cache: CacheUse,
    /// The part of the journal that is a copy of another task's.
    #[serde(skip_serializing_if = "CopiedPart::is_empty")]
    pub copied: CopiedPart,
    /// The number of turns when a run last ended with an outcome.
    #[serde(skip_serializing_if = "is_zero")]
    pub ended_after: usize,
    /// The outcome of the last run; `None` during a run.
    pub outcome: Option<Outcome>,
}

fn is_unseen(seen: &Arc<SeenFiles>) -> bool {
    seen.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Folds a journal, or the tail of one that begins with a snapshot.
///
/// # Errors
///
/// [`Error::BrokenJournal`] at the first event that does not fit those before it.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<History> {
    let mut history = History::default();
    let mut first = true;
    for event in events {
        match &event.event.body {
            EventBody::Snapshot { history: saved } if first => {
                history = (**saved).clone();
                // Nothing is missing if nothing was used before the snapshot.
                history.cache.is_partial &= history.tokens > 0;
                history.next_seq = event.seq + 1;
            }
            _ => history.apply(event)?,
        }
        first = false;
    }
    Ok(history)
}

impl History {
    /// Adds one event.
    ///
    /// # Errors
    ///
    /// [`Error::BrokenJournal`] if it does not fit the events before it.
    pub fn apply(&mut self, event: &Event) -> Result<()> {
        let broken = |reason: &str| Error::BrokenJournal {
            task: event.task.clone(),
            seq: event.seq,
            reason: reason.to_owned(),
        };
        if event.seq != self.next_seq {
            return Err(broken(&format!("expected number {}", self.next_seq)));
        }
        self.add(event).map_err(broken)?;
        self.next_seq += 1;
        Ok(())
    }

    pub(super) fn add(&mut self, event: &Event) -> Result<(), &'static str> {
        let call = || event.event.call.clone().ok_or("it has no call id");
        match &event.event.body {
            EventBody::RunStarted { continues, .. } => {
                if *continues == Some(Continued::Part) {
                    self.forked_after.push(self.turns.len());
                }
                if self.runs > 0 && continues.is_none() {
                    let undone = usize::from(self.pending_calls().next().is_some());
                    self.resumed_after.push(self.turns.len().saturating_sub(undone));
                }
                self.runs += 1;
                self.outcome = None;
            }
            EventBody::LlmIntent(intent) => self.begin_model(call()?, intent)?,
            EventBody::LlmResult(result) => {
                self.end_model(&call()?, result)?;
                if matches!(result.outcome, ModelOutcome::Replied { .. }) {
                    self.context.note_reply(event.at);
                }
            }
            EventBody::ToolIntent(intent) => self.begin_tool(call()?, intent, event.seq)?,
            EventBody::ToolResult(result) => self.end_tool(call()?, result)?,
            EventBody::ApprovalAsked { digest, deny_at, .. } => {
                let record = self.record(call()?);
                (record.asked, record.deny_at) = (Some(digest.clone()), *deny_at);
            }
            EventBody::ApprovalGiven { digest, granted, tool, reason, .. } => {
                self.approved_tools.extend(tool.clone().filter(|_| *granted));
                let record = self.record(call()?);
                record.approval = Some((digest.clone(), *granted));
                record.denial.clone_from(reason);
            }
            EventBody::QuestionAsked { digest, .. } => {
                let record = self.record(call()?);
                (record.asked, record.questioned) = (Some(digest.clone()), true);
            }
            EventBody::QuestionAnswered { digest, text, reason, .. } => {
                let record = self.record(call()?);
                record.answer = Some((digest.clone(), text.clone()));
                record.denial.clone_from(reason);
            }
            EventBody::Observation { text } => self.observe(Observation::new(text)),
            EventBody::Hint { text } => {
                self.observe(Observation { is_hint: true, ..Observation::new(text) });
            }
            EventBody::Context(change) => self.change_context(change),
            EventBody::Copied { written_at, event: copied } => {
                self.add_copied(event, (*written_at, copied))?;
            }
            EventBody::Note { .. } | EventBody::Snapshot { .. } => {}
            EventBody::RunFinished { outcome, .. } => {
                self.ended_after = self.turns.len();
                self.outcome = Some(outcome.clone());
            }
        }
        Ok(())
    }

    fn observe(&mut self, observation: Observation) {
        let after = self.turns.len();
        self.observations.push(Observation { after, ..observation });
    }

    fn change_context(&mut self, change: &ContextChange) {
        if let ContextChange::ToolsAdded { text, .. } = change {
            self.observe(Observation { is_announcement: true, ..Observation::new(text) });
        }
        // Results of the last turn that are cut were never shown whole.
        if let ContextChange::Cut(cut) = change
            && cut.before_turn + 1 >= self.turns.len()
        {
            Arc::make_mut(&mut self.seen).hide_all();
        }
        self.context.apply(change, self.turns.len());
    }

    fn begin_model(&mut self, call: CallId, intent: &ModelIntent) -> Result<(), &'static str> {
        if self.open_model.is_some() {
            return Err("another model call has no result yet");
        }
        if intent.purpose == Purpose::Step && self.pending_calls().next().is_some() {
            return Err("a tool call of the last turn has no result yet");
        }
        self.open_model = Some(OpenModelCall { call, intent: intent.clone() });
        Ok(())
    }

    fn end_model(&mut self, call: &CallId, result: &ModelResult) -> Result<(), &'static str> {
        let open = self.open_model.take_if(|open| open.call == *call);
        let open = open.ok_or("it is the result of a model call that has no intent")?;
        self.book(&result.settlement, &open.intent);
        if let ModelOutcome::Replied { reply } = &result.outcome {
            match open.intent.purpose {
                Purpose::Step => {
                    self.steps += 1;
                    let usage = result.charge().map(|charge| &charge.usage);
                    self.context.note_sent(&open.intent, self.steps, usage);
                    self.turns.push(Turn::new(reply.clone(), open.intent.provider));
                }
                Purpose::Summary { turns } => {
                    self.summary = Some(Summary { turns, text: reply.text.clone() });
                    self.context.sent.forget_messages(None);
                    self.drop_summarised();
                }
            }
        }
        Ok(())
    }

    fn book(&mut self, settlement: &Settlement, intent: &ModelIntent) {
        let Some(charge) = settlement.charge(intent.hold) else {
            return;
        };
        self.tokens = self.tokens.saturating_add(charge.usage.total());
        self.cache.add(&charge);
        match charge.cost {
            Some(cost) => self.cost = self.cost.plus(cost),
            None => self.unpriced = true,
        }
    }

    fn begin_tool(
        &mut self,
        call: CallId,
        intent: &ToolIntent,
        seq: u64,
    ) -> Result<(), &'static str> {
        let record = self.record(call);
        if record.state != CallState::Waiting {
            return Err("the tool call has an intent already");
        }
        record.intent_seq = Some(seq);
        record.asked = None;
        record.state = CallState::Begun {
            tool: intent.tool.clone(),
            arguments: intent.arguments.clone(),
            effect: intent.effect,
            witness: intent.witness.clone(),
        };
        Ok(())
    }

    fn end_tool(&mut self, call: CallId, result: &ToolResult) -> Result<(), &'static str> {
        let record = self.record(call.clone());
        if matches!(record.state, CallState::Ended { .. }) {
            return Err("the tool call has a result already");
        }
        record.asked = None;
        let todo = match &record.state {
            CallState::Begun { tool, arguments, .. } if result.outcome == ToolOutcome::Done => {
                TodoList::of_call(tool, arguments)
            }
            _ => None,
        };
        let (text, images) = excerpt(&result.content);
        let data = result.data.as_ref().filter(|_| text.omitted == 0).cloned();
        record.state = CallState::Ended { outcome: result.outcome, text, images, data };
        if !result.seen.is_empty() {
            let seen = Arc::make_mut(&mut self.seen);
            result.seen.iter().for_each(|view| seen.add(view.clone()));
        }
        self.told_ends.extend(told_ends(&result.tool, result.data.as_ref()));
        if let Some(list) = todo {
            self.todo = Some(Todo { call, list });
        }
        Ok(())
    }

    fn record(&mut self, call: CallId) -> &mut CallRecord {
        self.calls.entry(call).or_default()
    }

    /// Returns the record of a call, if there is one.
    pub fn call(&self, id: &CallId) -> Option<&CallRecord> {
        self.calls.get(id)
    }

    /// Returns the calls of the last turn that have no result yet, in the model's order.
    pub fn pending_calls(&self) -> impl Iterator<Item = (CallId, &ToolCall)> {
        let turn = self.turns.len().saturating_sub(1);
        let calls = self.turns.last().map(|t| t.reply.calls.as_slice()).unwrap_or_default();
        calls.iter().enumerate().map(move |(i, call)| (CallId::tool(turn, i), call)).filter(
            |(id, _)| {
                !matches!(self.call(id), Some(CallRecord { state: CallState::Ended { .. }, .. }))
            },
        )
    }

    /// Returns the observations that were made after this number of turns.
    pub fn observations_after(&self, turns: usize) -> impl Iterator<Item = &Observation> {
        self.observations.iter().filter(move |observation| observation.after == turns)
    }

    /// Returns the calls that were begun and have no result, as a crash leaves them.
    pub fn begun_calls(&self) -> impl Iterator<Item = (&CallId, &CallRecord)> {
        self.calls.iter().filter(|(_, record)| matches!(record.state, CallState::Begun { .. }))
    }

    /// Returns the last reply, if the last turn requests no calls.
    pub fn final_reply(&self) -> Option<&ModelReply> {
        self.turns.last().map(|turn| &turn.reply).filter(|reply| reply.calls.is_empty())
    }
}
