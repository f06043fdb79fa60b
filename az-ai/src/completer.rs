//! Completing prompts of tools: the dispatcher, on the account of the payer of the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use az_core::call::{Completer, Completion, CompletionRequest, PayerAccount};
use az_core::cost::{BudgetKeeper, Payer};
use az_core::journal::FinishReason;
use az_core::{CallId, Clock, Result};

use crate::chat::ChatRequest;
use crate::client::LlmClient;
use crate::dispatch::DispatchClient;

/// Completes prompts with the models of a [`DispatchClient`]: with fallbacks, retries and budgets.
#[derive(Debug)]
pub struct DispatchCompleter {
    client: DispatchClient,
    keeper: Arc<dyn BudgetKeeper>,
    clock: Arc<dyn Clock>,
    unique: String,
    calls: AtomicU64,
}

impl DispatchCompleter {
    /// Creates a completer that books in `keeper`. `unique` is part of the ids that are booked, and is
    /// different in each process.
    pub fn new(
        client: DispatchClient,
        keeper: Arc<dyn BudgetKeeper>,
        clock: Arc<dyn Clock>,
        unique: impl Into<String>,
    ) -> Self {
        Self { client, keeper, clock, unique: unique.into(), calls: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Completer for DispatchCompleter {
    async fn complete(
        &self,
        payer: &Payer,
        call: &CallId,
        request: &CompletionRequest,
    ) -> Result<Completion> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{call}.{}.{number}.", self.unique);
        let (keeper, clock) = (Arc::clone(&self.keeper), Arc::clone(&self.clock));
        let account = PayerAccount::new(keeper, clock, payer.clone(), &prefix)?;
        let model = request.model.clone().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "temperatures have few digits")]
        let temperature = Some(request.temperature as f32);
        let chat = ChatRequest {
            temperature,
            max_tokens: request.max_tokens,
            ..ChatRequest::prompt(model, &request.prompt)
        };
        let chat = self.client.clone().paid_by(account).complete(&chat).await?;
        let is_cut = chat.reply.finish == FinishReason::Length;
        Ok(Completion::new(chat.reply.text, chat.model, is_cut))
    }
}
