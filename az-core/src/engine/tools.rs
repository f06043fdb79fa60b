//! The journaled tool call.

use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::event::RunEventKind;
use super::run::Run;
use crate::approval::{Approval, Verdict};
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::journal::{
    CallRecord, CallState, EventBody, NewEvent, ToolCall, ToolIntent, ToolOutcome, ToolResult,
};
use crate::point;
use crate::text::one_line;
use crate::tool::{EffectClass, Invocation, ToolOutput, ToolSpec};

/// How many calls run side by side.
const SIDE_BY_SIDE: usize = 8;

/// A call that may be made.
struct Ready {
    invocation: Invocation,
    effect: EffectClass,
    /// Its intent is on record, from a run before this one.
    begun: bool,
}

/// A call that ended.
struct Ended {
    call: CallId,
    result: ToolResult,
}

impl Run {
    /// Makes the calls that the last turn asks for and that have no result yet.
    ///
    /// # Errors
    ///
    /// Those of [`call_tools`](Self::call_tools).
    pub async fn call_pending(&mut self) -> Result<()> {
        let calls = self.history.pending_calls().map(|(id, call)| (id, call.clone())).collect();
        self.call_tools(calls).await
    }

    /// Makes a call of the agent's own, once in the life of the task however often it is asked for;
    /// returns how it ended.
    ///
    /// # Errors
    ///
    /// Those of [`call_tools`](Self::call_tools), and `Invalid` for a name that makes no id.
    pub async fn call_tool(
        &mut self,
        name: &str,
        tool: &str,
        arguments: Value,
    ) -> Result<CallRecord> {
        let id = CallId::new(format!("e:{name}"))?;
        let call = ToolCall { id: String::new(), name: tool.to_owned(), arguments };
        self.call_tools(vec![(id.clone(), call)]).await?;
        let record = self.history.call(&id).cloned();
        record.ok_or_else(|| Error::Internal(format!("call {id} left no record")))
    }

