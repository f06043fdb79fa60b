//! Streamed replies.

use std::collections::HashSet;

use az_core::Usd;
use az_core::cost::{Charge, Usage};
use az_core::journal::{FinishReason, ModelReply, ToolCall};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::reply::ChatReply;
use crate::error::{Error, Result};
use crate::surrogates::{mend, mend_string, mend_value, parse_mended};

/// A streamed reply: deltas and reports of usage, then [`ChatEvent::Finished`], then the end of the stream.
pub type ChatStream = BoxStream<'static, Result<ChatEvent>>;

/// An event of a streamed reply.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    /// A piece of the text.
    TextDelta {
        /// The piece.
        text: String,
    },
    /// A piece of the reasoning.
    ReasoningDelta {
        /// The piece.
        text: String,
    },
    /// The start of a tool call. The call must not be executed before the reply is finished.
    CallStarted {
        /// The index of the call in the reply, from 0.
        index: usize,
        /// The provider's id of the call.
        id: String,
        /// The name of the tool.
        name: String,
    },
    /// A piece of the arguments of a started call.
    CallDelta {
        /// The index of the call in the reply.
        index: usize,
        /// The piece of JSON text.
        arguments: String,
    },
    /// What the reply costs so far, by the usage that the provider has reported. Replaces the one
    /// before. Output that may not be reported yet is estimated.
    UsageReported {
        /// The usage and the cost.
        charge: Box<Charge>,
    },
    /// The complete reply.
    Finished(Box<ChatReply>),
}

/// Folds the events of a streamed reply.
#[derive(Debug, Clone, Default)]
pub struct Assembler {
    text: String,
    reasoning: String,
    calls: Vec<PartialCall>,
}

#[derive(Debug, Clone, Default)]
struct PartialCall {
    id: String,
    name: String,
    arguments: String,
}

/// The fields of a reply that are known at its end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ending {
    /// The finish reason.
    pub finish: FinishReason,
    /// The finish reason in the provider's term.
    pub stop: String,
    /// The replay data, which the provider requires unchanged in the next request.
    pub replay: Option<Box<Value>>,
    /// The reported usage.
    pub usage: Option<Usage>,
    /// The reported cost.
    pub cost: Option<Usd>,
    /// The model that replied.
    pub model: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

impl Assembler {
    /// Adds an event. Pieces of calls that never started are ignored, as are reports of usage and
    /// `Finished`, which repeats the whole reply.
    pub fn add(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::TextDelta { text } => self.text.push_str(text),
            ChatEvent::ReasoningDelta { text } => self.reasoning.push_str(text),
            ChatEvent::CallStarted { id, name, .. } => self.calls.push(PartialCall {
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
            }),
            ChatEvent::CallDelta { index, arguments } => {
                if let Some(call) = self.calls.get_mut(*index) {
                    call.arguments.push_str(arguments);
                }
            }
            ChatEvent::UsageReported { .. } | ChatEvent::Finished(_) => {}
        }
    }

    /// Returns the number of started calls.
    pub const fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Returns the text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is no text, reasoning or call yet.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && self.calls.is_empty()
    }

    /// Returns the reply.
    pub fn finish(self, ending: Ending) -> ChatReply {
        // The last call of a reply that was cut off at its limit may be incomplete.
        let cut = ending.finish.is_cut();
        let last = self.calls.len().saturating_sub(1);
        let all = self.calls.len();
        let calls = self.calls.into_iter().enumerate().map(|(place, call)| ToolCall {
            id: call.id,
            name: call.name,
            arguments: match call.arguments {
                text if cut && place == last && text.trim().is_empty() => Value::String(text),
                text => parse_arguments(&text),
            },
        });
        let calls = without_duplicates(calls);
        let (mut text, mut reasoning) = (self.text, self.reasoning);
        [&mut text, &mut reasoning].into_iter().for_each(mend_string);
        // Replay data with a call that was sent twice contradicts the reply.
        let mut replay = ending.replay.filter(|_| calls.len() == all);
        replay.as_deref_mut().into_iter().for_each(mend_value);
        ChatReply {
            reply: ModelReply {
                text,
                reasoning,
                calls,
                finish: ending.finish,
                stop: ending.stop,
                cut: None,
                replay,
            },
            usage: ending.usage,
            cost: ending.cost,
            model: ending.model,
            request_id: ending.request_id,
            ..ChatReply::default()
        }
    }
}

/// Returns the calls without those that were sent twice: with the same id, name and arguments. Some
/// servers give different calls the same id, so that alone does not make them one.
fn without_duplicates(calls: impl Iterator<Item = ToolCall>) -> Vec<ToolCall> {
    let mut unique: Vec<ToolCall> = Vec::new();
    let mut ids = HashSet::new();
    for call in calls {
        let is_new = call.id.is_empty() || ids.insert(call.id.clone());
        if is_new || !unique.contains(&call) {
            unique.push(call);
        }
    }
    unique
}

/// Parses a call's arguments. `null` is no arguments. Text that is not a JSON object is kept as it is, so that the toolbox,
/// which has the schema, can report to the model what is wrong.
fn parse_arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    let text = mend(text);
    match parse_mended(&text) {
        Ok(value @ Value::Object(_)) => value,
        Ok(Value::Null) => Value::Object(serde_json::Map::new()),
        _ => Value::String(text.into_owned()),
    }
}

