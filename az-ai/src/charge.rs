//! The charge of a call.

use az_core::Usd;
use az_core::cost::{Charge, Settlement, Usage};
use az_core::journal::ModelReply;

use crate::chat::{ChatReply, ChatRequest};
use crate::client::LlmClient;
use crate::error::{Error, Sent};
use crate::estimate;

/// Returns the charge of a reply. Usage that the provider leaves out is estimated, and marked as an
/// estimate, with the price that goes with it: unknown tokens are not free.
pub(crate) fn of_reply(client: &dyn LlmClient, request: &ChatRequest, reply: &ChatReply) -> Charge {
    let (cost, computed) = (reply.cost, reply.computed);
    let estimate = estimated_usage(request, &reply.reply);
    // A cost that the provider reports itself stands, whatever it says of tokens.
    let by_tokens = computed.is_some() && cost == computed;
    let usage = match reply.usage.clone() {
        Some(usage) if by_tokens && leaves_out(&usage, &estimate) => completed(usage, &estimate),
        Some(usage) => return Charge::new(usage, cost).with_computed(computed),
        None => estimate,
    };
    let price = price(client, request, &usage);
    let known = |known: Option<Usd>| if by_tokens { known.max(price) } else { known.or(price) };
    Charge::new(usage, known(cost)).with_computed(known(computed))
}

/// Returns the settlement of a call that failed.
pub(crate) fn of_failure(error: &Error) -> Settlement {
    match error.sent() {
        Sent::No => Settlement::Nothing,
        Sent::Maybe => Settlement::Full,
    }
}

/// Whether reported usage leaves out tokens that there must have been: those of the request, or
/// those of a reply that is not empty.
fn leaves_out(reported: &Usage, estimate: &Usage) -> bool {
    reported.total_input() == 0 || (reported.total_output() == 0 && estimate.output > 0)
}

/// Returns usage with estimates in place of what is left out.
fn completed(reported: Usage, estimate: &Usage) -> Usage {
    let input = if reported.total_input() == 0 { estimate.input } else { reported.input };
    let output = if reported.total_output() == 0 { estimate.output } else { reported.output };
    Usage { input, output, estimated: true, ..reported }
}

fn estimated_usage(request: &ChatRequest, reply: &ModelReply) -> Usage {
    let calls = reply.calls.iter().map(|call| call.arguments.to_string());
    let output = calls.chain([reply.text.clone(), reply.reasoning.clone()]);
    let output = output.map(|text| estimate::text(&text)).sum();
    Usage { estimated: true, ..Usage::tokens(estimate::tokens(request), output) }
}

/// Prices estimated usage: the most that the same request could cost if its reply were limited to
/// the estimated tokens. It errs upwards, as cost estimates do.
fn price(client: &dyn LlmClient, request: &ChatRequest, usage: &Usage) -> Option<Usd> {
    let max_tokens = u32::try_from(usage.output).unwrap_or(u32::MAX).max(1);
    client.quote(&request.clone().with_max_tokens(max_tokens)).max_cost
}

#[cfg(test)]
mod tests {
    use az_core::Usd;
    use az_core::cost::{Charge, Usage};
    use az_core::journal::ModelReply;

    use super::of_reply;
    use crate::chat::{ChatReply, ChatRequest};
    use crate::pricing::{PriceBook, PricedClient};
    use crate::scripted::{Line, ScriptedClient};

    /// Returns the charge of a long reply of a priced model that reports this usage.
    fn charge(usage: Usage) -> Charge {
        let inner = std::sync::Arc::new(ScriptedClient::new([Line::text("x")]));
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
    fn usage_that_is_left_out_is_estimated_and_priced() {
        for reported in [Usage::tokens(0, 0), Usage::tokens(90, 0), Usage::tokens(0, 200)] {
            let Charge { usage, cost, estimated, .. } = charge(reported.clone());
            assert!(
                estimated && usage.estimated && usage.input > 0 && usage.output > 0,
                "{usage:?}"
            );
            assert!(cost > Some(Usd::ZERO), "{reported:?} is free");
        }
        let reported = Usage::tokens(90, 200);
        assert_eq!(charge(reported.clone()).usage, reported);
    }
}
