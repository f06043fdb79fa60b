//! Recognises a reply that ended because the context window was full.

use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::FinishReason;

use crate::chat::{ChatReply, ChatRequest};
use crate::client::LlmClient;
use crate::dispatch::Rejection;

/// Returns why a reply is rejected, if it filled the context window: it says so, or it was
/// cut off far below the limit of the request. A server that has a limit of its own also does that;
/// where the window is known, it must be nearly full.
pub(super) fn full_context(
    client: &dyn LlmClient,
    request: &ChatRequest,
    chat: &ChatReply,
) -> Option<Rejection> {
    let (provider, none) = (client.provider(), Usage::default());
    let message = match chat.reply.finish_reason() {
        FinishReason::ContextWindow => {
            Some(format!("{provider}: the reply filled the context window before it was complete"))
        }
        FinishReason::Length => {
            let usage = chat.usage.as_ref().filter(|usage| !usage.estimated);
            let usage = usage.unwrap_or(&none);
            let output = usage.total_output();
            let is_short = output.saturating_mul(2) < u64::from(request.max_tokens);
            let total = output.saturating_add(usage.total_input());
            let window = client.capabilities(&request.model).context_window;
            let is_full = window.is_none_or(|window| total >= window / 10 * 9);
            (is_short && is_full && output > 0).then(|| {
                format!(
                    "{provider}: the reply was cut off after {output} of {} tokens, because the \
                     context window is full at {total} tokens",
                    request.max_tokens
                )
            })
        }
        _ => None,
    };
    message.map(|message| Rejection { kind: ErrorKind::ContextWindow, message })
}
