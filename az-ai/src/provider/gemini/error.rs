//! Decodes error responses. The format is one that OpenAI-compatible servers use too; Google's own
//! fields are in its details.

use std::time::Duration;

use az_core::ErrorKind;
use serde_json::Value;

use crate::error::Refusal;
use crate::provider::openai::error as common;

/// Decodes an error response.
pub(super) fn refusal(provider: &str, status: u16, body: &[u8]) -> Refusal {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    // The error of a streaming request may be in a list of one.
    let inner = json.as_ref().map(unlisted);
    let bytes = inner.map(Value::to_string);
    let body = bytes.as_ref().map_or(body, String::as_bytes);
    let refusal = common::refusal(provider, Some(status), body);
    inner.map_or(refusal.clone(), |json| with_details(refusal, json))
}

/// Decodes an error in place of a reply.
pub(super) fn inside(provider: &str, json: &Value) -> Option<Refusal> {
    let json = unlisted(json);
    common::inside(provider, json).map(|refusal| with_details(refusal, json))
}

fn unlisted(json: &Value) -> &Value {
    json.get(0).unwrap_or(json)
}

fn with_details(refusal: Refusal, json: &Value) -> Refusal {
    let details = json.pointer("/error/details").and_then(Value::as_array);
    let details = || details.into_iter().flatten();
    let text = |detail: &Value, name: &str| detail.get(name)?.as_str().map(str::to_owned);
    let reason = details().find_map(|detail| text(detail, "reason"));
    let status = json.pointer("/error/status").and_then(Value::as_str).map(str::to_owned);
    let is_daily = refusal.kind == ErrorKind::RateLimited && details().any(is_daily);
    let bad_key = reason.as_deref() == Some("API_KEY_INVALID");
    let retry_after = details().find_map(|detail| duration(detail.get("retryDelay")?.as_str()?));
    Refusal {
        // A daily quota does not recover within a useful wait.
        kind: if is_daily || bad_key { ErrorKind::Unauthorized } else { refusal.kind },
        retry_after: retry_after.filter(|_| !is_daily),
        code: reason.or(status).or(refusal.code),
        ..refusal
    }
}

/// Whether a detail names a daily quota.
fn is_daily(detail: &Value) -> bool {
    let violations = detail.get("violations").and_then(Value::as_array);
    let mut ids = violations.into_iter().flatten().filter_map(|v| v.get("quotaId")?.as_str());
    ids.any(|id| id.contains("PerDay"))
}

/// Parses a duration such as `34.07s`, as in Google's JSON.
fn duration(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use az_core::ErrorKind;
    use serde_json::{Value, json};

    use super::{inside, refusal};

    fn said(code: u16, status: &str, message: &str, details: &Value) -> Value {
        json!({"error": {"code": code, "status": status, "message": message, "details": details}})
    }

    #[track_caller]
    fn check(json: &Value, kind: ErrorKind, code: &str, wait: Option<f64>) {
        let status = json.pointer("/error/code").unwrap().as_u64().unwrap();
        let status = u16::try_from(status).unwrap();
        let message = json.pointer("/error/message").unwrap();
        for body in [json.clone(), json!([json])] {
            let found = refusal("p", status, body.to_string().as_bytes());
            let within = inside("p", &body).unwrap();
            assert_eq!(within.kind, found.kind, "{body}");
            assert_eq!(
                (found.kind, found.code.as_deref(), json!(found.message), found.status),
                (kind, Some(code), message.clone(), Some(status)),
                "{body}"
            );
            assert_eq!(found.retry_after, wait.map(Duration::from_secs_f64), "{body}");
        }
    }

    #[test]
    fn errors_are_classified_by_their_details() {
        let key = "API key not valid. Please pass a valid API key.";
        let expired = "API key expired. Please renew the API key.";
        let reason = json!([{"@type": "ErrorInfo", "reason": "API_KEY_INVALID"}]);
        for message in [key, expired] {
            let said = said(400, "INVALID_ARGUMENT", message, &reason);
            check(&said, ErrorKind::Unauthorized, "API_KEY_INVALID", None);
        }
        let bare = |code, status, message| said(code, status, message, &Value::Null);
        check(
            &bare(400, "INVALID_ARGUMENT", key),
            ErrorKind::Unauthorized,
            "INVALID_ARGUMENT",
            None,
        );
        let long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
        check(
            &bare(400, "INVALID_ARGUMENT", long),
            ErrorKind::ContextWindow,
            "INVALID_ARGUMENT",
            None,
        );
        check(
            &bare(400, "INVALID_ARGUMENT", "no"),
            ErrorKind::BadRequest,
            "INVALID_ARGUMENT",
            None,
        );
        check(
            &bare(403, "PERMISSION_DENIED", "no"),
            ErrorKind::Unauthorized,
            "PERMISSION_DENIED",
            None,
        );
        check(&bare(404, "NOT_FOUND", "no model"), ErrorKind::NotFound, "NOT_FOUND", None);
        check(&bare(500, "INTERNAL", "oh"), ErrorKind::Unavailable, "INTERNAL", None);
        check(&bare(503, "UNAVAILABLE", "overloaded"), ErrorKind::Unavailable, "UNAVAILABLE", None);
    }

    #[test]
    fn only_a_quota_per_minute_is_retryable() {
        let quota = |id: &str| {
            json!([
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"},
            ])
        };
        let said = |id| said(429, "RESOURCE_EXHAUSTED", "quota exceeded", &quota(id));
        let minute = said("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
        check(&minute, ErrorKind::RateLimited, "RESOURCE_EXHAUSTED", Some(34.5));
        let day = said("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
        check(&day, ErrorKind::Unauthorized, "RESOURCE_EXHAUSTED", None);
    }

    #[test]
    fn invalid_error_responses_are_refusals() {
        for body in [
            "",
            "[]",
            "[1]",
            "null",
            "<html>",
            r#"{"error":{"details":[{"retryDelay":"-1s"},{"retryDelay":"1e400s"},7]}}"#,
        ] {
            let found = refusal("p", 503, body.as_bytes());
            assert_eq!((found.kind, found.retry_after), (ErrorKind::Unavailable, None), "{body}");
        }
    }
}
