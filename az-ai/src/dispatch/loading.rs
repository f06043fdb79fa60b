//! Waits while a server loads a model.

use std::time::Duration;

use az_core::call::Account;
use az_core::{Error, ErrorKind};

use crate::client::{Fact, Prepared};
use crate::provider::loading::{LoadingProgress, LoadingStep, PAUSE};
use crate::resolver::{Candidate, ResolvedModel};

/// The time that a call waits for its server to load the model.
#[derive(Debug)]
pub(super) struct LoadingWait {
    most: Duration,
    progress: LoadingProgress,
}

impl LoadingWait {
    pub(super) const fn new(most: Duration) -> Self {
        Self { most, progress: LoadingProgress::new(most) }
    }

    /// Waits until the server says that the model can be called, and notes what it says about the
    /// model. A server that is loading is asked again each second.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the wait is over; the account's own.
    pub(super) async fn until_ready<A: Account>(
        &mut self,
        account: &mut A,
        candidate: &Candidate,
    ) -> az_core::Result<()> {
        let ResolvedModel { client, model } = &candidate.model;
        loop {
            match client.prepare(model).await {
                Prepared::Ready(facts) => {
                    self.note_end(account, candidate).await?;
                    return note_facts(account, candidate, &facts).await;
                }
                Prepared::Loading(message) => self.wait(account, candidate, &message).await?,
            }
        }
    }

    /// Waits a moment.
    ///
    /// # Errors
    ///
    /// As [`until_ready`](Self::until_ready).
    pub(super) async fn wait<A: Account>(
        &mut self,
        account: &mut A,
        candidate: &Candidate,
        message: &str,
    ) -> az_core::Result<()> {
        match self.progress.step() {
            LoadingStep::Begin => {
                let (server, most) = (name(candidate), self.most.as_secs());
                let text = format!(
                    "the server of {server} is loading the model ({message}); waiting for up to \
                     {most} s"
                );
                account.note(text).await?;
            }
            LoadingStep::Continue(waited) => {
                account.note(format!("still loading after {} s", waited.as_secs())).await?;
            }
            LoadingStep::Pause => {}
            LoadingStep::GiveUp => return Err(self.over(candidate, message)),
        }
        account.pause(PAUSE).await
    }

    /// Notes that the model was loaded, if the call has waited for it.
    async fn note_end<A: Account>(
        &mut self,
        account: &mut A,
        candidate: &Candidate,
    ) -> az_core::Result<()> {
        let Some(waited) = self.progress.end() else { return Ok(()) };
        let waited = waited.as_secs();
        account.note(format!("{} is loaded after {waited} s", name(candidate))).await
    }

    fn over(&self, candidate: &Candidate, message: &str) -> Error {
        let (server, most) = (name(candidate), self.most.as_secs());
        let waited = match most {
            0 => String::new(),
            most => format!(" after {most} s"),
        };
        Error::Model {
            kind: ErrorKind::Unavailable,
            message: format!(
                "the server of {server} is still loading the model{waited} ({message}); \
                 llm.timeouts.loading_seconds allows a longer wait"
            ),
            retry_after: None,
            called: None,
        }
    }
}

/// Notes what follows from facts about a candidate.
pub(super) async fn note_facts<A: Account>(
    account: &mut A,
    candidate: &Candidate,
    facts: &[Fact],
) -> az_core::Result<()> {
    for fact in facts {
        account.note(fact.consequence(&name(candidate))).await?;
    }
    Ok(())
}

/// Returns the name of a candidate, for people.
pub(super) fn name(candidate: &Candidate) -> String {
    let model = &candidate.model;
    format!("{} of {}", model.model, model.client.provider())
}
