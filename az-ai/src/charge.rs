//! Computes the charge of a call.

use az_core::Usd;
use az_core::call::ModelFailure;
use az_core::cost::{Charge, Settlement, Usage};

use crate::chat::{ChatReply, ChatRequest};
use crate::client::LlmClient;
use crate::error::{Error, Sent};
use crate::estimate::{self, Vocabulary};

/// Returns the charge of a reply.
///
/// Tokens that the provider does not report are not free: their upper bound is charged, marked as an
/// estimate. For the output it is that of the text that was received.
pub(crate) fn of_reply(client: &dyn LlmClient, request: &ChatRequest, reply: &ChatReply) -> Charge {
    let (cost, computed, saved) = (reply.cost, reply.computed, reply.saved);
    // A cost that the provider reports takes precedence, whichever tokens it reports.
    let by_tokens = computed.is_some() && cost == computed;
    let usage = match reply.usage.clone() {
        Some(usage) if by_tokens => match completed(client, request, reply, &usage) {
            Some(completed) => completed,
            None => return Charge::new(usage, cost).with_computed(computed).with_saved(saved),
        },
        Some(usage) => {
            return Charge::new(usage, cost).with_computed(computed).with_saved(saved);
        }
        None => bound(client, request, reply),
    };
    let price = estimated_cost(client, request, &usage);
    let known = |known: Option<Usd>| if by_tokens { known.max(price) } else { known.or(price) };
    Charge::new(usage, known(cost)).with_computed(known(computed)).with_saved(saved)
}

/// Returns a client's error as the failure of a call, with the settlement of its hold: what the
/// provider had reported, else nothing if the call was certainly free, else the full hold.
pub(crate) fn failure(error: &Error) -> ModelFailure {
    let settlement = match (error, error.sent()) {
        (Error::Metered(metered), _) => Settlement::Paid(metered.charge.clone()),
        (_, Sent::No) => Settlement::Nothing,
        (_, Sent::Maybe) => Settlement::Full,
    };
    let (kind, message) = (error.kind(), error.chain());
    ModelFailure { kind, message, retry_after: error.retry_after(), settlement }
}

/// Returns the charge of a call that failed, like that of a reply without text. A report of no tokens at
/// all stays: the call was refused.
pub(crate) fn of_failure(client: &dyn LlmClient, request: &ChatRequest, charge: Charge) -> Charge {
    if charge.usage.total() == 0 {
        return charge;
    }
    let Charge { usage, cost, computed, saved, .. } = charge;
    let reply = ChatReply { usage: Some(usage), cost, computed, saved, ..ChatReply::default() };
    of_reply(client, request, &reply)
}

/// Returns usage with upper bounds in place of figures that are omitted or too small to be true:
/// `None` when there are none.
fn completed(
    client: &dyn LlmClient,
    request: &ChatRequest,
    reply: &ChatReply,
    reported: &Usage,
) -> Option<Usage> {
    // Only a total was reported. Output costs more than input, and the request limits it.
    if reported.estimated && reported.total_input() == 0 {
        let output = reported.output.min(request.max_tokens.into());
        let input = reported.output - output;
        return Some(Usage { input, output, ..reported.clone() });
    }
    let vocabulary = vocabulary(client, request);
    let least_input = estimate::request_at_least(request, vocabulary).max(1);
    let is_empty = reply.reply.text.is_empty() && reply.reply.calls.is_empty();
    let least_output = estimate::reply_at_least(&reply.reply, vocabulary);
    let least_output = least_output.max(u64::from(!is_empty));
    let lacks_input = reported.total_input() < least_input;
    let lacks_output = reported.total_output() < least_output;
    if !lacks_input && !lacks_output {
        return None;
    }
    let most = bound(client, request, reply);
    let input = if lacks_input { most.input } else { reported.input };
    let output = if lacks_output { most.output } else { reported.output };
    Some(Usage { input, output, estimated: true, ..reported.clone() })
}

/// Returns the vocabulary of the requested model.
pub(crate) fn vocabulary(client: &dyn LlmClient, request: &ChatRequest) -> Vocabulary {
    Vocabulary::of(client.provider(), &request.model)
}

/// Returns the most tokens that a reply and its request can have.
fn bound(client: &dyn LlmClient, request: &ChatRequest, reply: &ChatReply) -> Usage {
    let vocabulary = vocabulary(client, request);
    let input = estimate::at_most(request, vocabulary);
    let output = estimate::reply_at_most(&reply.reply, vocabulary);
    Usage { estimated: true, ..Usage::tokens(input, output) }
}

/// Returns the most that the request can cost with a reply of these tokens.
fn estimated_cost(client: &dyn LlmClient, request: &ChatRequest, usage: &Usage) -> Option<Usd> {
    let max_tokens = u32::try_from(usage.output).unwrap_or(u32::MAX).max(1);
    client.estimate_cost(&request.clone().with_max_tokens(max_tokens)).max_cost
}

