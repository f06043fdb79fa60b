//! A model that does as it is told, for tests of those who choose models.

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

/// A client with a provider's name of its own, which says that name or fails.
#[derive(Debug)]
pub struct Actor {
    provider: &'static str,
    capabilities: Capabilities,
    fails: Mutex<Option<ErrorKind>>,
    asked: AtomicUsize,
}

impl Actor {
    /// Returns one that replies.
    pub const fn new(provider: &'static str, capabilities: Capabilities) -> Self {
        Self { provider, capabilities, fails: Mutex::new(None), asked: AtomicUsize::new(0) }
    }

    /// Makes it fail in a way, or no longer.
    pub fn fail(&self, kind: Option<ErrorKind>) {
        *self.fails.lock().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    /// Returns how often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn answer(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fails = *self.fails.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = fails {
            return Err(Refusal::new(self.provider, kind, "as it was told").into());
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
        self.answer(request)
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let reply = self.answer(request).map(replay);
        stream::iter([reply]).try_flatten().boxed()
    }
}
