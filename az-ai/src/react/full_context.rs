//! Recognises a reply that ended because the context window was full.

use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::FinishReason;

use crate::chat::{ChatReply, ChatRequest};
use crate::client::{Fact, LlmClient};
use crate::dispatch::Rejection;
use crate::estimate;

/// The fewest tokens that a reply without a stated reason shows the window with.
const LEAST_WINDOW: u64 = 2_048;

/// Returns why a reply is rejected, if it filled the context window: it says so, or it was
/// cut off far below the limit of the request. A server that has a limit of its own also does that;
/// where the window is known, it must be nearly full.
pub(super) fn full_context(
    client: &dyn LlmClient,
    request: &ChatRequest,
    chat: &ChatReply,
) -> Option<Rejection> {
    let (provider, none) = (client.provider(), Usage::default());
    let usage = chat.usage.as_ref().filter(|usage| !usage.estimated).unwrap_or(&none);
    let (input, output) = (usage.total_input(), usage.total_output());
    let total = output.saturating_add(input);
    let stop = chat.reply.finish_reason();
    let message = match stop {
        FinishReason::ContextWindow => {
            format!("{provider}: the reply filled the context window before it was complete")
        }
        FinishReason::Length => {
            let is_short = output.saturating_mul(2) < u64::from(request.max_tokens);
            let window = client.capabilities(&request.model).context_window;
            let is_full = window.is_none_or(|window| total >= window / 10 * 9);
            if !is_short || !is_full || output == 0 {
                return None;
            }
            let most = request.max_tokens;
            format!(
                "{provider}: the reply was cut off after {output} of {most} tokens, because the \
                 context window is full at {total} tokens"
            )
        }
        _ => return None,
    };
    let rejection = Rejection::new(ErrorKind::ContextWindow, message);
    // A server may end a reply early for a reason of its own.
    let is_shown = stop == FinishReason::ContextWindow || total >= LEAST_WINDOW;
    Some(match window(request, input, total).filter(|_| is_shown) {
        Some(window) => rejection.with_fact(Fact::ContextWindow(window)),
        None => rejection,
    })
}

/// Returns the window that was full at this many tokens, as tokens are estimated: it is smaller if the
/// estimate of the request was too low, because requests are fitted by the estimate.
fn window(request: &ChatRequest, input: u64, total: u64) -> Option<u64> {
    let estimated = estimate::tokens(request).min(input);
    let scaled = total.saturating_mul(estimated).checked_div(input)?;
    (input > 0 && scaled > 0).then_some(scaled)
}
