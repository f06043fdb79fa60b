//! JSON with surrogates that are not in pairs.
//!
//! A character above U+FFFF is escaped as two surrogates, such as `\ud83d\ude00`. Some servers cut a
//! stream's pieces between the two, and some models write one alone. Both are invalid in JSON and
//! have no place in a `String`. [`parse`] writes each as four noncharacters, which no text contains;
//! [`mend`] joins two that belong together, and replaces others by U+FFFD.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// The noncharacters that begin a high and a low surrogate; the 16 before them are its digits.
const HIGH: char = '\u{fde0}';
const LOW: char = '\u{fde1}';
const DIGIT: u32 = 0xfdd0;
/// The length of a marked surrogate in bytes: four characters of three bytes.
const MARK: usize = 12;

/// Parses JSON. Surrogates that are not in pairs are marked, for [`mend`]; invalid UTF-8 is replaced.
///
/// # Errors
///
/// The error of JSON that is invalid otherwise.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| {
        let text = String::from_utf8_lossy(bytes);
        let marked = mark(&text);
        // The error has the position in the text as it was received.
        serde_json::from_str(&marked).map_err(|_| error)
    })
}

/// Parses JSON in which surrogates that are not in pairs are replaced by U+FFFD.
///
/// # Errors
///
/// The error of JSON that is invalid otherwise.
pub(crate) fn parse_mended(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
        .or_else(|error| serde_json::from_str(&mend(&mark(text))).map_err(|_| error))
}

/// Marks the escaped surrogates of a JSON text that are not in pairs.
fn mark(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        marked.push_str(before);
        let pair = [escape.get(..6), escape.get(6..12)].map(|escape| escape.and_then(surrogate));
        let length = match pair {
            [Some(high), Some(low)] if is_high(high) && !is_high(low) => 12,
            [Some(lone), _] => {
                push_mark(&mut marked, lone);
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            // An escaped backslash does not begin an escape.
            [None, _] => escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end),
        };
        let (escape, after) = escape.split_at(length);
        marked.push_str(escape);
        rest = after;
    }
    marked + rest
}

/// Returns the surrogate that an escape such as `\ud83d` stands for.
fn surrogate(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix("\\u").filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
}

const fn is_high(surrogate: u32) -> bool {
    surrogate < 0xdc00
}

fn push_mark(text: &mut String, surrogate: u32) {
    text.push(if is_high(surrogate) { HIGH } else { LOW });
    let digits = [8, 4, 0].map(|shift| (surrogate & 0x3ff) >> shift & 0xf);
    text.extend(digits.iter().filter_map(|digit| char::from_u32(DIGIT + digit)));
}

/// Joins marked surrogates that belong together, and replaces others by U+FFFD.
pub(crate) fn mend(text: &str) -> Cow<'_, str> {
    if !text.contains([HIGH, LOW]) {
        return Cow::Borrowed(text);
    }
    let mut mended = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        mended.push(match next {
            HIGH => joined(digits(&mut rest), &mut rest),
            LOW => {
                digits(&mut rest);
                char::REPLACEMENT_CHARACTER
            }
            other => other,
        });
    }
    Cow::Owned(mended)
}

/// Returns the character of a high surrogate and the low one that may follow.
fn joined(high: u32, rest: &mut Peekable<Chars<'_>>) -> char {
    let low = rest.next_if_eq(&LOW).map(|_| digits(rest));
    let code = low.map(|low| 0x1_0000 + (high << 10) + low);
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn digits(rest: &mut Peekable<Chars<'_>>) -> u32 {
    let mut value = 0;
    for _ in 0..3 {
        let is_digit = |next: &char| (DIGIT..DIGIT + 16).contains(&u32::from(*next));
        value = value << 4 | rest.next_if(is_digit).map_or(0, |next| u32::from(next) - DIGIT);
    }
    value
}

/// Mends every text in a JSON value.
pub(crate) fn mend_value(value: &mut Value) {
    match value {
        Value::String(text) => mend_string(text),
        Value::Array(values) => values.iter_mut().for_each(mend_value),
        Value::Object(fields) => fields.values_mut().for_each(mend_value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Mends a text in place.
pub(crate) fn mend_string(text: &mut String) {
    if let Cow::Owned(mended) = mend(text) {
        *text = mended;
    }
}

/// Removes a high surrogate from the end of a piece, and returns it: the low one may come with the
/// next piece.
pub(crate) fn take_open_end(piece: &mut String) -> Option<String> {
    let at = piece.len().checked_sub(MARK)?;
    let is_open = piece.get(at..).is_some_and(|end| end.starts_with(HIGH));
    is_open.then(|| piece.split_off(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{mend, mend_value, parse, parse_mended, take_open_end};

    fn mended(text: &str) -> Value {
        let mut value = parse(text.as_bytes()).unwrap();
        mend_value(&mut value);
        value
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_are_kept() {
        assert_eq!(
            mended(r#"{"a": ["hi \ud83d", "\ude00 x"]}"#),
            json!({"a": ["hi \u{fffd}", "\u{fffd} x"]})
        );
        assert_eq!(mended(r#""\ud83d\ud83d\ude00\ud83d""#), json!("\u{fffd}😀\u{fffd}"));
        assert_eq!(
            mended(r#""\\ud83d \ud83d""#),
            json!("\\ud83d \u{fffd}"),
            "an escaped backslash"
        );
        assert_eq!(mended(r#""\u00e9\n\"\uD83D\uDE00""#), json!("é\n\"😀"));
        assert_eq!(parse_mended(r#"{"x": "\ud83d"}"#).unwrap(), json!({"x": "\u{fffd}"}));
        assert_eq!(mended("\"\u{fffd}\""), json!("\u{fffd}"));
        assert_eq!(parse(b"\"\xff\"").unwrap(), json!("\u{fffd}"));
        for invalid in [r#"{"x": "#, r#"{"x": "\ud83d"#, r#""\x""#, ""] {
            assert!(
                parse(invalid.as_bytes()).is_err() && parse_mended(invalid).is_err(),
                "{invalid}"
            );
        }
    }

    #[test]
    fn surrogates_are_joined_across_pieces() {
        let piece = |text: &str| parse(text.as_bytes()).unwrap().as_str().unwrap().to_owned();
        let (mut first, second) = (piece(r#""hi \ud83d""#), piece(r#""\ude00""#));
        assert_eq!(mend(&(first.clone() + &second)), "hi 😀");
        let open = take_open_end(&mut first).unwrap();
        assert_eq!((first.as_str(), mend(&(open + &second)).as_ref()), ("hi ", "😀"));
        assert_eq!(take_open_end(&mut "hi é and more text".to_owned()), None);
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "(\\\\u?|d83d|de00|\u{fde0}|\u{fde1}|\u{fdd3}|.{0,3}){0,12}") {
            let mut open = text.clone();
            take_open_end(&mut open);
            mend(&text);
            parse(format!("\"{text}\"").as_bytes()).ok();
        }
    }
}
