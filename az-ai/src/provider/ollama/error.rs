//! Decodes error responses.

use az_core::ErrorKind;
use serde_json::Value;

use crate::error::Refusal;
use crate::provider::json::{error_of, quote};
use crate::provider::openai::error::is_unknown_model;
use crate::provider::refused::kind_of_status;

/// Decodes an error response.
pub(super) fn refusal(provider: &str, status: u16, body: &[u8]) -> Refusal {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = message(&json).unwrap_or_else(|| quote(body));
    let kind = kind(Some(status), &message);
    Refusal { status: Some(status), ..Refusal::new(provider, kind, message) }
}

/// Decodes an error in place of a reply: in the stream, or with status 200.
pub(super) fn inside(provider: &str, json: &Value) -> Option<Refusal> {
    let error = error_of(json)?;
    let message = message(json).unwrap_or_else(|| quote(error.to_string().as_bytes()));
    Some(Refusal::new(provider, kind(None, &message), message))
}

fn message(json: &Value) -> Option<String> {
    let error = json.get("error")?;
    let text = error.as_str().or_else(|| error.get("message")?.as_str());
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Classifies an error: the server has statuses and messages, but no error codes.
fn kind(status: Option<u16>, message: &str) -> ErrorKind {
    let message = message.to_lowercase();
    let full = ["context length", "context size", "context window"];
    if matches!(status, Some(400 | 413 | 500) | None) && full.iter().any(|f| message.contains(f)) {
        return ErrorKind::ContextWindow;
    }
    if matches!(status, Some(400 | 500) | None) && is_unknown_model(&message) {
        return ErrorKind::NotFound;
    }
    status.map_or(ErrorKind::Unavailable, kind_of_status)
}

#[cfg(test)]
mod tests {
    use az_core::ErrorKind;
    use serde_json::json;

    use super::{inside, refusal};

    #[track_caller]
    fn check(status: u16, body: &str, kind: ErrorKind, message: &str) {
        let refusal = refusal("p", status, body.as_bytes());
        assert_eq!((refusal.kind, refusal.message.as_str()), (kind, message));
        assert_eq!(refusal.status, Some(status));
    }

    #[test]
    fn errors_are_classified_by_status_except_for_context_errors() {
        let missing = r#"{"error": "model 'x' not found"}"#;
        check(404, missing, ErrorKind::NotFound, "model 'x' not found");
        check(400, missing, ErrorKind::NotFound, "model 'x' not found");
        check(401, r#"{"error": "unauthorized"}"#, ErrorKind::Unauthorized, "unauthorized");
        check(429, r#"{"error": {"message": "slow"}}"#, ErrorKind::RateLimited, "slow");
        check(503, r#"{"error": "server busy"}"#, ErrorKind::Unavailable, "server busy");
        let long = "the input length exceeds the context length";
        check(400, &json!({"error": long}).to_string(), ErrorKind::ContextWindow, long);
        check(502, "bad\ngateway", ErrorKind::Unavailable, "bad…");
        check(500, "", ErrorKind::Unavailable, "the response has no message");
        check(500, r#"{"error": ""}"#, ErrorKind::Unavailable, r#"{"error": ""}"#);
    }

    #[test]
    fn only_errors_in_place_of_a_reply_are_errors() {
        let found = |json| inside("p", &json).map(|refusal| (refusal.kind, refusal.message));
        let gone = found(json!({"error": "the runner has stopped"}));
        assert_eq!(gone, Some((ErrorKind::Unavailable, "the runner has stopped".to_owned())));
        let full = found(json!({"error": "prompt exceeds the context length"}));
        assert_eq!(full.map(|(kind, _)| kind), Some(ErrorKind::ContextWindow));
        assert!(found(json!({"error": 7})).is_some());
        assert_eq!(found(json!({"error": null})), None);
        assert_eq!(found(json!({"message": {}})), None);
    }
}
