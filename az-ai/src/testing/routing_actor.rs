//! A client with a controllable outcome, for tests of routing.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use az_core::ErrorKind;
use az_core::journal::ModelReply;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::chat::{ChatReply, ChatRequest, ChatStream, replay};
use crate::client::{Capabilities, CostEstimate, LlmClient};
use crate::error::{Refusal, Result};

/// A client with a provider's name of its own, which replies with that name or fails.
#[derive(Debug)]
pub struct Actor {
    provider: &'static str,
    capabilities: Capabilities,
    fails: Mutex<Option<ErrorKind>>,
    calls: AtomicUsize,
}

impl Actor {
    /// Creates an actor that replies.
    pub const fn new(provider: &'static str, capabilities: Capabilities) -> Self {
        Self { provider, capabilities, fails: Mutex::new(None), calls: AtomicUsize::new(0) }
    }

    /// Sets the failure of the following calls, or none.
    pub fn fail(&self, kind: Option<ErrorKind>) {
        *self.fails.lock().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    /// Returns the number of calls.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn reply(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let fails = *self.fails.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = fails {
            return Err(Refusal::new(self.provider, kind, "requested failure").into());
        }
        self.capabilities.check(self.provider, request)?;
        let (reply, model) = (ModelReply::text(self.provider), request.model.clone());
        Ok(ChatReply { reply, model, ..ChatReply::default() })
    }
}

#[async_trait]
impl LlmClient for Actor {
    fn provider(&self) -> &str {
        self.provider
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        self.capabilities
    }

    fn estimate_cost(&self, _request: &ChatRequest) -> CostEstimate {
        CostEstimate::free(0)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.reply(request)
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let reply = self.reply(request).map(replay);
        stream::iter([reply]).try_flatten().boxed()
    }
}
