//! The journaled model call.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::event::RunEventKind;
use super::retry::RetryPolicy;
use super::run::Run;
use crate::cost::{Charge, Settlement};
use crate::error::{Error, ErrorKind, Result};
use crate::id::CallId;
use crate::journal::{
    EventBody, ModelIntent, ModelOutcome, ModelReply, ModelResult, NewEvent, Purpose,
};
use crate::money::Usd;
use crate::point;

/// What a model is to be asked, as far as the record is concerned.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// Who is asked.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// What for.
    pub purpose: Purpose,
    /// The most that it can cost; `None` when the price is unknown.
    pub max_cost: Option<Usd>,
    /// Tokens expected to be sent.
    pub estimated_tokens: u64,
    /// Why this model, where there was a choice.
    pub reason: Option<String>,
    /// When to try again; the engine's own policy when absent.
    pub retry: Option<RetryPolicy>,
}

/// The call itself: sends the request, streams the reply.
///
/// # Contract
///
/// 1. One call is one attempt: what may pass is tried again by the run, with an intent of its own.
/// 2. A failure says `Nothing` of its settlement only when the request certainly cost nothing.
/// 3. It may be dropped at any await, and then stops.
#[async_trait]
pub trait ModelEffect: fmt::Debug + Send + Sync {
    /// Makes the call. What is noted on the meter is booked if the call is dropped.
    ///
    /// # Errors
    ///
    /// A failure that says what becomes of the hold.
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure>;
}

/// A model call that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCompletion {
    /// What the model said.
    pub reply: ModelReply,
    /// What it used and cost.
    pub charge: Charge,
}

/// A model call that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFailure {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// What the provider or the connection said.
    pub message: String,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// What becomes of the hold.
    pub settlement: Settlement,
}

impl From<ModelFailure> for Error {
    fn from(failure: ModelFailure) -> Self {
        let ModelFailure { kind, message, retry_after, .. } = failure;
        Self::Model { kind, message, retry_after }
    }
}

/// What a call has used so far, for when it is dropped before its end.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Option<Charge>>);

impl Meter {
    /// Replaces what was noted before.
    pub fn note(&self, charge: Charge) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(charge);
    }

    /// Returns the settlement of a dropped call: what was noted if its cost is known, else the full
    /// hold.
    fn settlement(&self) -> Settlement {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let known = noted.filter(|charge| charge.cost.is_some());
        known.map_or(Settlement::Full, Settlement::Paid)
    }
}

impl Run {
    /// Asks a model: takes the hold and records the intent, makes the call, records and settles the
    /// result. Failures that may pass are tried again, each attempt recorded.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced` before anything is sent; `StepLimit`; `Model` when the last
    /// attempt failed; the reason when the run is told to stop; the journal's own.
    pub async fn call_model(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<ModelReply> {
        let limit = self.max_steps();
        if request.purpose == Purpose::Step && self.history.steps >= limit {
            return Err(Error::StepLimit { steps: limit });
        }
        let mut attempt = 1;
        loop {
            let (call, failure) = match self.attempt(request, effect).await? {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            let ModelFailure { kind, retry_after, .. } = failure;
            let seed = self.history.next_seq ^ seed_of(self.task.id.as_str());
            let policy = request.retry.unwrap_or(self.parts.options.retry);
            let wait = policy.wait(attempt, kind, retry_after, seed);
            let Some(wait) = wait else {
                return Err(failure.into());
            };
            self.emit(RunEventKind::RetryScheduled {
                call,
                kind,
                message: failure.message,
                in_millis: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            });
            self.pause(wait).await?;
            attempt += 1;
        }
    }

    async fn attempt(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<Result<ModelReply, (CallId, ModelFailure)>> {
        self.check_stop()?;
        let call = self.begin_model(request).await?;
        let started = Instant::now();
        let meter = Meter::default();
        let stop = self.stop.clone();
        let ended = tokio::select! {
            biased;
            () = stop.requested() => None,
            ended = effect.call(&meter) => Some(ended),
        };
        point!("model.called");
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match ended {
            None => {
                self.interrupt_model(call, meter.settlement(), millis).await?;
                self.check_stop()?;
                return Err(Error::Cancelled);
            }
            Some(Ok(completion)) => Ok(self.end_model(call, completion, millis).await?),
            Some(Err(failure)) => {
                let outcome =
                    ModelOutcome::Failed { kind: failure.kind, message: failure.message.clone() };
                let settlement = failure.settlement.clone();
                let result = ModelResult { outcome, settlement, millis };
                self.append(vec![NewEvent::about(call.clone(), EventBody::LlmResult(result))])
                    .await?;
                Err((call, failure))
            }
        };
        Ok(outcome)
    }

    async fn begin_model(&mut self, request: &ModelRequest) -> Result<CallId> {
        let call = CallId::model(self.history.next_seq);
        let intent = ModelIntent {
            provider: request.provider.clone(),
            model: request.model.clone(),
            purpose: request.purpose.clone(),
            hold: request.max_cost,
            hold_until: self.hold_until(),
            estimated_tokens: request.estimated_tokens,
            reason: request.reason.clone(),
        };
        point!("model.intent");
        self.append(vec![NewEvent::about(call.clone(), EventBody::LlmIntent(intent))]).await?;
        point!("model.call");
        Ok(call)
    }

    async fn end_model(
        &mut self,
        call: CallId,
        completion: ModelCompletion,
        millis: u64,
    ) -> Result<ModelReply> {
        let ModelCompletion { reply, charge } = completion;
        let outcome = ModelOutcome::Replied { reply: reply.clone() };
        let result = ModelResult { outcome, settlement: Settlement::Paid(charge), millis };
        point!("model.result");
        self.append(vec![NewEvent::about(call, EventBody::LlmResult(result))]).await?;
        Ok(reply)
    }

    /// Records that nobody waits for a call any more, and settles it.
    pub(super) async fn interrupt_model(
        &mut self,
        call: CallId,
        settlement: Settlement,
        millis: u64,
    ) -> Result<()> {
        let result = ModelResult { outcome: ModelOutcome::Interrupted, settlement, millis };
        self.append(vec![NewEvent::about(call, EventBody::LlmResult(result))]).await?;
        Ok(())
    }
}

/// Returns a number that differs between tasks (FNV-1a, 64 bit).
fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
