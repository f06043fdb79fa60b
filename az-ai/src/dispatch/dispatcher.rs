//! The loop over the candidates of a call.

use std::fmt;

use az_core::call::{Account, Restart, RetryPolicy};
use az_core::cost::Charge;

use super::candidate_call::CandidateCall;
use super::error::DispatchError;
use super::failures::Failures;
use super::options::DispatchOptions;
use super::prompt::Prompt;
use crate::chat::ChatReply;
use crate::estimate::Vocabulary;
use crate::resolver::{CallReport, Candidate, ResolvedModel};

/// Tries candidates in order until one replies.
pub struct Dispatcher<'a> {
    candidates: &'a [Candidate],
    report: &'a (dyn Fn(&ResolvedModel, CallReport) + Send + Sync),
    options: DispatchOptions,
}

impl fmt::Debug for Dispatcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("candidates", &self.candidates)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The outcome of a dispatch.
#[derive(Debug)]
pub enum Outcome {
    /// A candidate replied.
    Replied(Box<Dispatched>),
    /// The request is too long for at least one candidate, and no other replied. Contains the most
    /// relevant failure, if a request was sent.
    TooLong(Option<Box<DispatchError>>),
}

/// A reply, and the candidate that gave it.
#[derive(Debug, Clone)]
pub struct Dispatched {
    /// The reply, as the prompt accepted it.
    pub chat: ChatReply,
    /// The usage and cost of the call, as booked.
    pub charge: Charge,
    /// The model that replied.
    pub model: ResolvedModel,
}

/// The outcome of one candidate.
enum CandidateOutcome {
    Replied(Box<Dispatched>),
    /// The failure may be transient.
    Transient,
    Failed,
}

impl<'a> Dispatcher<'a> {
    /// Creates a dispatcher. `report` is called with the outcome of each call, so that a router can
    /// avoid providers that fail.
    pub fn new(
        candidates: &'a [Candidate],
        report: &'a (dyn Fn(&ResolvedModel, CallReport) + Send + Sync),
        options: DispatchOptions,
    ) -> Self {
        Self { candidates, report, options }
    }

    /// Tries the candidates in order.
    ///
    /// A failed attempt leaves nothing but its journal entries and its cost, so the next candidate
    /// finds the same conversation. A candidate that others follow is retried only briefly; if all
    /// fail, the first one whose failure may pass is tried again with the account's own policy.
    ///
    /// # Errors
    ///
    /// The most relevant failure: the refusal of a budget, else the last failure. A failure that no
    /// other candidate can avoid ends the loop at once.
    pub async fn dispatch<A: Account>(
        &self,
        account: &mut A,
        prompt: &dyn Prompt<A>,
    ) -> Result<Outcome, DispatchError> {
        let mut failures = Failures::default();
        let mut transient = None;
        let last = self.candidates.len().saturating_sub(1);
        for (index, candidate) in self.candidates.iter().enumerate() {
            let policy =
                if index < last { self.options.fallback_retry } else { account.retry_policy() };
            match self.attempt(account, prompt, (candidate, policy), &mut failures).await? {
                CandidateOutcome::Replied(reply) => return Ok(Outcome::Replied(reply)),
                CandidateOutcome::Transient if index < last => {
                    transient = transient.or(Some(candidate));
                }
                // The last candidate was retried as long as the account allows.
                CandidateOutcome::Transient => transient = None,
                CandidateOutcome::Failed => {}
            }
        }
        if let Some(candidate) = transient {
            let with_retries = (candidate, account.retry_policy());
            let tried = self.attempt(account, prompt, with_retries, &mut failures).await?;
            if let CandidateOutcome::Replied(reply) = tried {
                return Ok(Outcome::Replied(reply));
            }
        }
        failures.end()
    }

    /// Calls one candidate, unless the request does not fit into its window.
    async fn attempt<A: Account>(
        &self,
        account: &mut A,
        prompt: &dyn Prompt<A>,
        (candidate, retry): (&Candidate, RetryPolicy),
        failures: &mut Failures,
    ) -> Result<CandidateOutcome, DispatchError> {
        let window = prompt.window(candidate);
        if failures.too_small.is_some_and(|small| window <= small) {
            return Ok(CandidateOutcome::Failed);
        }
        let name = name(candidate);
        let Some(request) = prompt.request(account, candidate) else {
            failures.add_too_small(&name, window);
            return Ok(CandidateOutcome::Failed);
        };
        let mut reason = candidate.reason.clone();
        if let Some(before) = failures.take_latest() {
            account.note(format!("falling back to {name}: {before}")).await?;
            reason = reason.or(Some(before));
        }
        let ResolvedModel { client, model } = &candidate.model;
        Vocabulary::of(client.provider(), model).load().await;
        let call = CandidateCall { candidate, prompt, options: &self.options, reason, retry };
        match call.make(account, request).await {
            Ok(dispatched) => {
                (self.report)(&candidate.model, CallReport::Replied);
                Ok(CandidateOutcome::Replied(Box::new(dispatched)))
            }
            Err(failed) => {
                if let az_core::Error::Model { kind, retry_after, .. } = *failed.error {
                    (self.report)(&candidate.model, CallReport::Failed { kind, retry_after });
                }
                if prompt.restart() == Restart::Refused {
                    return Err(failed);
                }
                let transient = failed.error.is_retryable();
                failures.add((&name, window), failed)?;
                Ok(if transient { CandidateOutcome::Transient } else { CandidateOutcome::Failed })
            }
        }
    }
}

/// Returns the name of a candidate, for people.
fn name(candidate: &Candidate) -> String {
    let model = &candidate.model;
    format!("{} of {}", model.model, model.client.provider())
}
