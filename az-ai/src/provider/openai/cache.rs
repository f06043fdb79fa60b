//! Keys and marks for the provider's cache.

use az_core::digest::sha256_hex;
use serde_json::{Map, Value, json};

use super::dialect::{CacheKey, Dialect};
use crate::chat::CacheHints;

/// The longest key that OpenAI accepts, in bytes.
const LONGEST_KEY: usize = 64;

/// The most marks of a request: it can write four prefixes to the cache, one of which the provider
/// chooses itself.
const MOST_MARKS: usize = 3;

/// Returns a key as providers accept it: a digest in place of a longer one.
pub(super) fn cache_key(key: &str) -> String {
    if key.len() <= LONGEST_KEY {
        return key.to_owned();
    }
    sha256_hex(key)
}

/// Adds the key of the conversation to a body.
pub(super) fn add_key(body: &mut Map<String, Value>, hints: &CacheHints, field: Option<&str>) {
    if let (Some(key), Some(field)) = (&hints.key, field) {
        body.insert(field.to_owned(), json!(cache_key(key)));
    }
}

/// Returns the field for the key in a body of chat completions.
pub(super) const fn chat_field(dialect: Dialect) -> Option<&'static str> {
    match dialect.cache_key {
        CacheKey::PromptCacheKey => Some("prompt_cache_key"),
        CacheKey::SessionId => Some("session_id"),
        CacheKey::None | CacheKey::GrokConversation => None,
    }
}

/// Returns the field for the key in a body of Responses.
pub(super) const fn responses_field(dialect: Dialect) -> Option<&'static str> {
    match dialect.cache_key {
        CacheKey::PromptCacheKey | CacheKey::GrokConversation => Some("prompt_cache_key"),
        CacheKey::SessionId => Some("session_id"),
        CacheKey::None => None,
    }
}

/// Returns which messages get a mark, as indexes: the last ones before the latest boundaries.
pub(super) fn marked(hints: &CacheHints) -> Vec<usize> {
    let ends = hints.boundaries.iter().rev().filter_map(|end| end.checked_sub(1));
    let mut marked: Vec<_> = ends.take(MOST_MARKS).collect();
    // The first boundary ends what stays for the whole conversation.
    if let (Some(first), true) = (hints.boundaries.first(), hints.boundaries.len() > MOST_MARKS) {
        marked.pop();
        marked.extend(first.checked_sub(1));
    }
    marked
}

/// Returns the content of a message as a list of parts, the last of which is marked if `is_marked`.
///
/// All messages of a request have this form, so that a message does not change when its mark goes.
pub(super) fn parts(content: Value, text_type: &str, is_marked: bool) -> Value {
    let mut parts = match content {
        Value::String(text) => vec![json!({"type": text_type, "text": text})],
        Value::Array(parts) => parts,
        other => return other,
    };
    if let (true, Some(Value::Object(last))) = (is_marked, parts.last_mut()) {
        last.insert("prompt_cache_breakpoint".to_owned(), json!({"mode": "explicit"}));
    }
    Value::Array(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{cache_key, marked};
    use crate::chat::{CacheHints, ChatRequest, Message};
    use crate::provider::openai::{Dialect, Interface, OpenAi};
    use crate::provider::tool_names::ToolNames;
    use crate::provider::wire::{Delivery, Wire, WireRequest};

    fn sent(dialect: Dialect, model: &str) -> WireRequest {
        let messages = vec![
            Message::system("s"),
            Message::user("task"),
            Message::assistant(az_core::journal::ModelReply::text("hm")),
            Message::user("go on"),
        ];
        let hints = CacheHints::of("t1").with_boundaries(vec![1, 2, 4]);
        let request = ChatRequest::new(model, messages).with_cache(hints);
        OpenAi::new(dialect).call(&request, Delivery::Whole, &ToolNames::default())
    }

    #[test]
    fn each_provider_gets_the_key_in_its_own_form() {
        let responses = |dialect: Dialect| dialect.with_interface(Interface::Responses);
        for (dialect, field, header) in [
            (Dialect::OPENAI, Some("prompt_cache_key"), false),
            (Dialect::MISTRAL, Some("prompt_cache_key"), false),
            (Dialect::OPENROUTER, Some("session_id"), false),
            (Dialect::XAI, None, true),
            (responses(Dialect::XAI), Some("prompt_cache_key"), false),
            (responses(Dialect::OPENAI), Some("prompt_cache_key"), false),
            (Dialect::DEEPSEEK, None, false),
            (Dialect::COMPATIBLE, None, false),
        ] {
            let sent = sent(dialect, "m");
            let has = |name: &&str| sent.body.get(name).is_some();
            let fields: Vec<_> =
                ["prompt_cache_key", "session_id"].into_iter().filter(has).collect();
            assert_eq!(fields, Vec::from_iter(field), "{dialect:?}");
            let headers = [("x-grok-conv-id", "t1".to_owned())];
            assert_eq!(sent.headers, if header { headers.to_vec() } else { vec![] }, "{dialect:?}");
        }
    }

    #[test]
    fn newer_models_get_marks_and_others_the_same_body_as_without_hints() {
        let mark = json!({"mode": "explicit"});
        let content = |body: &Value, place: usize| body["messages"][place]["content"].clone();
        let body = sent(Dialect::OPENAI, "gpt-5.6-terra").body;
        let part =
            |text: &str| json!([{"type": "text", "text": text, "prompt_cache_breakpoint": mark}]);
        let contents: Vec<_> = (0..4).map(|place| content(&body, place)).collect();
        assert_eq!(contents, [part("s"), part("task"), json!("hm"), part("go on")]);
        for (dialect, model) in [(Dialect::OPENAI, "gpt-5.5"), (Dialect::COMPATIBLE, "gpt-5.6")] {
            let body = sent(dialect, model).body;
            let contents: Vec<_> = (0..4).map(|place| content(&body, place)).collect();
            assert_eq!(contents, ["s", "task", "hm", "go on"], "{model}");
        }
        let responses = Dialect::OPENAI.with_interface(Interface::Responses);
        let input = sent(responses, "gpt-5.6").body["input"].take();
        assert_eq!(input[0]["content"][0]["prompt_cache_breakpoint"], mark);
    }

    #[test]
    fn the_first_boundary_and_the_latest_ones_are_marked() {
        let marks = |boundaries: &[usize]| {
            marked(&CacheHints::default().with_boundaries(boundaries.to_vec()))
        };
        assert_eq!(marks(&[1, 3, 9, 12]), [11, 8, 0]);
        assert_eq!(marks(&[1, 3, 12]), [11, 2, 0]);
        assert_eq!(marks(&[0, 4]), [3]);
        assert_eq!(marks(&[]), [0; 0]);
    }

    #[test]
    fn a_long_key_is_replaced_by_its_digest() {
        assert_eq!(cache_key("t1"), "t1");
        let long = cache_key(&"t".repeat(65));
        assert_eq!(long.len(), 64);
        assert_ne!(long, cache_key(&"t".repeat(66)));
    }
}
