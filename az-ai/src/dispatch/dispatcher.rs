//! The loop over the candidates of a call.

use std::fmt;
use std::time::Duration;

use az_core::call::{Account, Restart, RetryPolicy};
use az_core::cost::Charge;

use super::candidate_call::CandidateCall;
use super::error::DispatchError;
use super::failures::Failures;
use super::loading::{LoadingWait, name};
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

/// How long a candidate is tried.
#[derive(Debug, Clone, Copy)]
struct Patience {
    retry: RetryPolicy,
    /// The longest wait for a server that is loading the model.
    loading: Duration,
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
            let patience = if index < last {
                Patience { retry: self.options.fallback_retry, loading: Duration::ZERO }
            } else {
                self.patience(account)
            };
            match self.attempt(account, prompt, (candidate, patience), &mut failures).await? {
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
            let with_retries = (candidate, self.patience(account));
            let tried = self.attempt(account, prompt, with_retries, &mut failures).await?;
            if let CandidateOutcome::Replied(reply) = tried {
                return Ok(Outcome::Replied(reply));
            }
        }
        failures.end()
    }

    /// Returns the patience with a candidate that no other follows.
    fn patience<A: Account>(&self, account: &A) -> Patience {
        Patience { retry: account.retry_policy(), loading: self.options.loading_wait }
    }

    /// Calls one candidate, unless the request does not fit into its window.
    async fn attempt<A: Account>(
        &self,
        account: &mut A,
        prompt: &dyn Prompt<A>,
        (candidate, patience): (&Candidate, Patience),
        failures: &mut Failures,
    ) -> Result<CandidateOutcome, DispatchError> {
        let name = name(candidate);
        let mut loading = LoadingWait::new(patience.loading);
        if let Err(error) = loading.until_ready(account, candidate).await {
            failures.add((&name, prompt.window(candidate)), error.into())?;
            return Ok(CandidateOutcome::Transient);
        }
        let window = prompt.window(candidate);
        if failures.too_small.is_some_and(|small| window <= small) {
            return Ok(CandidateOutcome::Failed);
        }
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
        let (options, retry) = (&self.options, patience.retry);
        let call = CandidateCall { candidate, prompt, options, reason, retry };
        match call.make(account, request, loading).await {
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
                // The call may have shown that the window is smaller.
                failures.add((&name, prompt.window(candidate)), failed)?;
                Ok(if transient { CandidateOutcome::Transient } else { CandidateOutcome::Failed })
            }
        }
    }
}
