//! Google's Gemini API.

use az_ai::provider::gemini::Gemini;
use serde_json::Value;

use super::exchange::{Exchange, are_here};
use super::spoken::{Said, Spoken};
use super::turns::sent_back;

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

#[test]
fn signatures_are_sent_back_with_their_calls() {
    if !are_here() {
        eprintln!("skipped: AZ_RECORDED names no folder with recordings");
        return;
    }
    let mut compared = 0;
    for (name, ours, theirs) in sent_back::<GenerateContent>("gemini") {
        let ours = signatures(&ours["contents"][0]["parts"]);
        let mut turns = theirs["contents"].as_array().unwrap().iter();
        let turn = turns.rfind(|content| content["role"] == "model");
        let Some(turn) = turn.filter(|_| !ours.is_empty()) else { continue };
        assert_eq!(ours, signatures(&turn["parts"]), "{name}");
        compared += 1;
    }
    assert!(compared > 20, "only {compared} turns were sent back");
}
