//! Google's Gemini API.

use az_ai::chat::{ChatEvent, ChatRequest, Message};
use az_ai::provider::gemini::Gemini;
use az_ai::provider::wire::{Answered, Delivery, Wire};
use az_core::journal::ModelReply;
use az_core::naming::NameMap;
use serde_json::Value;

use super::exchange::{Exchange, are_here, recorded};
use super::spoken::{Said, Spoken};

/// `generateContent` and its streaming sister.
pub(super) struct GenerateContent;

impl Spoken for GenerateContent {
    type Wire = Gemini;

    const NAME: &str = "generateContent";

    fn wire() -> Gemini {
        Gemini
    }

    fn speaks(exchange: &Exchange) -> bool {
        ["generateContent", "streamGenerateContent"]
            .iter()
            .any(|method| exchange.path.ends_with(&format!(":{method}")))
    }

    fn tools(sent: &Value) -> Vec<String> {
        let tools = sent["tools"].as_array().into_iter().flatten();
        let tools = tools.flat_map(|tool| tool["functionDeclarations"].as_array()).flatten();
        tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    fn expected(exchange: &Exchange) -> Result<Said, String> {
        let chunks = exchange.pieces();
        let candidates: Vec<&Value> = chunks.iter().map(|chunk| &chunk["candidates"][0]).collect();
        let parts = || candidates.iter().flat_map(|c| c["content"]["parts"].as_array()).flatten();
        let texts = |thought: bool| -> String {
            let sort = |part: &&Value| part["thought"].as_bool().unwrap_or(false) == thought;
            parts().filter(sort).filter_map(|part| part["text"].as_str()).collect()
        };
        let calls = parts().filter(|part| part["functionCall"].is_object()).map(|part| {
            let call = &part["functionCall"];
            let name = call["name"].as_str().unwrap().to_owned();
            (name, Some(call["args"].clone()).filter(Value::is_object))
        });
        let mut stops = candidates.iter().filter_map(|c| c["finishReason"].as_str());
        let usage = &chunks.last().unwrap()["usageMetadata"];
        let count = |name: &str| usage[name].as_u64().unwrap_or(0);
        Ok(Said {
            text: texts(false),
            reasoning: texts(true),
            calls: calls.collect(),
            stop: stops.next_back().unwrap().to_owned(),
            usage: Some((
                count("totalTokenCount"),
                count("candidatesTokenCount") + count("thoughtsTokenCount"),
            )),
            cost: None,
        })
    }

    fn end(exchange: &Exchange) -> usize {
        exchange.response.trim_end().len()
    }
}

/// Returns the signatures of a turn's calls, in their order. The recorded program changed some names
/// and arguments, but no signature.
fn signatures(parts: &Value) -> Vec<Value> {
    let calls = parts.as_array().into_iter().flatten().filter(|p| p["functionCall"].is_object());
    calls.map(|part| part["thoughtSignature"].clone()).collect()
}

/// Returns what the client makes of an exchange.
fn understood(exchange: &Exchange) -> ModelReply {
    let bytes = exchange.response.as_bytes();
    if !exchange.is_streamed() {
        return Gemini.reply(bytes, Answered::default()).unwrap().reply;
    }
    let mut decoder = Gemini.decoder(Answered::default());
    let mut events = decoder.feed(bytes).unwrap();
    events.extend(decoder.finish().unwrap());
    let Some(ChatEvent::Finished(reply)) = events.pop() else { panic!("{}", exchange.name) };
    reply.reply
}

#[test]
fn signatures_go_back_on_the_very_calls_they_came_on() {
    if !are_here() {
        eprintln!("skipped: AZ_RECORDED names no folder with recordings");
        return;
    }
    let all: Vec<Exchange> =
        recorded("gemini").into_iter().filter(GenerateContent::speaks).collect();
    let mut compared = 0;
    for exchange in all.iter().filter(|exchange| exchange.status == 200) {
        let reply = understood(exchange);
        let asked = ChatRequest::new("m", vec![Message::assistant(reply)]);
        let body = Gemini.call(&asked, Delivery::Whole, &NameMap::default()).body;
        let ours = signatures(&body["contents"][0]["parts"]);
        let (name, number) = exchange.name.rsplit_once('#').unwrap();
        let next = format!("{name}#{}", number.parse::<usize>().unwrap() + 1);
        let Some(next) = all.iter().find(|exchange| exchange.name == next) else { continue };
        let sent = next.sent();
        let mut turns =
            sent["contents"].as_array().unwrap().iter().filter(|c| c["role"] == "model");
        let Some(turn) = turns.next_back().filter(|_| !ours.is_empty()) else { continue };
        assert_eq!(ours, signatures(&turn["parts"]), "{}", exchange.name);
        compared += 1;
    }
    assert!(compared > 20, "only {compared} turns were sent back");
}
