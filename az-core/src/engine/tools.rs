//! Recorded tool calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::approve::Permission;
use super::children::ChildrenOfRun;
use super::invocation::{drop_beyond_limit, invocation};
use super::named_call::contained_call;
use super::outcome::outcome_of;
use super::progress::forward;
use super::question::no_one_to_ask;
use super::recover::in_words;
use super::results::JournalResults;
use super::run::Run;
use super::stop::StopReason;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::journal::{
    CallRecord, CallState, EventBody, NewEvent, ToolCall, ToolIntent, ToolOutcome, ToolResult,
};
use crate::point;
use crate::tool::{
    ChildTasks, EffectClass, Invocation, PreparedCall, RecordedResults, TOOL_SEARCH, ToolOutput,
    ToolSpec, meant_name, progress_channel,
};

/// The number of read-only calls that run concurrently.
const CONCURRENT_READS: usize = 8;

/// How often a lease is renewed for a call that was refused because it may have expired.
const RENEWALS: usize = 3;

/// A call that may be made.
struct ReadyCall {
    call: PreparedCall,
    /// Whether the intent is recorded already, by an earlier run.
    begun: bool,
}

/// A call that was checked. A refusal is recorded in the order of the calls.
enum CheckedCall {
    Ready(Box<ReadyCall>),
    Refused(EndedCall),
}

/// A call that ended.
pub(super) struct EndedCall {
    pub(super) call: CallId,
    pub(super) result: ToolResult,
}

impl Run {
    /// Makes the calls that the last turn requests and that have no result yet.
    ///
    /// # Errors
    ///
    /// Those of [`call_tools`](Self::call_tools).
    pub async fn call_pending(&mut self) -> Result<()> {
        let calls = self.history.pending_calls().map(|(id, call)| (id, call.clone())).collect();
        self.call_tools(calls).await
    }

    /// Makes a call of the agent's own, at most once per name in a task; returns its record.
    ///
    /// # Errors
    ///
    /// Those of [`call_tools`](Self::call_tools), and `Invalid` for a name that is not a valid id.
    pub async fn call_tool(
        &mut self,
        name: &str,
        tool: &str,
        arguments: Value,
    ) -> Result<CallRecord> {
        let id = CallId::new(format!("e:{name}"))?;
        let call = ToolCall { id: String::new(), name: tool.to_owned(), arguments };
        self.call_one(id, call).await
    }

    pub(super) async fn call_one(&mut self, id: CallId, call: ToolCall) -> Result<CallRecord> {
        self.call_tools(vec![(id.clone(), call)]).await?;
        let record = self.history.call(&id).cloned();
        record.ok_or_else(|| Error::Internal(format!("call {id} has no record")))
    }

    /// Makes calls in order, and read-only ones concurrently. Each has a recorded result
    /// afterwards; a call that had one is not made again.
    ///
    /// A call that a tool or the policy rejects has the reason as its result, which is not an
    /// error.
    ///
    /// # Errors
    ///
    /// `CallLimit` if the task may not make all of them, after those were made that it may;
    /// `ApprovalRequired` if no one can be asked; the stop reason if the run is stopped; the
    /// journal's own.
    pub async fn call_tools(&mut self, mut calls: Vec<(CallId, ToolCall)>) -> Result<()> {
        self.check_stop()?;
        // Checks are not the model's choice, and their number is limited otherwise.
        let is_check = |id: &CallId| self.is_check_id(id);
        let exceeded = drop_beyond_limit(&self.history, self.max_calls(), &mut calls, is_check);
        let mut checked = Vec::new();
        for (id, call) in calls {
            checked.extend(self.prepare(id, call).await?);
        }
        let reads = |ready: &ReadyCall| ready.call.effect == EffectClass::Read;
        let mut batch = Vec::new();
        for call in checked {
            let joins = matches!(&call, CheckedCall::Ready(next) if reads(next));
            if !(joins && batch.iter().all(reads)) {
                self.run_batch(std::mem::take(&mut batch)).await?;
            }
            match call {
                CheckedCall::Ready(call) => batch.push(*call),
                CheckedCall::Refused(ended) => self.record(vec![ended]).await?,
            }
        }
        self.run_batch(batch).await?;
        self.snapshot_if_due().await?;
        exceeded.map_or(Ok(()), Err)
    }

