//! Recorded turns of models that were sent back with the next request.

use az_ai::chat::{ChatEvent, ChatRequest, Message};
use az_ai::provider::tool_names::ToolNames;
use az_ai::provider::wire::{Answered, Delivery, Wire};
use az_core::journal::ModelReply;
use serde_json::Value;

use super::exchange::{Exchange, recorded};
use super::spoken::Spoken;

/// Returns every turn that was sent back: its exchange's name, the body in which the client sends it
/// back, and the body in which the recorded program did.
pub(super) fn sent_back<S: Spoken>(provider: &str) -> Vec<(String, Value, Value)> {
    let all: Vec<Exchange> = recorded(provider).into_iter().filter(S::speaks).collect();
    let answered = all.iter().filter(|exchange| exchange.status == 200);
    let turns = answered.filter_map(|exchange| {
        let (name, number) = exchange.name.rsplit_once('#')?;
        let next = format!("{name}#{}", number.parse::<usize>().ok()? + 1);
        let next = all.iter().find(|exchange| exchange.name == next)?;
        let turn = Message::assistant(understood::<S>(exchange));
        let asked = ChatRequest::new("m", vec![turn]);
        let ours = S::wire().call(&asked, Delivery::Whole, &ToolNames::default()).body;
        Some((exchange.name.clone(), ours, next.sent()))
    });
    turns.collect()
}

/// Returns what the client makes of an exchange.
fn understood<S: Spoken>(exchange: &Exchange) -> ModelReply {
    let bytes = exchange.response.as_bytes();
    if !exchange.is_streamed() {
        return S::wire().reply(bytes, Answered::default()).unwrap().reply;
    }
    let mut decoder = S::wire().decoder(Answered::default());
    let mut events = decoder.feed(bytes).unwrap();
    if !matches!(events.last(), Some(ChatEvent::Finished(_))) {
        events.extend(decoder.finish().unwrap());
    }
    let Some(ChatEvent::Finished(reply)) = events.pop() else { panic!("{}", exchange.name) };
    reply.reply
}
