//! The call to one candidate, within its budget.

use az_core::Error;
use az_core::call::{Account, ModelRequest, RetryPolicy, call_with_retries};

use super::budget_wait::BudgetWait;
use super::dispatcher::Dispatched;
use super::effect::CandidateEffect;
use super::error::DispatchError;
use super::loading::LoadingWait;
use super::options::DispatchOptions;
use super::prompt::Prompt;
use super::recovery::{Recovery, note_limit};
use super::shorten::affordable;
use crate::chat::ChatRequest;
use crate::resolver::Candidate;

/// The number of times that a reply is shortened before the refusal is final. Each refusal comes
/// from the first budget that has too little left; there may be several, and other calls draw on
/// them meanwhile.
const SHORTENINGS: usize = 8;

/// A call to one candidate.
#[derive(Debug)]
pub(super) struct CandidateCall<'a, A> {
    pub(super) candidate: &'a Candidate,
    pub(super) prompt: &'a dyn Prompt<A>,
    pub(super) options: &'a DispatchOptions,
    /// The reason for this candidate.
    pub(super) reason: Option<String>,
    pub(super) retry: RetryPolicy,
}

impl<A: Account> CandidateCall<'_, A> {
    /// Makes the call. Waits while only the holds of other calls are in the way; when the budget
    /// has too little left, shortens the reply; when a refusal shows what the model does not accept,
    /// changes the request.
    pub(super) async fn make(
        &self,
        account: &mut A,
        request: ChatRequest,
        loading: LoadingWait,
    ) -> Result<Dispatched, DispatchError> {
        let mut effect = CandidateEffect::new(self.candidate, self.prompt, request);
        let mut shortenings = 0;
        let mut wait = BudgetWait::new(self.options.budget_wait);
        let mut recovery = Recovery::new(self.candidate, self.prompt, loading);
        loop {
            let booked = self.booked(&effect);
            let called = call_with_retries(account, &booked, &effect, self.retry).await;
            let noted = note_warnings(account, &effect).await;
            let (left, refusal) = match called {
                Ok(completion) => {
                    noted?;
                    return Ok(effect.dispatched(completion));
                }
                Err(refusal @ Error::BudgetExceeded { left, held, needed, .. }) => {
                    if needed <= left.plus(held) && wait.has_more() {
                        wait.pause(account, &refusal).await?;
                        continue;
                    }
                    (left, refusal)
                }
                Err(error) => {
                    let most = (shortenings > 0).then_some(effect.request.max_tokens);
                    recovery.change(account, &mut effect, error).await?;
                    let max_tokens = effect.request.max_tokens;
                    effect.request.max_tokens = most.unwrap_or(max_tokens).min(max_tokens);
                    continue;
                }
            };
            let fewer = affordable(&*effect.client, &effect.request, left);
            let Some(fewer) = fewer.filter(|_| shortenings < SHORTENINGS) else {
                return Err(refusal.into());
            };
            note_limit(account, &mut effect.request, fewer, &refusal.to_string()).await?;
            shortenings += 1;
        }
    }

    fn booked(&self, effect: &CandidateEffect<'_, A>) -> ModelRequest {
        let estimate = effect.client.estimate_cost(&effect.request);
        ModelRequest::new(effect.client.provider(), &self.candidate.model.model)
            .with_purpose(self.prompt.purpose())
            .with_estimate(estimate.max_cost, estimate.input_tokens)
            .with_reason(self.reason.clone())
            .with_digests(self.prompt.digests(&effect.request))
    }
}

/// Notes what is wrong with what the provider reported.
async fn note_warnings<A: Account>(
    account: &mut A,
    effect: &CandidateEffect<'_, A>,
) -> az_core::Result<()> {
    for warning in effect.take_warnings() {
        account.note(format!("warning: {warning}")).await?;
    }
    Ok(())
}
