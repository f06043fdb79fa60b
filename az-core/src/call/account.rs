//! The contract of an account, and retries on one.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::attempt::{Attempt, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, Restart};
use super::retry::RetryPolicy;
use crate::error::Result;

/// Makes model calls on behalf of one payer.
///
/// # Contract
///
/// 1. [`attempt`](Self::attempt) takes a hold of the request's `max_cost` before the effect is
///    polled. If a budget refuses the hold, it fails with the budget's error, the effect is never
///    polled and nothing is booked.
/// 2. Every hold is settled exactly once: with the charge of the completion, or with the settlement
///    of the failure.
/// 3. Dropping the future of an attempt books at least what its meter has noted.
/// 4. A hold does not expire while its effect runs, also if the wall clock is set meanwhile.
/// 5. [`pause`](Self::pause) ends early with an error when the account's owner is stopped.
#[async_trait]
pub trait Account: fmt::Debug + Send {
    /// Makes one attempt.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced` before anything is sent; the stop reason when the account's
    /// owner is stopped; the store's own. A call that was made and failed is [`Attempt::Failed`].
    async fn attempt(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<Attempt>;

    /// Reports a failed attempt, and the wait before it is repeated, if it is.
    fn failed(&mut self, failure: &ModelFailure, retry_in: Option<Duration>);

    /// Records an explanation of the next attempt: a fallback, a wait, a shorter reply.
    ///
    /// # Errors
    ///
    /// The store's own.
    async fn note(&mut self, text: String) -> Result<()>;

    /// Waits for a duration.
    ///
    /// # Errors
    ///
    /// The stop reason when the account's owner is stopped.
    async fn pause(&mut self, wait: Duration) -> Result<()>;

    /// Returns the retry policy for callers that have none of their own.
    fn retry_policy(&self) -> RetryPolicy;

    /// Returns a number that differs between accounts and attempts, to spread waits.
    fn seed(&self) -> u64;
}

/// Makes attempts until one succeeds, or the policy allows no more.
///
/// # Errors
///
/// Those of [`Account::attempt`]; `Model` with the last failure when no attempt succeeded.
pub async fn call_with_retries<A: Account + ?Sized>(
    account: &mut A,
    request: &ModelRequest,
    effect: &dyn ModelEffect,
    policy: RetryPolicy,
) -> Result<ModelCompletion> {
    let mut attempt = 1;
    loop {
        let failure = match account.attempt(request, effect).await? {
            Attempt::Completed(completion) => return Ok(completion),
            Attempt::Failed(failure) => failure,
        };
        let seed = account.seed();
        let wait = policy.wait(attempt, failure.kind, failure.retry_after, seed);
        let wait = wait.filter(|_| effect.restart() == Restart::Allowed);
        account.failed(&failure, wait);
        let Some(wait) = wait else {
            return Err(failure.into_error(request));
        };
        account.pause(wait).await?;
        attempt += 1;
    }
}