/// Reads a stream to its end, and calls `seen` with every event.
///
/// # Errors
///
/// The error of the stream; [`Error::Truncated`] when it ends before the reply is finished.
pub async fn collect(
    provider: &str,
    mut stream: ChatStream,
    mut seen: impl FnMut(&ChatEvent) + Send,
) -> Result<ChatReply> {
    while let Some(event) = stream.next().await {
        let event = event?;
        seen(&event);
        if let ChatEvent::Finished(reply) = event {
            return Ok(*reply);
        }
    }
    Err(Error::Truncated { provider: provider.to_owned() })
}

/// Returns a complete reply as a stream, word by word, for clients without streaming.
pub fn replay(reply: ChatReply) -> ChatStream {
    let mut events = Vec::new();
    if !reply.reply.reasoning.is_empty() {
        let text = reply.reply.reasoning.clone();
        events.push(ChatEvent::ReasoningDelta { text });
    }
    for word in reply.reply.text.split_inclusive(char::is_whitespace) {
        let text = word.to_owned();
        events.push(ChatEvent::TextDelta { text });
    }
    for (index, call) in reply.reply.calls.iter().enumerate() {
        events.push(ChatEvent::CallStarted { index, id: call.id.clone(), name: call.name.clone() });
        let arguments = match &call.arguments {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        events.push(ChatEvent::CallDelta { index, arguments });
    }
    events.push(ChatEvent::Finished(Box::new(reply)));
    stream::iter(events.into_iter().map(Ok)).boxed()
}

#[cfg(test)]
mod tests {
    use az_core::journal::{FinishReason, ModelReply};
    use futures_util::{StreamExt, stream};
    use serde_json::{Value, json};

    use super::{Assembler, ChatEvent, Ending, collect, replay};
    use crate::chat::ChatReply;
    use crate::error::Error;

    fn assembled(arguments: &str) -> Value {
        let mut assembler = Assembler::default();
        assembler.add(&ChatEvent::CallStarted {
            index: 0,
            id: "c".to_owned(),
            name: "t".to_owned(),
        });
        for piece in arguments.chars() {
            assembler.add(&ChatEvent::CallDelta { index: 0, arguments: piece.to_string() });
        }
        let reply = assembler.finish(Ending::default()).reply;
        reply.calls.into_iter().next().unwrap().arguments
    }

    #[test]
    fn arguments_are_an_object_or_the_text_that_the_model_wrote() {
        assert_eq!(assembled(""), json!({}));
        assert_eq!(assembled(r#"{"path": "é"}"#), json!({"path": "é"}));
        assert_eq!(assembled(r#"{"path": "#), json!(r#"{"path": "#));
        assert_eq!(assembled("[1]"), json!("[1]"));
        assert_eq!(assembled("null"), json!({}));
        assert_eq!(assembled(r#"{"x": "\ud83d"}"#), json!({"x": "\u{fffd}"}));
    }

    /// Some servers send a call twice, and some give different calls the same id.
    #[test]
    fn a_call_that_was_sent_twice_is_one() {
        let calls = |calls: &[(&str, &str)]| {
            let mut assembler = Assembler::default();
            for (index, (id, arguments)) in calls.iter().enumerate() {
                let (id, name) = ((*id).to_owned(), "t".to_owned());
                assembler.add(&ChatEvent::CallStarted { index, id, name });
                let arguments = (*arguments).to_owned();
                assembler.add(&ChatEvent::CallDelta { index, arguments });
            }
            let replay = Some(Box::new(json!("kept")));
            let reply = assembler.finish(Ending { replay, ..Ending::default() }).reply;
            (reply.calls.len(), reply.replay.is_some())
        };
        let (one, two) = ("{\"x\": 1}", "{\"x\": 2}");
        assert_eq!(calls(&[("a", one), ("a", one)]), (1, false));
        assert_eq!(calls(&[("a", one), ("a", two), ("a", one)]), (2, false));
        assert_eq!(calls(&[("a", one), ("b", one)]), (2, true));
        assert_eq!(calls(&[("", one), ("", one)]), (2, true));
    }

    #[test]
    fn an_incomplete_call_is_not_read_as_one_without_arguments() {
        let finish = |finish: FinishReason| {
            let mut assembler = Assembler::default();
            for index in 0..2 {
                let (id, name) = (String::new(), "t".to_owned());
                assembler.add(&ChatEvent::CallStarted { index, id, name });
            }
            let ending = Ending { finish, ..Ending::default() };
            let calls = assembler.finish(ending).reply.calls.into_iter();
            calls.map(|call| call.arguments).collect::<Vec<_>>()
        };
        assert_eq!(finish(FinishReason::ToolCalls), [json!({}), json!({})]);
        assert_eq!(finish(FinishReason::Length), [json!({}), json!("")]);
    }

    #[tokio::test]
    async fn a_replayed_reply_adds_up_to_itself() {
        let reply = ChatReply {
            reply: ModelReply {
                text: "two  words\nand a line".to_owned(),
                reasoning: "hm".to_owned(),
                ..ModelReply::default()
            }
            .with_call("a.b", json!({"x": 1}))
            .with_call("a.c", json!("not json")),
            ..ChatReply::default()
        };
        let mut assembler = Assembler::default();
        let collected = collect("p", replay(reply.clone()), |event| assembler.add(event)).await;
        assert_eq!(collected.unwrap(), reply);
        assert_eq!(assembler.finish(Ending::default()), reply);
    }

    #[tokio::test]
    async fn a_stream_that_ends_early_is_truncated() {
        let text = "half".to_owned();
        let cut = stream::iter([Ok(ChatEvent::TextDelta { text })]).boxed();
        let error = collect("p", cut, |_| {}).await.unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "{error}");
    }
}
