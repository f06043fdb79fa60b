//! Values as JSON text that can be read back.

use std::fmt;

use az_core::error::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, unreadable};

/// The deepest nesting of a value. Far more than real values need, and little enough for any
/// thread's stack.
const DEEPEST: usize = 192;

/// Writes a value as text.
pub(super) fn write<T: Serialize + ?Sized>(field: &'static str, value: &T) -> Result<String> {
    let refused = |reason: &dyn fmt::Display| Error::invalid(field, reason.to_string());
    let text = serde_json::to_string(value).map_err(|error| refused(&error))?;
    if depth(&text) > DEEPEST {
        return Err(refused(&format!("must be nested at most {DEEPEST} levels deep")).into());
    }
    Ok(text)
}

/// Reads the output of [`write()`]. Deeper nesting, as in a damaged row, could exhaust the stack and
/// is refused before it is parsed.
pub(super) fn read<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    if depth(text) > DEEPEST {
        let reason = format!("it is nested more than {DEEPEST} levels deep");
        return Err(unreadable(what, reason));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    // The default limit of the library, 128 levels, is lower.
    json.disable_recursion_limit();
    let value = T::deserialize(&mut json).map_err(|error| unreadable(what, error))?;
    json.end().map_err(|error| unreadable(what, error))?;
    Ok(value)
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{DEEPEST, depth, read, write};

    #[test]
    fn depth_counts_brackets_outside_of_text_only() {
        for (value, expect) in [
            (json!(1), 0),
            (json!({"a": [1, {"b": []}]}), 4),
            (json!("[[[\"[["), 0),
            (json!({"\\\"[": "\\"}), 1),
        ] {
            assert_eq!(depth(&value.to_string()), expect, "{value}");
        }
    }

    #[test]
    fn what_is_let_in_comes_out_and_the_rest_is_refused() {
        let nested = |levels| (0..levels).fold(json!(0.1 + 0.2), |inner, _| json!([inner]));
        let deepest = nested(DEEPEST);
        let text = write("state", &deepest).unwrap();
        assert_eq!(read::<Value>("state", &text).unwrap(), deepest);
        let deeper = nested(DEEPEST + 1);
        assert!(write("state", &deeper).is_err());
        let error = read::<Value>("state", &deeper.to_string()).unwrap_err().to_string();
        let expected = "stored state cannot be read: it is nested more than 192 levels deep";
        assert_eq!(error, expected);
    }
}