    /// Checks a call and its permission; `None` for a call that has a result.
    async fn prepare(&mut self, id: CallId, call: ToolCall) -> Result<Option<CheckedCall>> {
        let begun = match self.history.call(&id).map(|record| &record.state) {
            Some(CallState::Ended { .. }) => return Ok(None),
            Some(CallState::Begun { .. }) => true,
            Some(CallState::Waiting) | None => false,
        };
        let mut tool = call.name.clone();
        let specs = self.context.toolbox.specs();
        let checked = contained_call(call).and_then(|call| {
            tool.clone_from(&call.name);
            self.check(&specs, id.clone(), call)
        });
        let allowed = match checked {
            Ok((spec, call)) => match self.permission(spec, &call).await? {
                Permission::Granted => {
                    let call = self.with_access_check(spec, call);
                    self.answered(call).await?
                }
                Permission::Refused(reason) => Err(reason),
            },
            Err(error) => Err(error.chain()),
        };
        Ok(Some(match allowed {
            Ok(call) => CheckedCall::Ready(Box::new(ReadyCall { call, begun })),
            Err(reason) => {
                let output = ToolOutput::failed(reason);
                let result = ToolResult::new(tool, ToolOutcome::Refused, output);
                CheckedCall::Refused(EndedCall { call: id, result })
            }
        }))
    }

