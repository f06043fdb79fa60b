//! What a record adds up to: the only state of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{
    Event, EventBody, ModelIntent, ModelOutcome, ModelResult, Purpose, ToolIntent, ToolOutcome,
    ToolResult,
};
use super::reply::{ModelReply, ToolCall};
use crate::content::{ContentPart, ImageContent, describe};
use crate::cost::Settlement;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::money::Usd;
use crate::task::Outcome;
use crate::text::Excerpt;
use crate::tool::EffectClass;

/// How much text of a tool's result the fold keeps, in bytes; the record has all of it. It is more
/// than a model is usually shown, for agents that work on results themselves.
const KEPT: usize = 64 << 10;

/// How much of a result's images the fold keeps, in bytes of base64; the record has all of them.
/// Providers accept no larger images.
const IMAGES_KEPT: usize = 8 << 20;

/// What a task's record adds up to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// The number that the next event gets.
    pub next_seq: u64,
    /// How many times the task was taken up.
    pub runs: u32,
    /// How many turns were done each time that it was taken up again; one with calls still to be
    /// made is not.
    pub resumed_after: Vec<usize>,
    /// How many replies counted as steps.
    pub steps: u32,
    /// What the model said, and what it wanted called.
    pub turns: Vec<Turn>,
    /// What the agent added to what the model sees, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
    /// Every tool call and effect begun, refused or asked about.
    pub calls: BTreeMap<CallId, CallRecord>,
    /// What stands for the first turns, once they were summarised.
    pub summary: Option<Summary>,
    /// The model call that has no result yet.
    pub open_model: Option<OpenModelCall>,
    /// What was booked so far, as far as prices are known.
    pub cost: Usd,
    /// Whether some of it has no known price.
    pub unpriced: bool,
    /// All tokens used, in and out.
    pub tokens: u64,
    /// How the last run ended; nothing while one is under way.
    pub outcome: Option<Outcome>,
}

/// A model's turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// What it said.
    pub reply: ModelReply,
}

/// A text that the agent added to what the model sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The number of turns before it.
    pub after: usize,
    /// The text.
    pub text: String,
}

/// The first turns in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many turns it stands for.
    pub turns: usize,
    /// What they came to.
    pub text: String,
}

/// A model call without a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenModelCall {
    /// Its id.
    pub call: CallId,
    /// What was about to be asked.
    pub intent: ModelIntent,
}

/// A tool call or effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The number of its intent, once begun: with the task's id the key under which it happens at
    /// most once.
    pub intent_seq: Option<u64>,
    /// The answer to whether it may be made, with the digest that it holds for.
    pub approval: Option<(String, bool)>,
    /// How far it got.
    pub state: CallState,
}

/// How far a call got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    /// Asked about, not begun.
    Waiting,
    /// Begun, without a result.
    Begun {
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: Value,
        /// What may be done about it.
        effect: EffectClass,
        /// What the tool noted of how things stood before.
        witness: Option<Value>,
    },
    /// With a result.
    Ended {
        /// What it did.
        outcome: ToolOutcome,
        /// What it returned as text, shortened; a line stands for each part that is not kept.
        text: Excerpt,
        /// The images that it returned, the first few megabytes of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<ImageContent>,
        /// The same as data, where it is small.
        data: Option<Value>,
    },
}

