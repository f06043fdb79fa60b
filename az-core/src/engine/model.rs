//! A run as an account: model calls with an intent and a result in the journal.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::event::RunEventKind;
use super::run::Run;
use crate::call::{
    Account, Attempt, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, RetryPolicy,
    call_with_retries,
};
use crate::cost::Settlement;
use crate::error::{Error, Result};
use crate::hash::fnv1a;
use crate::id::CallId;
use crate::journal::{
    EventBody, ModelIntent, ModelOutcome, ModelReply, ModelResult, NewEvent, Purpose,
};
use crate::point;

impl Run {
    /// Calls a model: takes the hold and records the intent, makes the call, records and settles
    /// the result. Transient failures are retried by the engine's policy; every attempt is
    /// recorded.
    ///
    /// # Errors
    ///
    /// Those of [`attempt`](Account::attempt), and `Model` when the last attempt failed.
    pub async fn call_model(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<ModelReply> {
        let policy = self.retry_policy();
        let completion = call_with_retries(self, request, effect, policy).await?;
        Ok(completion.reply)
    }
}

/// The account of the run's task. Attempts are recorded: an `llm_intent` takes the hold and an
/// `llm_result` settles it, both in the journal's transaction.
///
/// An attempt whose future is dropped is settled in full when the run is closed. During the run,
/// its lease keeps the hold from expiring.
#[async_trait]
impl Account for Run {
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced` before anything is sent; `StepLimit`; the stop reason when
    /// the run is stopped; the journal's own.
    async fn attempt(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<Attempt> {
        let limit = self.max_steps();
        if request.purpose == Purpose::Step && self.history.own_steps() >= limit {
            return Err(Error::StepLimit { steps: limit });
        }
        self.check_stop()?;
        // Before the hold, which would keep money from others while the call waits.
        let slot = self.call_slot().await?;
        // Without a valid lease, no hold is taken.
        self.check_lease().await?;
        let call = self.begin_model(request).await?;
        if let Err(refused) = self.check_lease().await {
            return Err(self.cancel_model(call, refused).await);
        }
        let started = Instant::now();
        let meter = Meter::default();
        let stop = self.stop.clone();
        let ended = tokio::select! {
            biased;
            () = stop.requested() => None,
            ended = effect.call(&meter) => Some(ended),
        };
        drop(slot);
        point!("model.called");
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match ended {
            None => {
                self.interrupt_model(call, meter.settlement(), millis).await?;
                self.check_stop()?;
                Err(Error::Cancelled)
            }
            Some(Ok(completion)) => {
                self.end_model(call, &completion, millis).await?;
                Ok(Attempt::Completed(completion))
            }
            Some(Err(failure)) => {
                self.fail_model(call, &failure, millis).await?;
                Ok(Attempt::Failed(failure))
            }
        }
    }

    fn failed(&mut self, failure: &ModelFailure, retry_in: Option<Duration>) {
        let (Some(call), Some(wait)) = (self.last_model_call.clone(), retry_in) else { return };
        self.emit(RunEventKind::RetryScheduled {
            call,
            kind: failure.kind,
            message: failure.message.clone(),
            in_millis: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
    }

    async fn note(&mut self, text: String) -> Result<()> {
        Self::note(self, text).await
    }

    async fn pause(&mut self, wait: Duration) -> Result<()> {
        Self::pause(self, wait).await
    }

    fn retry_policy(&self) -> RetryPolicy {
        self.context.options.retry
    }

    fn seed(&self) -> u64 {
        self.history.next_seq ^ fnv1a(self.task.id.as_str().as_bytes())
    }
}

impl Run {
    async fn begin_model(&mut self, request: &ModelRequest) -> Result<CallId> {
        let call = CallId::model(self.history.next_seq);
        let model = (&*request.provider, &*request.model);
        let digests = request.digests.as_ref();
        let sent = digests.map(|digests| self.history.context.sent.record(model, digests));
        let intent = ModelIntent {
            provider: request.provider.clone(),
            model: request.model.clone(),
            purpose: request.purpose.clone(),
            hold: request.max_cost,
            hold_until: self.lease_until().await?,
            estimated_tokens: request.estimated_tokens,
            reason: request.reason.clone(),
            sent: sent.map(Box::new),
        };
        point!("model.intent");
        self.append(vec![NewEvent::about(call.clone(), EventBody::LlmIntent(intent))]).await?;
        self.last_model_call = Some(call.clone());
        point!("model.call");
        Ok(call)
    }

    /// Settles at zero the hold of a call that was not sent because its lease may have expired;
    /// returns the reason.
    ///
    /// If another worker has claimed the task, nothing can be recorded: the other worker books the
    /// hold in full, because it cannot know whether the request was sent.
    async fn cancel_model(&mut self, call: CallId, reason: Error) -> Error {
        let message = format!("the request was not sent: {}", reason.chain());
        let outcome = ModelOutcome::Failed { kind: reason.kind(), message };
        let result = ModelResult { outcome, settlement: Settlement::Nothing, millis: 0 };
        if let Err(error) = self.record_model(call, result).await {
            let error = error.chain();
            tracing::warn!(error, "failed to settle the hold of a request that was not sent");
        }
        reason
    }

    async fn end_model(
        &mut self,
        call: CallId,
        completion: &ModelCompletion,
        millis: u64,
    ) -> Result<()> {
        let ModelCompletion { reply, charge } = completion;
        let outcome = ModelOutcome::Replied { reply: reply.clone() };
        let settlement = Settlement::Paid(charge.clone());
        point!("model.result");
        self.record_model(call, ModelResult { outcome, settlement, millis }).await
    }

    async fn fail_model(
        &mut self,
        call: CallId,
        failure: &ModelFailure,
        millis: u64,
    ) -> Result<()> {
        let outcome = ModelOutcome::Failed { kind: failure.kind, message: failure.message.clone() };
        let settlement = failure.settlement.clone();
        self.record_model(call, ModelResult { outcome, settlement, millis }).await
    }

    /// Records that a call was interrupted and settles it.
    pub(super) async fn interrupt_model(
        &mut self,
        call: CallId,
        settlement: Settlement,
        millis: u64,
    ) -> Result<()> {
        let outcome = ModelOutcome::Interrupted;
        self.record_model(call, ModelResult { outcome, settlement, millis }).await
    }

    async fn record_model(&mut self, call: CallId, result: ModelResult) -> Result<()> {
        self.append_result(vec![NewEvent::about(call, EventBody::LlmResult(result))]).await
    }
}
