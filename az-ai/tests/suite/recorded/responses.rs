//! OpenAI's Responses.

use az_ai::provider::openai::{Dialect, Interface, OpenAi};
use serde_json::Value;

use super::exchange::{Exchange, are_here};
use super::spoken::{Said, Spoken};
use super::turns::sent_back;

/// Responses.
pub(super) struct Responses;

/// Returns the response itself, which the last event of a stream brings.
fn response(exchange: &Exchange) -> Value {
    let mut last = exchange.pieces().pop().unwrap();
    if exchange.is_streamed() { last["response"].take() } else { last }
}

impl Spoken for Responses {
    type Wire = OpenAi;

    const NAME: &str = "responses";
    const ADOPTS: bool = false;

    fn wire() -> OpenAi {
        OpenAi::new(Dialect::OPENAI.with_interface(Interface::Responses))
    }

    fn speaks(exchange: &Exchange) -> bool {
        exchange.path.ends_with("/responses")
    }

    fn tools(sent: &Value) -> Vec<String> {
        let tools = sent["tools"].as_array().into_iter().flatten();
        tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    fn expected(exchange: &Exchange) -> Result<Said, String> {
        let response = response(exchange);
        let items = |sort: &str| -> Vec<&Value> {
            let items = response["output"].as_array().unwrap();
            items.iter().filter(|item| item["type"] == sort).collect()
        };
        let texts = |items: &[&Value], list: &str| -> String {
            let parts = items.iter().flat_map(|item| item[list].as_array()).flatten();
            parts.filter_map(|part| part["text"].as_str().or(part["refusal"].as_str())).collect()
        };
        let calls = items("function_call").into_iter().map(|call| {
            let name = call["name"].as_str().unwrap().to_owned();
            (name, serde_json::from_str(call["arguments"].as_str().unwrap()).ok())
        });
        let reason = response["incomplete_details"]["reason"].as_str();
        let usage = &response["usage"];
        let count = |name: &str| usage[name].as_u64().unwrap();
        Ok(Said {
            text: texts(&items("message"), "content"),
            reasoning: texts(&items("reasoning"), "summary")
                + &texts(&items("reasoning"), "content"),
            calls: calls.collect(),
            stop: reason.or(response["status"].as_str()).unwrap().to_owned(),
            usage: Some((count("total_tokens"), count("output_tokens"))),
            cost: usage["cost"].as_f64(),
        })
    }

    fn end(exchange: &Exchange) -> usize {
        exchange.response.trim_end().len()
    }
}

/// Returns what is encrypted, and the ids of the calls.
fn secrets(items: &Value) -> Vec<&str> {
    let items = items.as_array().into_iter().flatten();
    items.filter_map(|i| i["encrypted_content"].as_str().or(i["call_id"].as_str())).collect()
}

#[test]
fn reasoning_is_sent_back_unchanged_and_in_order() {
    if !are_here() {
        eprintln!("skipped: AZ_RECORDED names no folder with recordings");
        return;
    }
    let mut compared = 0;
    for (name, ours, theirs) in sent_back::<Responses>("openai") {
        let (ours, theirs) = (secrets(&ours["input"]), secrets(&theirs["input"]));
        // The recorded program left out thoughts that it had not asked for.
        let encrypted = theirs.iter().any(|secret| ours.first() == Some(secret));
        if ours.is_empty() || !encrypted {
            continue;
        }
        let there = theirs.windows(ours.len()).any(|window| window == ours);
        assert!(there, "{name}: {ours:?} in {theirs:?}");
        compared += 1;
    }
    assert!(compared > 5, "only {compared} turns were sent back");
}