    /// Makes calls in order, those that only read side by side; each has a result on record
    /// afterwards, and those that had one before are not made again.
    ///
    /// What a tool or a rule has against a call is that call's result, not an error.
    ///
    /// # Errors
    ///
    /// `ApprovalRequired` when nobody was there to ask; the reason when the run is told to stop;
    /// the journal's own.
    pub async fn call_tools(&mut self, calls: Vec<(CallId, ToolCall)>) -> Result<()> {
        self.check_stop()?;
        let mut ready = Vec::new();
        for (id, call) in calls {
            if let Some(call) = self.prepare(id, call).await? {
                ready.push(call);
            }
        }
        let mut rest = ready.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut batch = vec![first];
            while batch.iter().all(|call| call.effect == EffectClass::Read)
                && let Some(next) = rest.next_if(|call| call.effect == EffectClass::Read)
            {
                batch.push(next);
            }
            self.run_batch(batch).await?;
            self.check_stop()?;
        }
        self.snapshot_if_due().await
    }

    /// Finds out whether a call may be made; records a refusal as its result.
    async fn prepare(&mut self, id: CallId, call: ToolCall) -> Result<Option<Ready>> {
        let begun = match self.history.call(&id).map(|record| &record.state) {
            Some(CallState::Ended { .. }) => return Ok(None),
            Some(CallState::Begun { .. }) => true,
            Some(CallState::Waiting) | None => false,
        };
        let invocation = self.invocation(id, call.name, call.arguments);
        let allowed = match self.spec_of(&invocation) {
            Ok((spec, effect)) => match self.approve(&spec, &invocation).await? {
                None => Ok(effect),
                Some(reason) => Err(reason),
            },
            Err(error) => Err(error.chain()),
        };
        match allowed {
            Ok(effect) => Ok(Some(Ready { invocation, effect, begun })),
            Err(reason) => {
                self.refuse(invocation, reason).await?;
                Ok(None)
            }
        }
    }

    pub(super) fn invocation(&self, call: CallId, tool: String, arguments: Value) -> Invocation {
        let seq = self.history.call(&call).and_then(|record| record.intent_seq).unwrap_or(0);
        Invocation {
            task: self.task.id.clone(),
            key: format!("{}:{seq}", self.task.id),
            call,
            tool,
            arguments,
            workspace: self.task.options.workspace.clone(),
            timeout: None,
            cancel: self.stop.token(),
        }
    }

    fn spec_of(&self, call: &Invocation) -> Result<(ToolSpec, EffectClass)> {
        let mut specs = self.parts.toolbox.specs().into_iter();
        let spec = specs.find(|spec| spec.name == call.tool && self.may_use(&spec.name));
        let spec = spec.ok_or_else(|| Error::not_found("tool", &call.tool))?;
        let effect = self.parts.toolbox.effect(call)?;
        Ok((spec, effect))
    }

    /// Asks whoever has to be asked; returns why not, if not.
    async fn approve(&mut self, spec: &ToolSpec, call: &Invocation) -> Result<Option<String>> {
        let reason = match self.parts.approver.assess(&self.task, spec, call) {
            Verdict::Allow => return Ok(None),
            Verdict::Deny { reason } => return Ok(Some(format!("not allowed: {reason}"))),
            Verdict::Ask { reason } => reason,
        };
        let denied = "not approved: do without it, or ask for something else".to_owned();
        let digest = digest(&call.tool, &call.arguments);
        let record = self.history.call(&call.call);
        let asked = record.is_some();
        if let Some((answered, granted)) = record.and_then(|record| record.approval.as_ref())
            && *answered == digest
        {
            return Ok((!granted).then_some(denied));
        }
        if !asked {
            let body = EventBody::ApprovalAsked {
                tool: call.tool.clone(),
                digest: digest.clone(),
                reason: reason.clone(),
            };
            self.append(vec![NewEvent::about(call.call.clone(), body)]).await?;
        }
        self.emit(RunEventKind::ApprovalAsked {
            call: call.call.clone(),
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
            reason: reason.clone(),
        });
        let stop = self.stop.clone();
        let answer = tokio::select! {
            biased;
            () = stop.requested() => return self.check_stop().map(|()| Some(denied)),
            answer = self.parts.approver.ask(&self.task, call, &reason) => answer?,
        };
        let (granted, by) = match answer {
            Approval::Granted { by } => (true, by),
            Approval::Denied { by } => (false, by),
            Approval::Unattended => {
                return Err(Error::ApprovalRequired { tool: call.tool.clone(), reason });
            }
        };
        point!("approval.given");
        let body = EventBody::ApprovalGiven { digest, granted, by };
        self.append(vec![NewEvent::about(call.call.clone(), body)]).await?;
        Ok((!granted).then_some(denied))
    }

    async fn refuse(&mut self, call: Invocation, reason: String) -> Result<()> {
        let result = ToolResult {
            tool: call.tool,
            outcome: ToolOutcome::Refused,
            text: reason,
            data: None,
            millis: 0,
        };
        self.record(vec![Ended { call: call.call, result }]).await
    }

    async fn run_batch(&mut self, mut batch: Vec<Ready>) -> Result<()> {
        self.begin(&mut batch).await?;
        for ready in &batch {
            self.emit(RunEventKind::ToolStarted {
                call: ready.invocation.call.clone(),
                tool: ready.invocation.tool.clone(),
                arguments: ready.invocation.arguments.clone(),
            });
        }
        point!("tool.call");
        let this = &*self;
        let ended: Vec<Option<Ended>> = stream::iter(batch)
            .map(|ready| this.invoke(ready.invocation))
            .buffered(SIDE_BY_SIDE)
            .collect()
            .await;
        point!("tool.called");
        self.record(ended.into_iter().flatten().collect()).await
    }

    /// Records the intents of the calls that have none.
    async fn begin(&mut self, batch: &mut [Ready]) -> Result<()> {
        let mut intents = Vec::new();
        for (ready, seq) in batch.iter_mut().filter(|r| !r.begun).zip(self.history.next_seq..) {
            ready.invocation.key = format!("{}:{seq}", self.task.id);
            let call = &ready.invocation;
            let witness = match ready.effect {
                // A witness that cannot be taken costs the probe its certainty, not the call.
                EffectClass::Probe => self.parts.toolbox.witness(call).await.unwrap_or_default(),
                EffectClass::Read | EffectClass::Idempotent | EffectClass::Unsafe => None,
            };
            let intent = ToolIntent {
                tool: call.tool.clone(),
                arguments: call.arguments.clone(),
                effect: ready.effect,
                witness,
            };
            intents.push(NewEvent::about(call.call.clone(), EventBody::ToolIntent(intent)));
        }
        if !intents.is_empty() {
            point!("tool.intent");
            self.append(intents).await?;
        }
        Ok(())
    }

    /// Makes a call; `None` when it was told to stop and did not return.
    #[expect(clippy::disallowed_methods, reason = "a stopped tool gets a moment of real time")]
    async fn invoke(&self, call: Invocation) -> Option<Ended> {
        let started = Instant::now();
        let too_late = async {
            self.stop.requested().await;
            tokio::time::sleep(self.parts.options.grace).await;
        };
        let returned = tokio::select! {
            returned = self.parts.toolbox.invoke(&call) => returned,
            () = too_late => return None,
        };
        let (outcome, output) = match returned {
            Ok(output) if output.ok => (ToolOutcome::Done, output),
            Ok(output) => (ToolOutcome::Failed, output),
            Err(error @ (Error::NotFound { .. } | Error::Invalid { .. })) => {
                (ToolOutcome::Refused, ToolOutput::failed(error.chain()))
            }
            Err(error) => (ToolOutcome::Failed, ToolOutput::failed(error.chain())),
        };
        let ToolOutput { text, data, .. } = output;
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let result = ToolResult { tool: call.tool, outcome, text, data, millis };
        Some(Ended { call: call.call, result })
    }

    /// Records results, and tells of them.
    async fn record(&mut self, ended: Vec<Ended>) -> Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let events = ended.iter().map(|Ended { call, result }| {
            NewEvent::about(call.clone(), EventBody::ToolResult(result.clone()))
        });
        let events = events.collect();
        point!("tool.result");
        self.append(events).await?;
        for Ended { call, result } in ended {
            self.emit(RunEventKind::ToolFinished {
                call,
                tool: result.tool,
                outcome: result.outcome,
                text: one_line(&result.text, 200),
                millis: result.millis,
            });
        }
        Ok(())
    }

    /// Records what is known of an interrupted call.
    pub(super) async fn record_found(
        &mut self,
        call: CallId,
        tool: String,
        found: Option<ToolOutput>,
    ) -> Result<()> {
        let (outcome, text, data) = match found {
            Some(output) => (ToolOutcome::Done, output.text, output.data),
            None => (
                ToolOutcome::Unknown,
                "interrupted, outcome unknown: verify before repeating it".to_owned(),
                None,
            ),
        };
        let result = ToolResult { tool, outcome, text, data, millis: 0 };
        self.record(vec![Ended { call, result }]).await
    }
}

/// Returns what an approval is bound to: this tool with these arguments.
fn digest(tool: &str, arguments: &Value) -> String {
    let hash = Sha256::digest(format!("{tool}\n{arguments}"));
    hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.push_str(&format!("{byte:02x}"));
        hex
    })
}
