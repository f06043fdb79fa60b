//! Compares what a provider reports with what is possible.

use std::cell::OnceCell;

use az_core::Usd;
use az_core::cost::{Charge, Usage};
use az_core::journal::ModelReply;

use crate::charge::{of_failure, vocabulary};
use crate::chat::ChatRequest;
use crate::client::LlmClient;
use crate::estimate::{self, Vocabulary};

/// A charge, and a warning when something is wrong with what the provider reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) charge: Charge,
    pub(crate) warning: Option<String>,
}

/// Checks the charge of a call.
///
/// Usage that cannot be is replaced: the held amount is charged, as an estimate. A cost above the
/// held amount is charged as it is, because the provider will bill it. Both give a warning.
pub(crate) fn check(
    client: &dyn LlmClient,
    request: &ChatRequest,
    reply: &ModelReply,
    charge: Charge,
) -> Checked {
    let provider = client.provider();
    let held = client.estimate_cost(request).max_cost;
    if let Some(most) = possible(client, request, reply, &charge.usage) {
        let Usage { input, output, .. } = most;
        let warning = format!(
            "{provider} reports {} input and {} output tokens, more than the {input} and {output} \
             that are possible: an upper bound is charged instead",
            charge.usage.total_input(),
            charge.usage.total_output(),
        );
        let is_reported = charge.cost.is_some() && charge.cost != charge.computed;
        let cost = if is_reported { charge.cost } else { held };
        let charge = Charge::new(most, cost).with_computed(charge.computed.and(held));
        return Checked { charge, warning: Some(warning) };
    }
    let above = charge.cost.zip(held).filter(|(cost, held)| cost > held);
    let warning = above.map(|(cost, held)| {
        format!(
            "the call cost {cost}, more than the {held} that were held for it: {provider} charges \
             more than `az models price` shows, or counts more tokens than it was sent"
        )
    });
    Checked { charge, warning }
}

/// Checks the charges of a call that is under way. It estimates the call only once, because a
/// provider may report usage with every piece.
#[derive(Debug, Default)]
pub(crate) struct ChargeLimit {
    held: OnceCell<Option<Usd>>,
    least_input: OnceCell<u64>,
}

impl ChargeLimit {
    /// Returns a charge; if it is above the held amount, as [`check`] returns it, and if its input is too
    /// small to be true, as [`of_failure`] returns it: the call may be dropped.
    pub(crate) fn limit(
        &mut self,
        client: &dyn LlmClient,
        request: &ChatRequest,
        charge: &Charge,
    ) -> Charge {
        let held = *self.held.get_or_init(|| client.estimate_cost(request).max_cost);
        if charge.cost.zip(held).is_some_and(|(cost, held)| cost > held) {
            return check(client, request, &ModelReply::default(), charge.clone()).charge;
        }
        let least_input = || estimate::request_at_least(request, vocabulary(client, request));
        if charge.usage.total_input() < *self.least_input.get_or_init(least_input) {
            return of_failure(client, request, charge.clone());
        }
        charge.clone()
    }
}

/// Returns the largest possible usage if the reported one exceeds it.
///
/// Text that a provider's own tools add to the request is not known here, and neither is the length
/// of thoughts that are not shown where they do not count towards the request's limit: the model's
/// own limits apply then.
fn possible(
    client: &dyn LlmClient,
    request: &ChatRequest,
    reply: &ModelReply,
    reported: &Usage,
) -> Option<Usage> {
    if reported.estimated {
        return None;
    }
    let limits = client.capabilities(&request.model);
    let sent = estimate::at_most(request, Vocabulary::Unknown);
    let has_tools = reported.tool_input > 0 || reported.server_tool_calls > 0;
    let input = if has_tools { limits.context_window.unwrap_or(sent).max(sent) } else { sent };
    let received = estimate::reply_at_most(reply, Vocabulary::Unknown);
    let thoughts = if reported.reasoning > 0 { limits.max_output.unwrap_or(0) } else { 0 };
    let output = received.max(thoughts).max(request.max_tokens.into());
    let is_possible = reported.total_input() <= input && reported.total_output() <= output;
    (!is_possible).then(|| Usage {
        estimated: true,
        ..Usage::tokens(reported.total_input().min(input), reported.total_output().min(output))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use az_core::Usd;
    use az_core::clock::SystemClock;
    use az_core::cost::{Charge, Usage};
    use az_core::journal::ModelReply;

    use super::{Checked, check};
    use crate::chat::ChatRequest;
    use crate::client::LlmClient;
    use crate::pricing::{PriceBook, PricedClient};
    use crate::scripted::{ScriptedClient, ScriptedReply};

    fn client() -> PricedClient {
        let inner = Arc::new(ScriptedClient::new([ScriptedReply::text("x")]));
        PricedClient::new(inner, PriceBook::bundled(), "openai", Arc::new(SystemClock))
    }

    fn checked(charge: Charge) -> Checked {
        let request = ChatRequest::prompt("gpt-5.6", "hi");
        check(&client(), &request, &ModelReply::text("ho"), charge)
    }

    #[test]
    fn impossible_usage_is_charged_as_the_hold() {
        let held = client().estimate_cost(&ChatRequest::prompt("gpt-5.6", "hi")).max_cost;
        let dollars = Some(Usd::from_nanos(9_000_000_000));
        for reported in
            [Usage::tokens(1 << 63, 1), Usage::tokens(1, 1 << 63), Usage::tokens(1, 1 << 20)]
        {
            let computed = Charge::new(reported.clone(), dollars).with_computed(dollars);
            let Checked { charge, warning } = checked(computed);
            assert_eq!((charge.cost, charge.computed), (held, held), "{reported:?}");
            assert!(charge.estimated && charge.usage.total() < 10_000, "{:?}", charge.usage);
            let warning = warning.unwrap();
            assert!(warning.contains("more than the") && warning.contains("possible"), "{warning}");
        }
    }

    #[test]
    fn a_reported_cost_above_the_hold_is_charged_with_a_warning() {
        let dear = Some(Usd::from_nanos(9_000_000_000));
        let reported = Charge::new(Usage::tokens(5, 5), dear).with_computed(Some(Usd::ZERO));
        let Checked { charge, warning } = checked(reported.clone());
        assert_eq!(charge, reported);
        let warning = warning.unwrap();
        assert!(warning.starts_with("the call cost $9.00, more than the $0."), "{warning}");
    }

    #[test]
    fn plausible_usage_has_no_warning() {
        let cheap = Some(Usd::from_nanos(5));
        let reported = Charge::new(Usage::tokens(9, 2), cheap).with_computed(cheap);
        assert_eq!(checked(reported.clone()), Checked { charge: reported, warning: None });
    }
}
