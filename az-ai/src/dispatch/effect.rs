//! The request to one candidate, as an effect on an account.

use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, mem};

use async_trait::async_trait;
use az_core::call::{Meter, ModelCompletion, ModelEffect, ModelFailure, Restart};
use az_core::cost::{Charge, Settlement};
use az_core::journal::ModelReply;

use super::dispatcher::Dispatched;
use super::error::DispatchError;
use super::prompt::{Delivery, Prompt, Rejection};
use crate::charge;
use crate::chat::{ChatEvent, ChatReply, ChatRequest, collect};
use crate::client::{Fact, LlmClient};
use crate::error::Result;
use crate::plausible::{ChargeLimit, Checked, check};
use crate::provider::shown;
use crate::resolver::Candidate;

/// Sends one request to one candidate, any number of times.
pub(super) struct CandidateEffect<'a, A> {
    pub(super) client: Arc<dyn LlmClient>,
    pub(super) request: ChatRequest,
    candidate: &'a Candidate,
    prompt: &'a dyn Prompt<A>,
    /// The last reply of the client: an account passes on only what it records.
    returned: Mutex<Option<Result<ChatReply>>>,
    /// What is wrong with what the provider reported, attempt by attempt.
    warnings: Mutex<Vec<String>>,
    /// What the last reply, which was rejected, has shown about the model.
    shown: Mutex<Option<Fact>>,
}

impl<A> fmt::Debug for CandidateEffect<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandidateEffect")
            .field("client", &self.client)
            .field("model", &self.request.model)
            .finish_non_exhaustive()
    }
}

impl<'a, A> CandidateEffect<'a, A> {
    pub(super) fn new(
        candidate: &'a Candidate,
        prompt: &'a dyn Prompt<A>,
        request: ChatRequest,
    ) -> Self {
        let client = Arc::clone(&candidate.model.client);
        let (returned, warnings, shown) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { client, request, candidate, prompt, returned, warnings, shown }
    }

    /// Returns a completion together with the client's complete reply.
    pub(super) fn dispatched(&self, completion: ModelCompletion) -> Dispatched {
        let ModelCompletion { reply, charge } = completion;
        let chat = self.returned().and_then(Result::ok).unwrap_or_default();
        let chat = ChatReply { reply, ..chat };
        Dispatched { chat, charge, model: self.candidate.model.clone() }
    }

    /// Returns an error of the account together with the client's own.
    pub(super) fn failed(&self, error: az_core::Error) -> DispatchError {
        let of_model = matches!(error, az_core::Error::Model { .. });
        let cause = self.returned().and_then(Result::err).filter(|_| of_model);
        DispatchError { error: Box::new(error), cause: cause.map(Box::new) }
    }

    /// Takes the warnings about the attempts so far.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the fact that the last reply has shown, if it was rejected for it.
    pub(super) fn shown_by_reply(&self) -> Option<Fact> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the last attempt failed in a way that a changed request, or a wait for the server,
    /// may avoid. Then the same request is not repeated at once.
    fn is_amendable(&self) -> bool {
        let returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Err(error)) = &*returned else { return false };
        error.is_loading().is_some() || shown::fact(error, &self.request).is_some()
    }

    /// Checks the charge of an attempt, and keeps the warning if there is one.
    fn checked(&self, reply: &ModelReply, charge: Charge) -> Charge {
        let Checked { charge, warning } = check(&*self.client, &self.request, reply, charge);
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(warning);
        charge
    }

    fn returned(&self) -> Option<Result<ChatReply>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, returned: Result<ChatReply>) {
        *self.returned.lock().unwrap_or_else(PoisonError::into_inner) = Some(returned);
    }

    /// Sends the request, and notes the usage in the meter as it is reported.
    async fn send(&self, meter: &Meter) -> Result<ChatReply> {
        match self.prompt.delivery() {
            Delivery::Whole => self.client.complete(&self.request).await,
            Delivery::Streamed => {
                let stream = self.client.stream(&self.request);
                let provider = self.client.provider();
                let mut noted = ChargeLimit::default();
                collect(provider, stream, |event| {
                    if let ChatEvent::UsageReported { charge } = event {
                        meter.note(noted.limit(&*self.client, &self.request, charge));
                    }
                    self.prompt.on_event(event);
                })
                .await
            }
        }
    }
}

#[async_trait]
impl<A> ModelEffect for CandidateEffect<'_, A> {
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        let chat = match self.send(meter).await {
            Ok(chat) => chat,
            Err(error) => {
                let mut failure = charge::failure(&error);
                if let Settlement::Paid(charge) = failure.settlement {
                    let charge = charge::of_failure(&*self.client, &self.request, charge);
                    let charge = self.checked(&ModelReply::default(), charge);
                    failure.settlement = Settlement::Paid(charge);
                }
                self.keep(Err(error));
                return Err(failure);
            }
        };
        let charge = charge::of_reply(&*self.client, &self.request, &chat);
        let charge = self.checked(&chat.reply, charge);
        meter.note(charge.clone());
        let accepted = self.prompt.accept(self.candidate, &self.request, &chat);
        self.keep(Ok(chat));
        match accepted {
            Ok(reply) => Ok(ModelCompletion { reply, charge }),
            Err(Rejection { kind, message, fact }) => {
                *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = fact;
                let settlement = Settlement::Paid(charge);
                Err(ModelFailure { kind, message, retry_after: None, settlement })
            }
        }
    }

    fn restart(&self) -> Restart {
        if self.is_amendable() { Restart::Refused } else { self.prompt.restart() }
    }
}
