//! The call to one candidate, within its budget.

use az_core::call::{Account, ModelRequest, RetryPolicy, call_with_retries};
use az_core::{Error, ErrorKind};

use super::budget_wait::BudgetWait;
use super::dispatcher::Dispatched;
use super::effect::CandidateEffect;
use super::error::DispatchError;
use super::options::DispatchOptions;
use super::prompt::Prompt;
use super::shorten::affordable;
use super::stated_window;
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
    /// has too little left, shortens the reply.
    pub(super) async fn make(
        &self,
        account: &mut A,
        request: ChatRequest,
    ) -> Result<Dispatched, DispatchError> {
        let mut effect = CandidateEffect::new(self.candidate, self.prompt, request);
        let mut shortenings = 0;
        // Whether the reply was limited to the window that the provider stated.
        let mut fitted = false;
        let mut wait = BudgetWait::new(self.options.budget_wait);
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
                    let room = stated_room(&error, &effect.request).filter(|_| !fitted);
                    let Some(room) = room else { return Err(effect.failed(error)) };
                    let (asked, why) = (effect.request.max_tokens, error.chain());
                    account
                        .note(format!("reply limited to {room} tokens instead of {asked}: {why}"))
                        .await?;
                    effect.request.max_tokens = room;
                    fitted = true;
                    continue;
                }
            };
            let fewer = affordable(&*effect.client, &effect.request, left);
            let Some(fewer) = fewer.filter(|_| shortenings < SHORTENINGS) else {
                return Err(refusal.into());
            };
            let asked = effect.request.max_tokens;
            account
                .note(format!("reply limited to {fewer} tokens instead of {asked}: {refusal}"))
                .await?;
            effect.request.max_tokens = fewer;
            shortenings += 1;
        }
    }

    fn booked(&self, effect: &CandidateEffect<'_, A>) -> ModelRequest {
        let estimate = effect.client.estimate_cost(&effect.request);
        ModelRequest::new(effect.client.provider(), &self.candidate.model.model)
            .with_purpose(self.prompt.purpose())
            .with_estimate(estimate.max_cost, estimate.input_tokens)
            .with_reason(self.reason.clone())
    }
}

/// Returns the tokens of a reply that fit into the window that a provider states.
fn stated_room(error: &Error, request: &ChatRequest) -> Option<u32> {
    let is_full = error.kind() == ErrorKind::ContextWindow;
    stated_window::room(&error.chain(), request.max_tokens).filter(|_| is_full)
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
