//! Changes a request after a refusal that shows how.

use std::sync::Arc;

use az_core::call::Account;
use az_core::{Error, ErrorKind};

use super::effect::CandidateEffect;
use super::error::DispatchError;
use super::loading::{LoadingWait, note_facts};
use super::prompt::Prompt;
use crate::chat::ChatRequest;
use crate::client::Fact;
use crate::error::Error as ModelError;
use crate::provider::{shown, stated_window};
use crate::resolver::Candidate;

/// What the refusals of a call have shown so far. Each kind of fact changes the request once, so that
/// the call ends.
#[derive(Debug)]
pub(super) struct Recovery<'a, A> {
    candidate: &'a Candidate,
    prompt: &'a dyn Prompt<A>,
    loading: LoadingWait,
    shown: Vec<Fact>,
    /// Whether the reply was limited to the window that the provider stated.
    fitted: bool,
}

impl<'a, A: Account> Recovery<'a, A> {
    pub(super) const fn new(
        candidate: &'a Candidate,
        prompt: &'a dyn Prompt<A>,
        loading: LoadingWait,
    ) -> Self {
        Self { candidate, prompt, loading, shown: Vec::new(), fitted: false }
    }

    /// Changes the request according to what a failure shows. The client remembers it for later
    /// requests.
    ///
    /// # Errors
    ///
    /// The failure, if it shows nothing new.
    pub(super) async fn change(
        &mut self,
        account: &mut A,
        effect: &mut CandidateEffect<'_, A>,
        error: Error,
    ) -> Result<(), DispatchError> {
        let why = error.chain();
        let failed = effect.failed(error);
        let cause = failed.cause.as_deref();
        let room = cause.and_then(|cause| stated_room(cause, &effect.request));
        let room = room.filter(|_| !self.fitted);
        if let Some(refusal) = cause.and_then(ModelError::is_loading) {
            self.loading.wait(account, self.candidate, &refusal.message).await?;
            return Ok(self.loading.until_ready(account, self.candidate).await?);
        }
        if matches!(cause, Some(ModelError::Unsupported { .. })) && self.renew(account, effect) {
            return Ok(());
        }
        let fact = effect.shown_by_reply().or_else(|| shown::fact(cause?, &effect.request));
        let fact = fact.filter(|fact| !self.shown.iter().any(|known| is_of_kind(*known, *fact)));
        if let Some(fact) = fact {
            self.shown.push(fact);
            effect.client.learn(&self.candidate.model.model, fact);
            note_facts(account, self.candidate, &[fact]).await?;
        }
        match (room, fact) {
            (Some(room), _) => {
                self.fitted = true;
                Ok(note_limit(account, &mut effect.request, room, &why).await?)
            }
            (None, Some(fact)) if self.apply(account, fact, &mut effect.request) => Ok(()),
            (None, _) => Err(failed),
        }
    }

    /// Changes the request according to a fact; returns whether another attempt may succeed.
    fn apply(&self, account: &A, fact: Fact, request: &mut ChatRequest) -> bool {
        match fact {
            // The client leaves it out.
            Fact::Rejects(_) => true,
            Fact::MaxOutput(most) => {
                let most = u32::try_from(most).unwrap_or(u32::MAX);
                let is_less = most < request.max_tokens;
                request.max_tokens = most.min(request.max_tokens);
                is_less
            }
            Fact::NoTools | Fact::NoVision | Fact::ContextWindow(_) => {
                self.rebuild(account, request, |_| true)
            }
        }
    }

    /// Builds a request anew that does not fit the model's capabilities, because another call has
    /// learned a fact since it was built; returns whether the new one fits them.
    fn renew(&self, account: &A, effect: &mut CandidateEffect<'_, A>) -> bool {
        let client = Arc::clone(&effect.client);
        let fits = |request: &ChatRequest| {
            client.capabilities(&request.model).check(client.provider(), request).is_ok()
        };
        !fits(&effect.request) && self.rebuild(account, &mut effect.request, fits)
    }

    /// Builds a request anew; returns whether it is another one that is accepted.
    fn rebuild(
        &self,
        account: &A,
        request: &mut ChatRequest,
        is_accepted: impl Fn(&ChatRequest) -> bool,
    ) -> bool {
        let rebuilt = self.prompt.request(account, self.candidate);
        let rebuilt = rebuilt.filter(|rebuilt| rebuilt != request && is_accepted(rebuilt));
        let has_changed = rebuilt.is_some();
        if let Some(rebuilt) = rebuilt {
            *request = rebuilt;
        }
        has_changed
    }
}

/// Whether a fact is of the same kind as another one, so that the request was changed for it already.
fn is_of_kind(known: Fact, fact: Fact) -> bool {
    match (known, fact) {
        (Fact::Rejects(known), Fact::Rejects(parameter)) => known == parameter,
        _ => std::mem::discriminant(&known) == std::mem::discriminant(&fact),
    }
}

/// Limits the reply to fewer tokens, and notes why.
pub(super) async fn note_limit<A: Account>(
    account: &mut A,
    request: &mut ChatRequest,
    fewer: u32,
    why: &str,
) -> az_core::Result<()> {
    let asked = request.max_tokens;
    account.note(format!("reply limited to {fewer} tokens instead of {asked}: {why}")).await?;
    request.max_tokens = fewer;
    Ok(())
}

/// Returns the tokens of a reply that fit into the window that a provider states.
fn stated_room(error: &ModelError, request: &ChatRequest) -> Option<u32> {
    match error.unmetered() {
        ModelError::Refused(refusal) if refusal.kind == ErrorKind::ContextWindow => {
            stated_window::room(&refusal.message, request.max_tokens)
        }
        _ => None,
    }
}
