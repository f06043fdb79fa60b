//! Reads recordings.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::format::{Exchange, FORMAT, Header, Outcome, VERSION};
use super::piece;
use crate::json_lines;

/// Reads a recording.
///
/// # Errors
///
/// A message with the first invalid line, and what to do about it.
pub(super) fn recording(text: &str) -> Result<(Header, Vec<Exchange>), String> {
    let mut lines = json_lines::told(text).peekable();
    let Some((number, first)) = lines.next() else {
        return Err("it is empty: nothing was recorded".to_owned());
    };
    let header = header(first).map_err(|reason| format!("line {number}: {reason}"))?;
    let mut exchanges = Vec::new();
    while let Some((number, line)) = lines.next() {
        let at = |reason: String| format!("line {number}: {reason}; correct or remove it");
        let json: Value = match serde_json::from_str(line) {
            Ok(json) => json,
            // The recording process was killed while it wrote the line.
            Err(error) if error.is_eof() && lines.peek().is_none() && !text.ends_with('\n') => {
                tracing::warn!(line = number, "the last line of the recording is cut off");
                break;
            }
            Err(error) => return Err(at(error.to_string())),
        };
        // Two processes that began the same recording at once have both written the header.
        if json.get("format").is_none() {
            let exchange = parse(json).map_err(at)?;
            check(&exchange).map_err(at)?;
            exchanges.push(exchange);
        }
    }
    Ok((header, exchanges))
}

/// Reads the first line of a recording.
///
/// # Errors
///
/// A message: the line is not a header, or has another version.
pub(super) fn header(line: &str) -> Result<Header, String> {
    let json: Value = serde_json::from_str(line).unwrap_or_default();
    if json.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(format!(
            "not a recording; the first line must begin with {{\"format\":\"{FORMAT}\"…"
        ));
    }
    match json.get("version").and_then(Value::as_u64) {
        Some(version) if (1..=u64::from(VERSION)).contains(&version) => parse(json),
        Some(version) => Err(format!(
            "the recording has version {version}, and this program reads versions 1 to {VERSION}; \
             record it again, or use a newer az"
        )),
        None => Err("the recording has no version".to_owned()),
    }
}

fn parse<T: DeserializeOwned>(json: Value) -> Result<T, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn check(exchange: &Exchange) -> Result<(), String> {
    match &exchange.outcome {
        Outcome::Replied(replied)
            if !exchange.pieces.is_empty() && !piece::add_up(&exchange.pieces, replied) =>
        {
            Err("the pieces do not add up to the reply".to_owned())
        }
        Outcome::Replied(_) | Outcome::Failed(_) | Outcome::Dropped => Ok(()),
    }
}
