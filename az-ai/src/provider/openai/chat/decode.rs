//! Decodes responses. Compatible servers omit, add and rename fields, so only necessary fields are
//! required.

use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::FinishReason;
use serde_json::{Value, json};

use super::usage::{cost, usage};
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::{Refusal, Result};
use crate::provider::finish::{self, CHAT_COMPLETIONS};
use crate::provider::openai::error;
use crate::provider::wire::Answered;

/// The key of reasoning that must be sent back unchanged.
pub(super) const DETAILS: &str = "reasoning_details";

/// Decodes a complete response.
pub(crate) fn reply(body: &[u8], answered: Answered) -> Result<ChatReply> {
    let json = answered.json(body)?;
    if let Some(refusal) = error::inside(&answered.provider, &json) {
        return Err(answered.refused(refusal));
    }
    let choice = choices(&json).next();
    let choice = choice.ok_or_else(|| answered.malformed("it has no choices"))?;
    // Some servers have an empty delta beside the message, or the other way round.
    let parts = ["message", "delta"].map(|part| choice.get(part).unwrap_or(&Value::Null));
    let has_content = |part: &&&Value| !said(part).is_empty() || tool_calls(part).count() > 0;
    let message = parts.iter().find(has_content).or(parts.first()).copied().unwrap_or(&Value::Null);
    let mut assembler = Assembler::default();
    for event in said(message) {
        assembler.add(&event);
    }
    for (index, call) in tool_calls(message).enumerate() {
        let Some(name) = call.name.filter(|name| !name.is_empty()) else {
            return Err(answered.malformed("a tool call has no name"));
        };
        assembler.add(&ChatEvent::CallStarted {
            index,
            id: id_or_place(call.id, index),
            name: answered.names.inward(name),
        });
        let arguments = call.arguments;
        assembler.add(&ChatEvent::CallDelta { index, arguments });
    }
    let mut facts = Facts::default();
    facts.note(&json);
    facts.note_choice(choice);
    facts.details = message.get(DETAILS).and_then(Value::as_array).cloned();
    facts.finish(assembler, answered)
}

/// Returns the first choice, if any; others are ignored.
pub(super) fn choices(json: &Value) -> impl Iterator<Item = &Value> {
    let all = json.get("choices").and_then(Value::as_array);
    let first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
    all.into_iter().flatten().filter(first).take(1)
}

/// Returns the text and the reasoning of a message or a delta.
pub(super) fn said(message: &Value) -> Vec<ChatEvent> {
    let mut events = Vec::new();
    let text_of = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut reasoning = match text_of("reasoning_content") {
        "" => text_of("reasoning").to_owned(),
        text => text.to_owned(),
    };
    let mut text = text_of("content").to_owned();
    for part in message.get("content").and_then(Value::as_array).into_iter().flatten() {
        match part.get("thinking") {
            Some(thought) => reasoning.push_str(&part_text(thought)),
            None => text.push_str(&part_text(part)),
        }
    }
    // A refusal takes the place of the text; some servers send both, with the same content.
    if text.is_empty() {
        text.push_str(text_of("refusal"));
    }
    if !reasoning.is_empty() {
        events.push(ChatEvent::ReasoningDelta { text: reasoning });
    }
    if !text.is_empty() {
        events.push(ChatEvent::TextDelta { text });
    }
    events
}

fn part_text(part: &Value) -> String {
    match part {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(part_text).collect(),
        Value::Object(fields) => fields.get("text").map(part_text).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// A tool call, or a piece of one.
#[derive(Debug)]
pub(super) struct WireCall<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) arguments: String,
}

/// Returns the tool calls of a message or a delta.
pub(super) fn tool_calls(message: &Value) -> impl Iterator<Item = WireCall<'_>> {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    calls.into_iter().flatten().map(|call| {
        let function = call.get("function").unwrap_or(&Value::Null);
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(object @ Value::Object(_)) => object.to_string(),
            _ => String::new(),
        };
        WireCall {
            index: call.get("index").and_then(Value::as_u64),
            id: call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()),
            name: function.get("name").and_then(Value::as_str),
            arguments,
        }
    })
}

/// Returns the call's id, or one made of its index, because results are matched by id.
pub(in crate::provider) fn id_or_place(id: Option<&str>, index: usize) -> String {
    id.map_or_else(|| format!("call_{index}"), str::to_owned)
}

/// The fields of a reply besides its content.
#[derive(Debug, Default)]
pub(super) struct Facts {
    model: Option<String>,
    id: Option<String>,
    tier: Option<String>,
    usage: Option<(Usage, Option<Usd>)>,
    /// The finish reason, and the provider's term.
    pub(super) ended: Option<(FinishReason, String)>,
    pub(super) details: Option<Vec<Value>>,
}

