//! The forms in which a secret may appear in a text.

use std::collections::BTreeSet;

use az_core::digest::hex;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The shortest part of an encoded secret that is searched for, in bytes.
const SHORTEST: usize = 8;
/// The shortest line of a secret of several lines that is searched for by itself, in bytes.
const SHORTEST_LINE: usize = 20;

/// Returns the forms of a secret: as it is, in base64 wherever it begins in the encoded text, in
/// hexadecimal digits, encoded for URLs, and escaped for JSON. Of one with several lines, such as a private
/// key, also each line that is no heading: programs print lines with something before them.
pub(super) fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([secret.to_owned()]);
    for before in 0..3 {
        forms.extend(base64(&STANDARD_NO_PAD, secret, before));
        forms.extend(base64(&URL_SAFE_NO_PAD, secret, before));
    }
    let hex = hex(secret.as_bytes());
    forms.insert(hex.to_ascii_uppercase());
    forms.insert(hex);
    // Encoders differ in which characters they leave, and in the case of digits.
    for leaves in ["-_.~", "-_.*", "-_.!~*'()", ""] {
        let url = url_encoded(secret, leaves);
        forms.insert(url.replace("%20", "+"));
        forms.insert(lowercase_digits(&url));
        forms.insert(url);
    }
    let json = serde_json::Value::from(secret).to_string();
    forms.insert(json.trim_matches('"').to_owned());
    forms.insert(json.trim_matches('"').replace('/', "\\/"));
    // Encoders escape what is not ASCII, or everything.
    for uppercase in [false, true] {
        let ascii = json_escaped(json.trim_matches('"'), |unit| unit > 0x7f, uppercase);
        forms.insert(ascii.replace('/', "\\/"));
        forms.insert(ascii);
        forms.insert(json_escaped(secret, |_| true, uppercase));
    }
    let is_one_word = |line: &&str| !line.contains(char::is_whitespace) && !line.starts_with("--");
    let lines = secret.lines().map(str::trim).filter(is_one_word);
    forms.extend(lines.filter(|line| line.len() >= SHORTEST_LINE).map(str::to_owned));
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Returns the part of the base64 text of a secret that does not depend on what stands around it, if
/// this many bytes (modulo 3) stand before it.
fn base64(engine: &impl Engine, secret: &str, before: usize) -> Option<String> {
    let text = engine.encode([&vec![0; before], secret.as_bytes()].concat());
    // A digit has 6 bits: the first ones also have bits of what is before, the last one of what follows.
    let start = (before * 8).div_ceil(6);
    let end = (before + secret.len()) * 8 / 6;
    text.get(start..end).map(str::to_owned)
}

/// Returns a text with some of its UTF-16 code units escaped as JSON has them, such as `\u0041`. Those that stay
/// have to be ASCII.
fn json_escaped(text: &str, escapes: impl Fn(u16) -> bool, uppercase: bool) -> String {
    text.encode_utf16().fold(String::new(), |mut escaped, unit| {
        match u8::try_from(unit) {
            Ok(byte) if !escapes(unit) => escaped.push(char::from(byte)),
            _ if uppercase => escaped.push_str(&format!("\\u{unit:04X}")),
            _ => escaped.push_str(&format!("\\u{unit:04x}")),
        }
        escaped
    })
}

fn url_encoded(secret: &str, leaves: &str) -> String {
    secret.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || leaves.contains(char::from(byte)) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
        url
    })
}

fn lowercase_digits(url: &str) -> String {
    let mut digits: usize = 0;
    let lower = url.chars().map(|char| {
        let is_digit = digits > 0;
        digits = if char == '%' { 2 } else { digits.saturating_sub(1) };
        if is_digit { char.to_ascii_lowercase() } else { char }
    });
    lower.collect()
}
