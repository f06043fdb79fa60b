//! Recovery of the effects that an interrupted run left open.

use serde_json::Value;

use super::options::OnUnknown;
use super::run::Run;
use crate::cost::Settlement;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::journal::{
    CallState, EventBody, ModelOutcome, ModelResult, NewEvent, OpenModelCall, SCHEMA,
};
use crate::point;
use crate::tool::{EffectClass, PreparedCall, Probed};

/// A call with an intent and without a result.
struct Begun {
    call: CallId,
    tool: String,
    arguments: Value,
    effect: EffectClass,
    witness: Option<Value>,
}

/// Names a call in an error message.
pub(super) fn in_words(tool: &str, call: &CallId) -> String {
    format!("{tool} ({call})")
}

impl Run {
    /// Opens the run: settles an interrupted model call, and probes interrupted tool calls.
    pub(super) async fn open(&mut self) -> Result<()> {
        let owner = self.lease.owner.clone();
        let mut events = self.beginning().await?;
        let steps = if events.is_empty() { self.history.steps } else { self.copied_steps() };
        let continues = self.continued().filter(|_| !events.is_empty());
        let started = EventBody::RunStarted { schema: SCHEMA, owner, steps, continues };
        events.push(NewEvent::new(started));
        if let Some(OpenModelCall { call, .. }) = &self.history.open_model {
            // The request may have been sent: it is booked in full, and sent again.
            let result = ModelResult {
                outcome: ModelOutcome::Interrupted,
                settlement: Settlement::Full,
                millis: 0,
            };
            events.push(NewEvent::about(call.clone(), EventBody::LlmResult(result)));
        }
        point!("run.open");
        self.append(events).await?;
        point!("run.opened");
        self.end_earlier_background().await?;
        self.recover_calls().await?;
        // The first run of a task has no children yet.
        if self.history.runs > 1 {
            self.children.resume(&self.history.told_ends).await?;
        }
        Ok(())
    }

    async fn recover_calls(&mut self) -> Result<()> {
        let mut unknown = Vec::new();
        for begun in self.begun() {
            let Begun { call, tool, arguments, effect, witness } = begun;
            let prepared = self.abandon(call.clone(), tool.clone(), arguments).await;
            // An older version of the tool may have recorded a class that permits more.
            let effect = prepared.as_ref().map_or(effect, |call| effect.max(call.effect));
            point!("recover.abandoned");
            let probed = match (effect, prepared) {
                (EffectClass::Read | EffectClass::Idempotent, _) => Probed::DidNotHappen,
                (EffectClass::Unsafe, _) | (EffectClass::Probe, None) => Probed::Unknown,
                (EffectClass::Probe, Some(call)) => {
                    let probed = self.context.toolbox.probe(&call, witness.as_ref()).await;
                    probed.unwrap_or(Probed::Unknown)
                }
            };
            point!("recover.probed");
            match probed {
                // The call remains begun, and is made when the agent reaches it.
                Probed::DidNotHappen => {}
                Probed::Happened(output) => self.record_found(call, tool, Some(output)).await?,
                Probed::Unknown => {
                    unknown.push(in_words(&tool, &call));
                    self.record_found(call, tool, None).await?;
                }
            }
        }
        self.check_unknown(&unknown)
    }

    /// Fails if there are calls with an unknown outcome and the options do not allow to continue.
    pub(super) fn check_unknown(&self, calls: &[String]) -> Result<()> {
        if calls.is_empty() || self.context.options.on_unknown == OnUnknown::Continue {
            return Ok(());
        }
        let reason = format!("interrupted, outcome unknown: {}", calls.join(", "));
        Err(Error::Agent { reason })
    }

    /// Closes everything that costs money or keeps running. Calls that remain begun are probed when
    /// the task is resumed.
    pub(super) async fn close(&mut self) -> Result<()> {
        if let Some(OpenModelCall { call, .. }) = self.history.open_model.clone() {
            self.interrupt_model(call, Settlement::Full, 0).await?;
        }
        for begun in self.begun() {
            self.abandon(begun.call, begun.tool, begun.arguments).await;
        }
        self.end_own_background().await;
        Ok(())
    }

    /// Stops what a call left running, and removes its temporary files. The task continues if that fails; otherwise it could be
    /// neither resumed nor cancelled.
    ///
    /// Returns the call; `None` if its tool no longer exists or no longer accepts the arguments.
    /// Nothing of the call can be stopped or probed then.
    async fn abandon(&self, call: CallId, tool: String, arguments: Value) -> Option<PreparedCall> {
        let toolbox = &self.context.toolbox;
        let call = toolbox.prepare(self.invocation(call, tool, arguments)).ok()?;
        if let Err(error) = toolbox.abandon(&call).await {
            tracing::warn!(
                task = %self.task.id,
                tool = call.invocation.tool,
                error = error.chain(),
                "failed to clean up after an interrupted tool call; it may still be running, or have \
                 left temporary files"
            );
        }
        Some(call)
    }

    fn begun(&self) -> Vec<Begun> {
        let begun = self.history.begun_calls().filter_map(|(call, record)| match &record.state {
            CallState::Begun { tool, arguments, effect, witness } => Some(Begun {
                call: call.clone(),
                tool: tool.clone(),
                arguments: arguments.clone(),
                effect: *effect,
                witness: witness.clone(),
            }),
            CallState::Waiting | CallState::Ended { .. } => None,
        });
        begun.collect()
    }
}