#[cfg(test)]
mod tests {
    use az_core::Usd;
    use az_core::cost::{Charge, Usage};
    use az_core::journal::{ModelReply, ToolCall};
    use serde_json::json;

    use super::{of_failure, of_reply};
    use crate::chat::{ChatReply, ChatRequest};
    use crate::pricing::{PriceBook, PricedClient};
    use crate::scripted::{ScriptedClient, ScriptedReply};

    /// Returns the charge of a long reply of a model with a price, with this reported usage.
    fn charge(usage: Usage) -> Charge {
        charge_of(ModelReply::text("words and words ".repeat(100)), Some(usage))
    }

    fn charge_of(reply: ModelReply, usage: Option<Usage>) -> Charge {
        charge_of_model("gpt-5.6", reply, usage)
    }

    fn priced() -> PricedClient {
        let inner = std::sync::Arc::new(ScriptedClient::new([ScriptedReply::text("x")]));
        let clock = std::sync::Arc::new(az_core::clock::SystemClock);
        PricedClient::new(inner, PriceBook::bundled(), "openai", clock)
    }

    fn charge_of_model(model: &str, reply: ModelReply, usage: Option<Usage>) -> Charge {
        let client = priced();
        let request = ChatRequest::prompt(model, "say a lot");
        let cost = usage.is_some().then_some(Usd::ZERO);
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
        let reported = Usage::tokens(90, 300);
        assert_eq!(charge(reported.clone()).usage, reported);
    }

    /// 2,999 tokens in every public vocabulary.
    #[test]
    fn a_reply_of_digits_without_usage_is_charged_at_least_its_tokens() {
        let digits = "7 ".repeat(1_500);
        let Charge { usage, cost, estimated, .. } = charge_of(ModelReply::text(digits), None);
        assert!(usage.output >= 2_999 && estimated, "{usage:?}");
        let true_price = Usd::from_nanos(2_999 * 30_000);
        assert!(cost >= Some(Usd::from_nanos(1)) && cost < Some(true_price.plus(true_price)));
    }

    #[test]
    fn usage_that_is_too_small_for_the_text_is_completed() {
        for reported in [5, 150, 299] {
            let Charge { usage, .. } = charge(Usage::tokens(90, reported));
            assert!(usage.estimated && usage.output >= 300, "{reported}: {usage:?}");
        }
    }

    /// Of a model whose vocabulary is not public, the words of the text and of the calls are counted.
    #[test]
    fn usage_that_is_too_small_for_the_words_is_completed_in_any_vocabulary() {
        let text = "words and words ".repeat(100);
        let arguments = json!({"content": text});
        let call = ToolCall { id: String::new(), name: "write".to_owned(), arguments };
        let called = ModelReply { calls: vec![call], ..ModelReply::default() };
        for reply in [ModelReply::text(text.clone()), called] {
            for (reported, is_true) in [(150, false), (299, false), (300, true)] {
                let usage = Some(Usage::tokens(90, reported));
                let Charge { usage, .. } =
                    charge_of_model("claude-sonnet-5-5", reply.clone(), usage);
                assert_eq!(!usage.estimated, is_true, "{reported}: {usage:?}");
                assert!(usage.output >= 300, "{reported}: {usage:?}");
            }
        }
    }

    #[test]
    fn the_reported_input_of_a_failed_call_is_completed() {
        let client = priced();
        let request = ChatRequest::prompt("gpt-5.6", "words and words ".repeat(100));
        let failed = |input, output| {
            let cost = Some(Usd::from_nanos(1));
            let reported = Charge::new(Usage::tokens(input, output), cost).with_computed(cost);
            of_failure(&client, &request, reported)
        };
        let Charge { usage, cost, .. } = failed(150, 5);
        assert!(usage.estimated && usage.input >= 300 && usage.output == 5, "{usage:?}");
        assert!(cost > Some(Usd::from_nanos(1)), "{cost:?}");
        assert_eq!(failed(310, 5).usage, Usage::tokens(310, 5));
        assert_eq!(failed(0, 0).usage, Usage::tokens(0, 0), "a refused call is free");
    }

    #[test]
    fn of_a_total_alone_the_input_of_a_failed_call_is_paid_once() {
        let client = priced();
        let request = ChatRequest::prompt("gpt-5.6", "words and words ".repeat(100));
        let cost = Some(Usd::from_nanos(1));
        let total = Usage { estimated: true, ..Usage::tokens(0, 1_000) };
        let reported = Charge::new(total.clone(), cost).with_computed(cost);
        assert_eq!(of_failure(&client, &request, reported).usage, total);
    }

    #[test]
    fn of_a_total_alone_as_much_as_possible_is_output() {
        let total = Usage { estimated: true, ..Usage::tokens(0, 5_000) };
        let Charge { usage, .. } = charge(total);
        let max_tokens = u64::from(crate::chat::DEFAULT_MAX_TOKENS);
        assert_eq!((usage.input, usage.output), (5_000 - max_tokens, max_tokens));
    }
}