/// Folds a record, or the tail of one that begins with a snapshot.
///
/// # Errors
///
/// [`Error::BrokenJournal`] at the first event that cannot follow those before it.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<History> {
    let mut history = History::default();
    let mut first = true;
    for event in events {
        match &event.event.body {
            EventBody::Snapshot { history: saved } if first => {
                history = (**saved).clone();
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
    /// [`Error::BrokenJournal`] when it cannot follow what is there.
    pub fn apply(&mut self, event: &Event) -> Result<()> {
        let broken = |reason: &str| Error::BrokenJournal {
            task: event.task.clone(),
            seq: event.seq,
            reason: reason.to_owned(),
        };
        if event.seq != self.next_seq {
            return Err(broken(&format!("number {} was expected", self.next_seq)));
        }
        self.add(event).map_err(broken)?;
        self.next_seq += 1;
        Ok(())
    }

    fn add(&mut self, event: &Event) -> Result<(), &'static str> {
        let call = || event.event.call.clone().ok_or("it names no call");
        match &event.event.body {
            EventBody::RunStarted { .. } => {
                if self.runs > 0 {
                    let undone = usize::from(self.pending_calls().next().is_some());
                    self.resumed_after.push(self.turns.len().saturating_sub(undone));
                }
                self.runs += 1;
                self.outcome = None;
            }
            EventBody::LlmIntent(intent) => self.begin_model(call()?, intent)?,
            EventBody::LlmResult(result) => self.end_model(&call()?, result)?,
            EventBody::ToolIntent(intent) => self.begin_tool(call()?, intent, event.seq)?,
            EventBody::ToolResult(result) => self.end_tool(call()?, result)?,
            EventBody::ApprovalAsked { .. } => {
                self.record(call()?);
            }
            EventBody::ApprovalGiven { digest, granted, .. } => {
                self.record(call()?).approval = Some((digest.clone(), *granted));
            }
            EventBody::Observation { text } => {
                let after = self.turns.len();
                self.observations.push(Observation { after, text: text.clone() });
            }
            EventBody::Note { .. } | EventBody::Snapshot { .. } => {}
            EventBody::RunFinished { outcome, .. } => self.outcome = Some(outcome.clone()),
        }
        Ok(())
    }

    fn begin_model(&mut self, call: CallId, intent: &ModelIntent) -> Result<(), &'static str> {
        if self.open_model.is_some() {
            return Err("a model call is under way already");
        }
        if intent.purpose == Purpose::Step && self.pending_calls().next().is_some() {
            return Err("a tool call of the last turn has no result");
        }
        self.open_model = Some(OpenModelCall { call, intent: intent.clone() });
        Ok(())
    }

    fn end_model(&mut self, call: &CallId, result: &ModelResult) -> Result<(), &'static str> {
        let open = self.open_model.take_if(|open| open.call == *call);
        let open = open.ok_or("no such model call is under way")?;
        self.book(&result.settlement, &open.intent);
        if let ModelOutcome::Replied { reply } = &result.outcome {
            match open.intent.purpose {
                Purpose::Step => {
                    self.steps += 1;
                    self.turns.push(Turn { reply: reply.clone() });
                }
                Purpose::Summary { turns } => {
                    self.summary = Some(Summary { turns, text: reply.text.clone() });
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
            return Err("the tool call was begun before");
        }
        record.intent_seq = Some(seq);
        record.state = CallState::Begun {
            tool: intent.tool.clone(),
            arguments: intent.arguments.clone(),
            effect: intent.effect,
            witness: intent.witness.clone(),
        };
        Ok(())
    }

    fn end_tool(&mut self, call: CallId, result: &ToolResult) -> Result<(), &'static str> {
        let record = self.record(call);
        if matches!(record.state, CallState::Ended { .. }) {
            return Err("the tool call has a result already");
        }
        let (text, images) = excerpt(&result.content);
        let data = result.data.as_ref().filter(|_| text.omitted == 0).cloned();
        record.state = CallState::Ended { outcome: result.outcome, text, images, data };
        Ok(())
    }

    fn record(&mut self, call: CallId) -> &mut CallRecord {
        self.calls.entry(call).or_insert(CallRecord {
            intent_seq: None,
            approval: None,
            state: CallState::Waiting,
        })
    }

    /// Returns how far a call got, if anything is known of it.
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

    /// Returns the observations that were made after so many turns.
    pub fn observations_after(&self, turns: usize) -> impl Iterator<Item = &Observation> {
        self.observations.iter().filter(move |observation| observation.after == turns)
    }

    /// Returns the calls that were begun and have no result: what a crash leaves behind.
    pub fn begun_calls(&self) -> impl Iterator<Item = (&CallId, &CallRecord)> {
        self.calls.iter().filter(|(_, record)| matches!(record.state, CallState::Begun { .. }))
    }

    /// Returns the last reply that asked for nothing more, if the last turn is one.
    pub fn final_reply(&self) -> Option<&ModelReply> {
        self.turns.last().map(|turn| &turn.reply).filter(|reply| reply.calls.is_empty())
    }
}

/// Returns what the fold keeps of a result.
fn excerpt(content: &[ContentPart]) -> (Excerpt, Vec<ImageContent>) {
    if let [] | [ContentPart::Text { .. }] = content {
        return (Excerpt::of(&describe(content), KEPT), Vec::new());
    }
    let mut images = Vec::new();
    let mut room = IMAGES_KEPT;
    let mut texts = Vec::new();
    for part in content {
        match part {
            ContentPart::Image(image) if image.data.len() <= room => {
                room -= image.data.len();
                images.push(image.clone());
            }
            ContentPart::Text { .. } | ContentPart::Image(_) | ContentPart::ResourceLink { .. } => {
                texts.push(part.describe());
            }
        }
    }
    (Excerpt::of(&texts.join("\n"), KEPT), images)
}