impl Facts {
    /// Records fields of a response or a chunk; later values replace earlier ones.
    pub(super) fn note(&mut self, json: &Value) {
        let text = |name: &str| {
            let text = json.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        self.model = text("model").or(self.model.take());
        self.id = text("id").or(self.id.take());
        self.tier = text("service_tier").or(self.tier.take());
        let elsewhere = json.get("x_groq").and_then(|extra| extra.get("usage"));
        for said in [elsewhere, json.get("usage")].into_iter().flatten() {
            if let Some(used) = usage(said) {
                self.usage = Some((used, cost(said)));
            }
        }
    }

    /// Records the finish reason.
    pub(super) fn note_choice(&mut self, choice: &Value) {
        let word = |name: &str| choice.get(name).and_then(Value::as_str);
        // A router may report tool calls although the reply was cut off within one.
        let native = word("native_finish_reason").and_then(|word| Some((finish::cut(word)?, word)));
        let own = || word("finish_reason").map(|word| (CHAT_COMPLETIONS.reason_or_cut(word), word));
        let ended = native.or_else(own);
        self.ended = ended.map(|(reason, word)| (reason, word.to_owned())).or(self.ended.take());
    }

    /// Returns the complete reply.
    pub(super) fn finish(self, assembler: Assembler, answered: Answered) -> Result<ChatReply> {
        let (finish, stop) = self.ended.unwrap_or_default();
        match finish {
            // Also in the middle: a partial reply is an error, and its calls are not executed.
            FinishReason::ContentFilter => {
                let refusal = error::withheld(&answered.provider, assembler.text());
                return Err(Refusal { request_id: answered.request_id, ..refusal }.into());
            }
            FinishReason::Error => {
                return Err(answered.malformed(format!("it ended with an error ({stop})")));
            }
            _ => {}
        }
        let (usage, cost) = self.usage.map_or((None, None), |(mut usage, cost)| {
            usage.service_tier = usage.service_tier.or(self.tier);
            (Some(usage), cost)
        });
        let details = self.details.filter(|details| !details.is_empty());
        Ok(assembler.finish(Ending {
            finish,
            stop,
            replay: details.map(|details| Box::new(json!({ DETAILS: details }))),
            usage,
            cost,
            model: self.model.unwrap_or(answered.model),
            request_id: answered.request_id.or(self.id),
        }))
    }
}

#[cfg(test)]
mod tests {
    use az_core::ErrorKind;
    use az_core::cost::Usage;
    use az_core::journal::{FinishReason, ModelReply};
    use serde_json::{Value, json};

    use super::{Answered, reply};
    use crate::chat::ChatReply;
    use crate::error::{Error, Result};
    use crate::provider::trial::answered;

    fn decode(json: &Value) -> Result<ChatReply> {
        reply(json.to_string().as_bytes(), answered(None))
    }

    #[test]
    fn a_reply_is_decoded_completely() {
        let json = json!({
            "id": "r1", "model": "m-1", "object": "chat.completion", "service_tier": "flex",
            "choices": [
                {"index": 1, "message": {"content": "not mine"}},
                {"index": 0, "finish_reason": "tool_calls", "message": {
                    "role": "assistant", "content": null, "reasoning_content": "hm",
                    "tool_calls": [
                        {"id": "a", "function": {"name": "filesystem_read", "arguments": "{\"path\":\"x\"}"}},
                        {"function": {"name": "filesystem_read", "arguments": {"path": "y"}}},
                        {"id": "c", "function": {"name": "nope", "arguments": "{\"pa"}},
                    ],
                }},
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3},
        });
        let mut expected = ModelReply {
            reasoning: "hm".to_owned(),
            finish: FinishReason::ToolCalls,
            stop: "tool_calls".to_owned(),
            ..ModelReply::default()
        }
        .with_call("filesystem.read", json!({"path": "x"}))
        .with_call("filesystem.read", json!({"path": "y"}))
        .with_call("nope", json!("{\"pa"));
        expected.calls[0].id = "a".to_owned();
        expected.calls[2].id = "c".to_owned();
        let usage = Usage { service_tier: Some("flex".to_owned()), ..Usage::tokens(10, 3) };
        assert_eq!(
            decode(&json).unwrap(),
            ChatReply {
                reply: expected,
                usage: Some(usage),
                model: "m-1".to_owned(),
                request_id: Some("r1".to_owned()),
                ..ChatReply::default()
            }
        );
    }

    #[test]
    fn text_may_be_in_parts_or_a_refusal_and_usage_may_be_missing() {
        let said = |message: Value| {
            let reply = decode(&json!({"choices": [{"message": message}]})).unwrap();
            assert_eq!((reply.usage, reply.model.as_str()), (None, "asked"));
            (reply.reply.reasoning, reply.reply.text)
        };
        let parts = json!([
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "yes"},
        ]);
        let both = ("hm".to_owned(), "yes".to_owned());
        assert_eq!(said(json!({"content": parts})), both);
        assert_eq!(said(json!({"content": "yes", "reasoning": "hm"})), both);
        let no = (String::new(), "no".to_owned());
        assert_eq!(said(json!({"content": null, "refusal": "no"})), no);
    }

    #[test]
    fn a_delta_beside_the_message_does_not_hide_it() {
        let text = |choice: Value| decode(&json!({"choices": [choice]})).unwrap().reply.text;
        let (empty, said) = (json!({"role": "assistant", "content": ""}), json!({"content": "hi"}));
        assert_eq!(text(json!({"message": said, "delta": empty})), "hi");
        assert_eq!(text(json!({"message": empty, "delta": said})), "hi");
        assert_eq!(text(json!({"message": said, "delta": said})), "hi");
    }

    #[test]
    fn an_invalid_reply_is_an_error() {
        let kind = |json| decode(&json).unwrap_err().kind();
        assert_eq!(kind(json!({})), ErrorKind::Protocol);
        assert_eq!(kind(json!({"choices": []})), ErrorKind::Protocol);
        let nameless = json!({"tool_calls": [{"id": "x", "function": {}}]});
        assert_eq!(kind(json!({"choices": [{"message": nameless}]})), ErrorKind::Protocol);
        assert_eq!(
            kind(json!({"error": {"message": "busy", "code": 503}})),
            ErrorKind::Unavailable
        );
        let withheld = json!({"finish_reason": "content_filter", "message": {"content": ""}});
        assert_eq!(kind(json!({"choices": [withheld]})), ErrorKind::ContentPolicy);
        let garbage = reply(b"{\"choices\"", Answered::default());
        assert!(matches!(garbage, Err(Error::Malformed { .. })));
    }
}
