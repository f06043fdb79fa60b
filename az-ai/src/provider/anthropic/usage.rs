//! Decodes usage.

use az_core::cost::Usage;
use serde_json::{Map, Value};

use crate::provider::reported::ReportedUsage;

/// Decodes a usage object; `None` when it contains no counts.
///
/// Its `input_tokens` exclude cache reads and writes. If the breakdown of cache writes by lifetime
/// is less than their sum, the rest has the default lifetime of five minutes.
///
/// Source: the Messages API's reference, "usage".
pub fn usage(json: &Value) -> Option<Usage> {
    let count = |path: &str| json.pointer(path).and_then(Value::as_u64);
    let (input, output) = (count("/input_tokens"), count("/output_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let word = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let written = count("/cache_creation_input_tokens").unwrap_or(0);
    let hour = count("/cache_creation/ephemeral_1h_input_tokens").unwrap_or(0);
    let reasoning = count("/output_tokens_details/thinking_tokens");
    let minutes = count("/cache_creation/ephemeral_5m_input_tokens").unwrap_or(0);
    let (output, reasoning) = (output.unwrap_or(0), reasoning.unwrap_or(0));
    // More thinking than output means that the output was counted without it.
    let output = if reasoning > output { output.saturating_add(reasoning) } else { output };
    Some(Usage {
        input: input.unwrap_or(0),
        output,
        cache_read: count("/cache_read_input_tokens").unwrap_or(0),
        cache_write_5m: minutes.max(written.saturating_sub(hour)),
        cache_write_1h: hour,
        reasoning,
        server_tool_calls: count("/server_tool_use/web_search_requests").unwrap_or(0),
        service_tier: word("service_tier"),
        region: word("inference_geo").filter(|region| region != UNKNOWN),
        speed: word("speed"),
        ..Usage::default()
    })
}

/// Adds the usage of a reply, or of an event of a streamed one.
pub(super) fn note(json: &Value, reported: &mut ReportedUsage) {
    let places = [json.get("usage"), json.pointer("/message/usage")];
    places.into_iter().flatten().for_each(|place| reported.note(usage(place), None));
    let stops = ["/stop_reason", "/delta/stop_reason"];
    if stops.iter().any(|stop| json.pointer(stop).is_some_and(Value::is_string)) {
        reported.end();
    }
}

/// The value of `inference_geo` where the region is not selectable.
const UNKNOWN: &str = "not_available";

/// Applies a later snapshot of the same usage: counts only grow, so later values replace earlier
/// ones and are not added.
pub(super) fn update(known: &mut Map<String, Value>, snapshot: &Map<String, Value>) {
    for (field, value) in snapshot.iter().filter(|(_, value)| !value.is_null()) {
        match (known.get_mut(field), value) {
            (Some(Value::Object(known)), Value::Object(value)) => update(known, value),
            _ => {
                known.insert(field.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use az_core::cost::Usage;
    use serde_json::{Map, Value, json};

    use super::{update, usage};

    #[test]
    fn every_count_is_read() {
        let json = json!({
            "input_tokens": 11, "output_tokens": 7,
            "cache_creation_input_tokens": 30, "cache_read_input_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "output_tokens_details": {"thinking_tokens": 3},
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 9},
            "service_tier": "priority", "inference_geo": "us", "speed": "fast",
            "never_heard_of": {"x": 1},
        });
        let expected = Usage {
            cache_read: 5,
            cache_write_5m: 10,
            cache_write_1h: 20,
            reasoning: 3,
            server_tool_calls: 2,
            service_tier: Some("priority".to_owned()),
            region: Some("us".to_owned()),
            speed: Some("fast".to_owned()),
            ..Usage::tokens(11, 7)
        };
        assert_eq!(usage(&json), Some(expected));
    }

    #[test]
    fn cache_writes_without_a_lifetime_have_the_default_one() {
        let written = |sum: u64, breakdown: Value| {
            let json = json!({
                "input_tokens": 0,
                "cache_creation_input_tokens": sum,
                "cache_creation": breakdown,
            });
            usage(&json).map(|usage| (usage.cache_write_5m, usage.cache_write_1h))
        };
        assert_eq!(written(30, Value::Null), Some((30, 0)));
        assert_eq!(written(30, json!({"ephemeral_1h_input_tokens": 20})), Some((10, 20)));
        let both = |minutes: u64, hour: u64| {
            let breakdown =
                json!({"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour});
            written(30, breakdown)
        };
        assert_eq!(both(1, 20), Some((10, 20)));
        assert_eq!(both(10, 20), Some((10, 20)));
        assert_eq!(both(40, 20), Some((40, 20)), "more than their sum");
    }

    #[test]
    fn no_counts_are_no_usage_and_huge_counts_saturate() {
        for json in [json!(null), json!([1]), json!({}), json!({"input_tokens": "many"})] {
            assert_eq!(usage(&json), None, "{json}");
        }
        let most = u64::MAX;
        let json = json!({
            "input_tokens": most, "output_tokens": -1, "cache_creation_input_tokens": most,
            "cache_creation": {"ephemeral_1h_input_tokens": most}, "inference_geo": "not_available",
        });
        let expected = Usage { cache_write_1h: most, ..Usage::tokens(most, 0) };
        assert_eq!(usage(&json), Some(expected));
    }

    #[test]
    fn later_snapshots_replace_earlier_values() {
        let mut known = Map::new();
        for snapshot in [
            json!({"input_tokens": 9, "output_tokens": 1, "cache_creation": {"a": 1, "b": 2}}),
            json!({"input_tokens": null, "output_tokens": 5, "cache_creation": {"b": 3}}),
            json!({"output_tokens": 8, "speed": "fast"}),
        ] {
            update(&mut known, snapshot.as_object().unwrap());
        }
        let expected = json!({
            "input_tokens": 9, "output_tokens": 8, "speed": "fast",
            "cache_creation": {"a": 1, "b": 3},
        });
        assert_eq!(Value::Object(known), expected);
    }
}