    /// Finds the tool among those that the task may use, and checks the arguments. If no tool has the
    /// name, the one that is meant by it is called, with a note for the model.
    fn check<'s>(
        &self,
        specs: &'s [ToolSpec],
        id: CallId,
        call: ToolCall,
    ) -> Result<(&'s ToolSpec, PreparedCall)> {
        let offered = || specs.iter().filter(|spec| self.may_call(&id, spec));
        let names: Vec<&str> = offered().map(|spec| spec.name.as_str()).collect();
        let is_known = names.contains(&&*call.name);
        let name = if is_known { Some(&*call.name) } else { meant_name(&call.name, &names) };
        let spec = name.and_then(|name| offered().find(|spec| spec.name == name));
        let spec = spec.ok_or_else(|| match specs.iter().find(|spec| spec.name == call.name) {
            Some(spec) if spec.asks_person && self.may_use(&spec.name) => no_one_to_ask(&spec.name),
            _ => self.unknown_tool(&call.name),
        })?;
        let mut invocation = self.invocation(id, spec.name.clone(), call.arguments);
        if !is_known {
            invocation.corrections.push(format!(
                "there is no tool {:?}; {:?} was called; use this name",
                call.name, spec.name
            ));
        }
        if spec.name == TOOL_SEARCH {
            invocation.tools = self.tools();
        }
        let call = self.context.toolbox.prepare(invocation.with_timeout(spec.timeout))?;
        Ok((spec, call))
    }

    pub(super) fn invocation(&self, call: CallId, tool: String, arguments: Value) -> Invocation {
        let mut invocation = invocation(&self.task, &self.history, call, tool, arguments);
        invocation.results = RecordedResults::new(Arc::new(JournalResults {
            store: Arc::clone(&self.context.store),
            task: self.task.id.clone(),
        }));
        invocation.cancel = self.stop.token();
        invocation.lease = self.fence.clone();
        invocation
    }

    /// Makes calls that may run concurrently, and records their results.
    async fn run_batch(&mut self, mut batch: Vec<ReadyCall>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        // A call that would be cancelled before it starts has no intent: the next run makes it.
        self.check_stop()?;
        let only_reads = batch.iter().all(|ready| ready.call.effect == EffectClass::Read);
        let _slot = if only_reads { None } else { self.call_slot().await? };
        self.begin(&mut batch).await?;
        for ready in &mut batch {
            let invocation = &mut ready.call.invocation;
            let children = ChildrenOfRun::new(&self.children, self.history.told_ends.clone());
            invocation.children = ChildTasks::new(Arc::new(children));
            invocation.seen = self.seen_for(&invocation.call);
            invocation.shown_bytes = self.shown_bytes;
        }
        point!("tool.call");
        let this = &*self;
        let ended: Vec<Result<Option<EndedCall>>> = stream::iter(batch)
            .map(|ready| this.invoke(ready.call))
            .buffered(CONCURRENT_READS)
            .collect()
            .await;
        point!("tool.called");
        let ended: Result<Vec<_>> = ended.into_iter().collect();
        let ended: Vec<EndedCall> = ended?.into_iter().flatten().collect();
        let unknown = ended.iter().filter(|ended| ended.result.outcome == ToolOutcome::Unknown);
        let unknown: Vec<_> =
            unknown.map(|ended| in_words(&ended.result.tool, &ended.call)).collect();
        self.record(ended).await?;
        // A task that ends anyway ends for the reason for which it was stopped.
        if self.stop.reason().is_some_and(|reason| reason != StopReason::Shutdown) {
            self.check_stop()?;
        }
        self.check_unknown(&unknown)?;
        self.check_stop()
    }

    /// Records the intents of the calls that have none.
    async fn begin(&mut self, batch: &mut [ReadyCall]) -> Result<()> {
        let mut intents = Vec::new();
        for (ready, seq) in batch.iter_mut().filter(|r| !r.begun).zip(self.history.next_seq..) {
            ready.call.invocation.key = Invocation::key_of(&self.task.id, seq);
            let call = &ready.call;
            let witness = match call.effect {
                // A failed witness makes the probe less certain, and does not prevent the call.
                EffectClass::Probe => self.context.toolbox.witness(call).await.unwrap_or_default(),
                EffectClass::Read | EffectClass::Idempotent | EffectClass::Unsafe => None,
            };
            ready.call.invocation.witness.clone_from(&witness);
            let call = &ready.call;
            let intent = ToolIntent {
                tool: call.invocation.tool.clone(),
                arguments: call.invocation.arguments.clone(),
                effect: call.effect,
                witness,
            };
            let id = call.invocation.call.clone();
            intents.push(NewEvent::about(id, EventBody::ToolIntent(intent)));
        }
        if !intents.is_empty() {
            point!("tool.intent");
            self.append(intents).await?;
        }
        Ok(())
    }

    /// Makes a call, unless the lease was lost; `None` if the run was stopped before the call had a
    /// result worth recording.
    ///
    /// A tool refuses the call if the process was stopped right before the effect, so that the lease may
    /// have expired. Nothing was done then: the lease is renewed and the call made again.
    ///
    /// # Errors
    ///
    /// `LeaseLost` if the lease was lost, or the tool refused the call under every renewed lease; the
    /// stop reason if the run was stopped before another attempt.
    async fn invoke(&self, mut call: PreparedCall) -> Result<Option<EndedCall>> {
        // A run that is stopped meanwhile has no result of this call, and keeps those of others.
        let Ok(_slot) = self.slot_to_read(&call).await else { return Ok(None) };
        let started = Instant::now();
        let called = (call.invocation.call.clone(), call.invocation.tool.clone());
        let effect = call.effect;
        for _ in 0..=RENEWALS {
            // Reading is not refused.
            let again = (effect != EffectClass::Read).then(|| call.invocation.clone());
            let Some(returned) = self.invoke_fenced(call).await? else { return Ok(None) };
            match (returned, again) {
                (Err(Error::LeaseLost { .. }), Some(again)) => {
                    self.check_stop()?;
                    call = self.context.toolbox.prepare(again)?;
                }
                (returned, _) => return Ok(self.ended(called, effect, returned, started)),
            }
        }
        Err(Error::LeaseLost { task: self.task.id.clone(), owner: None })
    }

    /// Makes a call while the lease is valid; `None` if the run was stopped before the call returned.
    #[expect(clippy::disallowed_methods, reason = "a stopped tool gets a moment of real time")]
    async fn invoke_fenced(&self, mut call: PreparedCall) -> Result<Option<Result<ToolOutput>>> {
        self.check_lease().await?;
        let _running = self.fence.begin_effect();
        if call.effect == EffectClass::Unsafe {
            self.may_have_background.store(true, Ordering::Relaxed);
        }
        let (id, tool) = (call.invocation.call.clone(), call.invocation.tool.clone());
        let (sender, receiver) = progress_channel();
        call.invocation.progress = sender;
        let watch = forward(receiver, self.emitter(), id, tool);
        let too_late = async {
            self.stop.requested().await;
            tokio::time::sleep(self.context.options.grace).await;
        };
        tokio::select! {
            biased;
            returned = self.context.toolbox.invoke(call) => Ok(Some(returned)),
            () = too_late => Ok(None),
            never = watch => match never {},
        }
    }

    /// Returns the result to record for a call that returned; `None` records none.
    fn ended(
        &self,
        (call, tool): (CallId, String),
        effect: EffectClass,
        returned: Result<ToolOutput>,
        started: Instant,
    ) -> Option<EndedCall> {
        let (outcome, output) = outcome_of(returned);
        let outcome = match outcome {
            ToolOutcome::Unknown => self.outcome_of_cut_short(effect),
            known => Some(known),
        };
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let result = ToolResult::new(tool, outcome?, output).with_millis(millis);
        Some(EndedCall { call, result })
    }

    pub(super) async fn record(&mut self, ended: Vec<EndedCall>) -> Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let events = ended
            .into_iter()
            .map(|EndedCall { call, result }| NewEvent::about(call, EventBody::ToolResult(result)));
        point!("tool.result");
        self.append_result(events.collect()).await
    }

    /// Records the known outcome of an interrupted call.
    pub(super) async fn record_found(
        &mut self,
        call: CallId,
        tool: String,
        found: Option<ToolOutput>,
    ) -> Result<()> {
        let unknown = "interrupted, outcome unknown: verify before repeating it";
        let (outcome, output) = match found {
            Some(output) => (ToolOutcome::Done, output),
            None => (ToolOutcome::Unknown, ToolOutput::failed(unknown)),
        };
        let result = ToolResult::new(tool, outcome, output);
        self.record(vec![EndedCall { call, result }]).await
    }
}
