//! What a call is booked at.

use az_core::Usd;
use az_core::cost::{Settlement, Usage};
use az_core::journal::ModelReply;

use crate::chat::{ChatReply, ChatRequest};
use crate::client::LlmClient;
use crate::error::{Error, Sent};
use crate::estimate;

/// What a reply used and cost, as far as anybody can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) usage: Usage,
    pub(crate) cost: Option<Usd>,
    pub(crate) computed: Option<Usd>,
}

impl Bill {
    /// Returns the bill of a reply. What its provider used and does not say is guessed, and
    /// marked as a guess, with the price that goes with it: unknown tokens are not free.
    pub(crate) fn of(client: &dyn LlmClient, request: &ChatRequest, reply: &ChatReply) -> Self {
        let (cost, computed) = (reply.cost, reply.computed);
        if let Some(usage) = reply.usage.clone() {
            return Self { usage, cost, computed };
        }
        let usage = guess(request, &reply.reply);
        let guessed = price(client, request, &usage);
        Self { usage, cost: cost.or(guessed), computed: computed.or(guessed) }
    }

    /// Returns the settlement of a call that has this bill.
    pub(crate) fn settlement(self) -> Settlement {
        let Self { usage, cost, computed } = self;
        Settlement::Paid { cost, computed, usage }
    }
}

/// Returns what becomes of the hold of a call that failed.
pub(crate) fn of_failure(error: &Error) -> Settlement {
    match error.sent() {
        Sent::No => Settlement::Nothing,
        Sent::Maybe => Settlement::Full,
    }
}

fn guess(request: &ChatRequest, reply: &ModelReply) -> Usage {
    let calls = reply.calls.iter().map(|call| call.arguments.to_string());
    let output = calls.chain([reply.text.clone(), reply.reasoning.clone()]);
    let output = output.map(|text| estimate::text(&text)).sum();
    Usage { estimated: true, ..Usage::tokens(estimate::tokens(request), output) }
}

/// Prices guessed usage: the most that the same request could cost if its reply were allowed no
/// more tokens than the guess. It errs upwards, as quotes do.
fn price(client: &dyn LlmClient, request: &ChatRequest, usage: &Usage) -> Option<Usd> {
    let max_tokens = u32::try_from(usage.output).unwrap_or(u32::MAX).max(1);
    client.quote(&request.clone().with_max_tokens(max_tokens)).max_cost
}
