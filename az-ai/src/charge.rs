//! Computes the charge of a call.

use az_core::Usd;
use az_core::call::ModelFailure;
use az_core::cost::{Charge, Settlement, Usage};
use az_core::journal::ModelReply;

use crate::chat::{ChatReply, ChatRequest};
use crate::client::LlmClient;
use crate::error::{Error, Sent};
use crate::estimate;

/// Returns the charge of a reply. Usage that the provider does not report is estimated, marked as an
/// estimate, and priced as one: unreported tokens are not free.
pub(crate) fn of_reply(client: &dyn LlmClient, request: &ChatRequest, reply: &ChatReply) -> Charge {
    let (cost, computed) = (reply.cost, reply.computed);
    let estimated = estimated_usage(request, &reply.reply);
    // A cost that the provider reports takes precedence, whichever tokens it reports.
    let by_tokens = computed.is_some() && cost == computed;
    let usage = match reply.usage.clone() {
        Some(usage) if by_tokens && is_incomplete(&usage, &estimated) => {
            completed(usage, &estimated)
        }
        Some(usage) => return Charge::new(usage, cost).with_computed(computed),
        None => estimated,
    };
    let price = estimated_cost(client, request, &usage);
    let known = |known: Option<Usd>| if by_tokens { known.max(price) } else { known.or(price) };
    Charge::new(usage, known(cost)).with_computed(known(computed))
}

/// Returns a client's error as the failure of a call, with the settlement of its hold.
pub(crate) fn failure(error: &Error) -> ModelFailure {
    ModelFailure {
        kind: error.kind(),
        message: error.chain(),
        retry_after: error.retry_after(),
        settlement: match error.sent() {
            Sent::No => Settlement::Nothing,
            Sent::Maybe => Settlement::Full,
        },
    }
}

/// Whether reported usage omits tokens that must have been used: input tokens, or the output tokens
/// of a reply that is not empty.
fn is_incomplete(reported: &Usage, estimated: &Usage) -> bool {
    reported.total_input() == 0 || (reported.total_output() == 0 && estimated.output > 0)
}

/// Returns usage with estimates in place of omitted figures.
fn completed(reported: Usage, estimated: &Usage) -> Usage {
    let input = if reported.total_input() == 0 { estimated.input } else { reported.input };
    let output = if reported.total_output() == 0 { estimated.output } else { reported.output };
    Usage { input, output, estimated: true, ..reported }
}

fn estimated_usage(request: &ChatRequest, reply: &ModelReply) -> Usage {
    let calls = reply.calls.iter().map(|call| call.arguments.to_string());
    let output = calls.chain([reply.text.clone(), reply.reasoning.clone()]);
    let output = output.map(|text| estimate::text(&text)).sum();
    Usage { estimated: true, ..Usage::tokens(estimate::tokens(request), output) }
}

/// Returns the most that the request can cost if its reply has no more tokens than the estimate. It
/// errs upwards, as cost estimates do.
fn estimated_cost(client: &dyn LlmClient, request: &ChatRequest, usage: &Usage) -> Option<Usd> {
    let max_tokens = u32::try_from(usage.output).unwrap_or(u32::MAX).max(1);
    client.estimate_cost(&request.clone().with_max_tokens(max_tokens)).max_cost
}

#[cfg(test)]
mod tests {
    use az_core::Usd;
    use az_core::cost::{Charge, Usage};
    use az_core::journal::ModelReply;

    use super::of_reply;
    use crate::chat::{ChatReply, ChatRequest};
    use crate::pricing::{PriceBook, PricedClient};
    use crate::scripted::{ScriptedClient, ScriptedReply};

    /// Returns the charge of a long reply of a model with a price, with this reported usage.
    fn charge(usage: Usage) -> Charge {
        let inner = std::sync::Arc::new(ScriptedClient::new([ScriptedReply::text("x")]));
        let clock = std::sync::Arc::new(az_core::clock::SystemClock);
        let client = PricedClient::new(inner, PriceBook::bundled(), "openai", clock);
        let request = ChatRequest::prompt("gpt-5.6", "say a lot");
        let reply = ModelReply::text("words and words ".repeat(100));
        let cost = Some(Usd::from_nanos(0));
        let usage = Some(usage);
        let reply = ChatReply { reply, usage, cost, computed: cost, ..ChatReply::default() };
        of_reply(&client, &request, &reply)
    }

    #[test]
    fn unreported_tokens_are_estimated_and_not_free() {
        for reported in [Usage::tokens(0, 0), Usage::tokens(90, 0), Usage::tokens(0, 200)] {
            let Charge { usage, cost, .. } = charge(reported.clone());
            assert!(usage.estimated && usage.input > 0 && usage.output > 0, "{usage:?}");
            assert!(cost > Some(Usd::ZERO), "{reported:?} is free");
        }
        let reported = Usage::tokens(90, 200);
        assert_eq!(charge(reported.clone()).usage, reported);
    }
}
