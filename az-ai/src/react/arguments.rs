//! Shortens the arguments of earlier calls in the conversation that the model sees.

use std::iter;

use az_core::journal::ModelReply;
use az_core::text::{Excerpt, json_size, plural};
use serde_json::{Map, Value};

/// The smallest size to which a text is shortened, in bytes.
const LEAST: usize = 32;

/// The key of arguments that cannot be shortened text by text.
const ALL: &str = "shortened";

/// Returns a reply in which the arguments of each call have about as many bytes as `longest` returns for
/// its place at most, as JSON. The journal has all of them, and the calls were made with all of them.
pub(super) fn with_short_arguments(
    mut reply: ModelReply,
    longest: impl Fn(usize) -> usize,
) -> ModelReply {
    for (place, call) in reply.calls.iter_mut().enumerate() {
        let longest = longest(place);
        if is_longer(&call.arguments, longest) {
            call.arguments = shortened(&call.arguments, longest);
            // The replay data has the arguments too.
            reply.replay = None;
        }
    }
    reply
}

/// Shortens the texts in a value equally, so that names and short values stay; where that is not enough,
/// the value as a whole.
fn shortened(arguments: &Value, longest: usize) -> Value {
    let sizes = iter::successors(Some(longest), |size| Some(size / 2));
    let mut tried =
        sizes.take_while(|size| *size >= LEAST).map(|size| with_short_texts(arguments, size));
    // The marks come on top.
    let short = tried.find(|short| !is_longer(short, longest.saturating_mul(2)));
    short.unwrap_or_else(|| {
        let json = arguments.to_string();
        Value::Object(Map::from_iter([(ALL.to_owned(), Value::String(excerpt(&json, longest)))]))
    })
}

fn with_short_texts(value: &Value, longest: usize) -> Value {
    match value {
        Value::String(text) => Value::String(excerpt(text, longest)),
        Value::Array(items) => items.iter().map(|item| with_short_texts(item, longest)).collect(),
        Value::Object(fields) => {
            let short = |value| with_short_texts(value, longest);
            fields.iter().map(|(name, value)| (name.clone(), short(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Returns a text with its middle replaced by a mark, if it is longer.
fn excerpt(text: &str, longest: usize) -> String {
    let Excerpt { head, tail, omitted } = Excerpt::of(text, longest);
    match omitted {
        0 => head,
        _ => {
            let bytes = plural(omitted, "byte");
            format!("{head}\n[… {bytes} of this argument left out here, not in the call …]\n{tail}")
        }
    }
}

fn is_longer(value: &Value, bytes: usize) -> bool {
    usize::try_from(json_size(value)).is_ok_and(|size| size > bytes)
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;
    use serde_json::{Value, json};

    use super::with_short_arguments;

    fn shortened(arguments: Value, longest: usize) -> Value {
        let reply = ModelReply::default().with_call("t", arguments);
        with_short_arguments(reply, |_| longest).calls.remove(0).arguments
    }

    #[test]
    fn long_texts_are_shortened_and_short_values_stay() {
        let whole = json!({"path": "a", "content": "x".repeat(1_000), "append": true});
        assert_eq!(shortened(whole.clone(), 1_100), whole);
        let mark = "[… 700 bytes of this argument left out here, not in the call …]";
        let content = format!("{}\n{mark}\n{}", "x".repeat(200), "x".repeat(100));
        let expected = json!({"path": "a", "content": content, "append": true});
        assert_eq!(shortened(whole, 300), expected);
        let text = shortened(json!("{\"path\": ".repeat(100)), 300);
        assert!(text.as_str().is_some_and(|text| text.contains("600 bytes")), "{text}");
    }

    #[test]
    fn many_values_are_shortened_as_one_text() {
        let texts: Vec<String> = (0..5).map(|i| i.to_string().repeat(1_000)).collect();
        let text = shortened(json!({ "texts": texts }), 400).to_string();
        assert!((300..900).contains(&text.len()) && text.contains("\"texts\":["), "{text}");
        let numbers: Vec<u32> = (0..10_000).collect();
        let short = shortened(json!({ "numbers": numbers }), 400);
        let text = short["shortened"].as_str().unwrap();
        assert!(text.starts_with("{\"numbers\":[0,1,2") && text.len() < 500, "{text}");
    }

    #[test]
    fn replay_data_of_shortened_calls_is_dropped() {
        let reply = |text: &str| {
            let replay = Some(Box::new(json!({"anthropic": [text]})));
            ModelReply { replay, ..ModelReply::default() }.with_call("t", json!({ "x": text }))
        };
        assert_eq!(with_short_arguments(reply("a"), |_| 100), reply("a"));
        assert_eq!(with_short_arguments(reply(&"a".repeat(200)), |_| 100).replay, None);
    }
}
