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
        let guess = guess(request, &reply.reply);
        // A cost that the provider names itself stands, whatever it says of tokens.
        let by_tokens = computed.is_some() && cost == computed;
        let usage = match reply.usage.clone() {
            Some(usage) if by_tokens && leaves_out(&usage, &guess) => completed(usage, &guess),
            Some(usage) => return Self { usage, cost, computed },
            None => guess,
        };
        let guessed = price(client, request, &usage);
        let known =
            |known: Option<Usd>| if by_tokens { known.max(guessed) } else { known.or(guessed) };
        Self { usage, cost: known(cost), computed: known(computed) }
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

/// Whether a provider says nothing of what it must have used: tokens that went in, or those of a
/// reply that has some.
fn leaves_out(said: &Usage, guess: &Usage) -> bool {
    said.total_input() == 0 || (said.total_output() == 0 && guess.output > 0)
}

/// Returns usage with a guess in place of what is left out.
fn completed(said: Usage, guess: &Usage) -> Usage {
    let input = if said.total_input() == 0 { guess.input } else { said.input };
    let output = if said.total_output() == 0 { guess.output } else { said.output };
    Usage { input, output, estimated: true, ..said }
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

#[cfg(test)]
mod tests {
    use az_core::Usd;
    use az_core::cost::Usage;
    use az_core::journal::ModelReply;

    use super::Bill;
    use crate::chat::{ChatReply, ChatRequest};
    use crate::pricing::{PriceBook, PricedClient};
    use crate::scripted::{Line, ScriptedClient};

    /// Bills a long reply of a model with a price, with this usage.
    fn bill(usage: Usage) -> Bill {
        let inner = std::sync::Arc::new(ScriptedClient::new([Line::text("x")]));
        let clock = std::sync::Arc::new(az_core::clock::SystemClock);
        let client = PricedClient::new(inner, PriceBook::bundled(), "openai", clock);
        let request = ChatRequest::prompt("gpt-5.6", "say a lot");
        let reply = ModelReply::text("words and words ".repeat(100));
        let cost = Some(Usd::from_nanos(0));
        let usage = Some(usage);
        let reply = ChatReply { reply, usage, cost, computed: cost, ..ChatReply::default() };
        Bill::of(&client, &request, &reply)
    }

    #[test]
    fn nobody_says_a_lot_for_nothing() {
        for said in [Usage::tokens(0, 0), Usage::tokens(90, 0), Usage::tokens(0, 200)] {
            let Bill { usage, cost, .. } = bill(said.clone());
            assert!(usage.estimated && usage.input > 0 && usage.output > 0, "{usage:?}");
            assert!(cost > Some(Usd::ZERO), "{said:?} is free");
        }
        let said = Usage::tokens(90, 200);
        assert_eq!(bill(said.clone()).usage, said);
    }
}
