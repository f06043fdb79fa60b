//! Builds the requests to candidates.

use std::fmt;

use az_core::ErrorKind;
use az_core::call::Restart;
use az_core::journal::{ModelReply, Purpose, RequestDigests};

use crate::chat::{ChatEvent, ChatReply, ChatRequest};
use crate::client::Fact;
use crate::resolver::Candidate;

/// Builds the request for each candidate, and reads its reply.
///
/// # Contract
///
/// 1. [`request`](Self::request) performs no I/O, and returns the same request for the same account,
///    candidate and capabilities of its model. `None` means that it does not fit into the candidate's
///    window.
/// 2. [`on_event`](Self::on_event) receives every event of a streamed reply in order, of failed
///    attempts too, and returns at once.
/// 3. A reply that [`accept`](Self::accept) rejects is paid for, and counts as a failed attempt.
pub trait Prompt<A>: fmt::Debug + Send + Sync {
    /// Returns what the reply is used for.
    fn purpose(&self) -> Purpose;

    /// Returns how many tokens a request to this candidate and its reply may have together.
    fn window(&self, candidate: &Candidate) -> u64;

    /// Builds the request.
    fn request(&self, account: &A, candidate: &Candidate) -> Option<ChatRequest>;

    /// Returns digests of the parts of a request, if it continues the conversation of the account.
    fn digests(&self, request: &ChatRequest) -> Option<RequestDigests>;

    /// Returns how the reply is delivered.
    fn delivery(&self) -> Delivery;

    /// Receives an event of a streamed reply.
    fn on_event(&self, event: &ChatEvent);

    /// Returns whether another attempt may be made after one that failed.
    fn restart(&self) -> Restart;

    /// Reads the reply of a candidate to a request.
    ///
    /// # Errors
    ///
    /// The reason why the reply is of no use.
    fn accept(
        &self,
        candidate: &Candidate,
        request: &ChatRequest,
        chat: &ChatReply,
    ) -> Result<ModelReply, Rejection>;
}

/// The reason why a reply is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The kind of failure, which decides whether the call is repeated or another candidate tried.
    pub kind: ErrorKind,
    /// The reason, for people.
    pub message: String,
    /// What the reply has shown about the model. The request is then built anew and sent once more.
    pub fact: Option<Fact>,
}

impl Rejection {
    /// Creates a rejection.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fact: None }
    }

    /// Returns the rejection with what the reply has shown about the model.
    #[must_use]
    pub const fn with_fact(mut self, fact: Fact) -> Self {
        self.fact = Some(fact);
        self
    }
}

/// How a reply is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As one response.
    Whole,
    /// As a stream of events.
    Streamed,
}

/// A request that is sent as it is, under each candidate's own model name.
#[derive(Debug, Clone)]
pub struct ChatPrompt {
    request: ChatRequest,
}

impl ChatPrompt {
    /// Creates a prompt that sends `request`, and asks for the reply as one response.
    pub const fn new(request: ChatRequest) -> Self {
        Self { request }
    }
}

impl<A> Prompt<A> for ChatPrompt {
    fn purpose(&self) -> Purpose {
        Purpose::Step
    }

    fn window(&self, candidate: &Candidate) -> u64 {
        let model = &candidate.model;
        model.client.capabilities(&model.model).context_window.unwrap_or(u64::MAX)
    }

    fn request(&self, _account: &A, candidate: &Candidate) -> Option<ChatRequest> {
        Some(ChatRequest { model: candidate.model.model.clone(), ..self.request.clone() })
    }

    fn digests(&self, _request: &ChatRequest) -> Option<RequestDigests> {
        None
    }

    fn delivery(&self) -> Delivery {
        Delivery::Whole
    }

    fn on_event(&self, _event: &ChatEvent) {}

    fn restart(&self) -> Restart {
        Restart::Allowed
    }

    fn accept(
        &self,
        _candidate: &Candidate,
        _request: &ChatRequest,
        chat: &ChatReply,
    ) -> Result<ModelReply, Rejection> {
        Ok(chat.reply.clone())
    }
}
