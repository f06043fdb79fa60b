//! One attempt to call a model: the request, the effect, and the outcome.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::cost::{Charge, Settlement};
use crate::error::{CalledModel, Error, ErrorKind};
use crate::journal::{ModelReply, Purpose, RequestDigests};
use crate::money::Usd;

/// The part of a model request that is held, recorded and booked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelRequest {
    /// The provider, as calls to it are booked.
    pub provider: String,
    /// The model, by the provider's name.
    pub model: String,
    /// The use of the reply.
    pub purpose: Purpose,
    /// The most that the call can cost; `None` when the price is unknown.
    pub max_cost: Option<Usd>,
    /// The estimated number of tokens that are sent.
    pub estimated_tokens: u64,
    /// The reason for the choice of this model, if there was a choice.
    pub reason: Option<String>,
    /// Digests of the parts of the request, if it continues a conversation.
    pub digests: Option<RequestDigests>,
}

impl ModelRequest {
    /// Creates a request for the next step of a task, whose price is unknown.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            purpose: Purpose::Step,
            max_cost: None,
            estimated_tokens: 0,
            reason: None,
            digests: None,
        }
    }

    /// Returns the request with another purpose.
    #[must_use]
    pub fn with_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Returns the request with the most that it can cost, and the tokens that it sends.
    #[must_use]
    pub const fn with_estimate(mut self, max_cost: Option<Usd>, tokens: u64) -> Self {
        self.max_cost = max_cost;
        self.estimated_tokens = tokens;
        self
    }

    /// Returns the request with the reason for the choice of the model.
    #[must_use]
    pub fn with_reason(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Returns the request with the digests of its parts.
    #[must_use]
    pub fn with_digests(mut self, digests: Option<RequestDigests>) -> Self {
        self.digests = digests;
        self
    }
}

/// Sends one request to a model and reads its reply.
///
/// # Contract
///
/// 1. One call is one attempt. Retries are made by the caller, each with a hold of its own.
/// 2. A failure has the settlement `Nothing` only if the request certainly cost nothing.
/// 3. The future may be dropped at any await; the request is abandoned then.
/// 4. [`restart`](Self::restart) is `Refused` once part of a reply has been passed on that a second
///    attempt would contradict.
#[async_trait]
pub trait ModelEffect: fmt::Debug + Send + Sync {
    /// Makes the call. If the future is dropped, the charge last noted in the meter is booked.
    ///
    /// # Errors
    ///
    /// A failure with the settlement of the call's hold.
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure>;

    /// Returns whether another attempt may follow a failed one.
    fn restart(&self) -> Restart;
}

/// Whether a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Another attempt may be made.
    Allowed,
    /// The failure is final.
    Refused,
}

/// A model's reply and its charge.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCompletion {
    /// The reply.
    pub reply: ModelReply,
    /// The usage and the cost of the call.
    pub charge: Charge,
}

/// A model call that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFailure {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The message of the provider or of the connection.
    pub message: String,
    /// The wait that the provider asks for before the next attempt.
    pub retry_after: Option<Duration>,
    /// The settlement of the call's hold.
    pub settlement: Settlement,
}

impl ModelFailure {
    /// Returns the error of the request that failed.
    pub fn into_error(self, request: &ModelRequest) -> Error {
        let Self { kind, message, retry_after, .. } = self;
        let called = CalledModel::new(&request.provider, &request.model);
        Error::Model { kind, message, retry_after, called: Some(Box::new(called)) }
    }
}

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// The model replied.
    Completed(ModelCompletion),
    /// The call failed; its hold is settled.
    Failed(ModelFailure),
}

impl From<Result<ModelCompletion, ModelFailure>> for Attempt {
    fn from(result: Result<ModelCompletion, ModelFailure>) -> Self {
        result.map_or_else(Self::Failed, Self::Completed)
    }
}

/// The usage of a call so far, in case its future is dropped.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Option<Charge>>);

impl Meter {
    /// Notes the usage and the cost so far, in place of those noted before.
    pub fn note(&self, charge: Charge) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(charge);
    }

    /// Returns the settlement of a call that was dropped: the charge that was noted if it has a
    /// price, else the full hold.
    pub fn settlement(&self) -> Settlement {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(charge) if charge.cost.is_some() => Settlement::Paid(charge),
            Some(_) | None => Settlement::Full,
        }
    }
}
