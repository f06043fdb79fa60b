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
    let error = json.get("error").unwrap_or(&json);
    let refusal = read(provider, Some(status), error, || quote(body));
    let request_id = json.get("request_id").and_then(Value::as_str).map(str::to_owned);
    Refusal { request_id, ..refusal }
}

/// Decodes an error in place of a reply: in the stream, or with status 200.
pub(super) fn inside(provider: &str, json: &Value) -> Option<Refusal> {
    let error = error_of(json)?;
    Some(read(provider, None, error, || quote(error.to_string().as_bytes())))
}

fn read(
    provider: &str,
    status: Option<u16>,
    error: &Value,
    otherwise: impl FnOnce() -> String,
) -> Refusal {
    let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let said = error.as_str().filter(|said| !said.is_empty());
    let message = text("message").or(said).map(str::to_owned);
    let message = message.unwrap_or_else(otherwise);
    let sort = text("type");
    let detail = error.pointer("/details/error_code").and_then(Value::as_str);
    // Some errors have their meaning only in the message.
    let spent = [detail, Some(message.as_str())];
    let is_spent = spent.into_iter().flatten().any(|said| said.contains("spend_limit_reached"));
    let kind = match kind(status, sort, &message) {
        ErrorKind::RateLimited if is_spent => ErrorKind::Unauthorized,
        ErrorKind::BadRequest if detail == Some("organization_on_hold") => ErrorKind::Unauthorized,
        kind => kind,
    };
    let code = detail.or(sort).map(str::to_owned);
    Refusal { status, code, ..Refusal::new(provider, kind, message) }
}

/// Classifies an error; some kinds differ only in the message.
///
/// Source: the API's reference, "Errors".
fn kind(status: Option<u16>, code: Option<&str>, message: &str) -> ErrorKind {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if matches!(code, Some("invalid_request_error") | None) && matches!(status, Some(400) | None) {
        if says(&["prompt is too long", "exceed context limit", "context window"]) {
            return ErrorKind::ContextWindow;
        }
        if is_unknown_model(&message) {
            return ErrorKind::NotFound;
        }
        if says(&["credit balance", "api usage limits"]) {
            return ErrorKind::Unauthorized;
        }
        if says(&["content filtering policy"]) {
            return ErrorKind::ContentPolicy;
        }
    }
    match (code, status) {
        (Some("authentication_error" | "permission_error" | "billing_error"), _) => {
            ErrorKind::Unauthorized
        }
        (Some("rate_limit_error"), _) => ErrorKind::RateLimited,
        (Some("overloaded_error" | "api_error" | "timeout_error"), _) => ErrorKind::Unavailable,
        (Some("request_too_large"), _) | (_, Some(413)) => ErrorKind::ContextWindow,
        (Some("not_found_error"), _) => ErrorKind::NotFound,
        (Some("invalid_request_error"), _) => ErrorKind::BadRequest,
        (_, Some(status)) => kind_of_status(status),
        (_, None) => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use az_core::ErrorKind;
    use serde_json::json;

    use super::{inside, refusal};

    #[track_caller]
    fn check(status: u16, code: &str, message: &str, kind: ErrorKind) {
        let body = json!({
            "type": "error", "request_id": "r1", "error": {"type": code, "message": message},
        });
        let refusal = refusal("p", status, body.to_string().as_bytes());
        let found = (refusal.kind, refusal.message.as_str(), refusal.code.as_deref());
        assert_eq!(found, (kind, message, Some(code)));
        assert_eq!((refusal.status, refusal.request_id.as_deref()), (Some(status), Some("r1")));
    }

    #[test]
    fn every_error_type_has_its_kind() {
        let request = "invalid_request_error";
        check(400, request, "temperature: range: 0..1", ErrorKind::BadRequest);
        check(400, request, "Model not found: claude-9", ErrorKind::NotFound);
        check(400, request, "prompt is too long: 9 tokens > 8", ErrorKind::ContextWindow);
        check(
            400,
            request,
            "input length and `max_tokens` exceed context limit: 9 + 9 > 8",
            ErrorKind::ContextWindow,
        );
        check(400, request, "Your credit balance is too low", ErrorKind::Unauthorized);
        check(400, request, "Output blocked by content filtering policy", ErrorKind::ContentPolicy);
        check(401, "authentication_error", "invalid x-api-key", ErrorKind::Unauthorized);
        check(402, "billing_error", "m", ErrorKind::Unauthorized);
        check(403, "permission_error", "m", ErrorKind::Unauthorized);
        check(404, "not_found_error", "model: m", ErrorKind::NotFound);
        check(413, "request_too_large", "m", ErrorKind::ContextWindow);
        check(429, "rate_limit_error", "slow down", ErrorKind::RateLimited);
        check(500, "api_error", "m", ErrorKind::Unavailable);
        check(504, "timeout_error", "m", ErrorKind::Unavailable);
        check(529, "overloaded_error", "Overloaded", ErrorKind::Unavailable);
        check(418, "never_heard_of", "m", ErrorKind::BadRequest);
        check(599, "never_heard_of", "m", ErrorKind::Unavailable);
    }

    #[test]
    fn permanent_errors_are_classified_by_their_details() {
        let read = |status, sort: &str, detail: &str| {
            let details = json!({"error_code": detail});
            let body = json!({"error": {"type": sort, "message": "m", "details": details}});
            let refusal = refusal("p", status, body.to_string().as_bytes());
            assert_eq!(refusal.code.as_deref(), Some(detail));
            refusal.kind
        };
        let limit = "rate_limit_error";
        assert_eq!(read(429, limit, "enforced_spend_limit_reached"), ErrorKind::Unauthorized);
        assert_eq!(read(429, limit, "contract_spend_limit_reached"), ErrorKind::Unauthorized);
        assert_eq!(read(429, limit, "ramp_limit_exceeded"), ErrorKind::RateLimited);
        let request = "invalid_request_error";
        assert_eq!(read(400, request, "organization_on_hold"), ErrorKind::Unauthorized);
    }

    #[test]
    fn unknown_errors_are_quoted() {
        let message = |status, body: &str| {
            let refusal = refusal("p", status, body.as_bytes());
            (refusal.kind, refusal.message)
        };
        let unavailable = |text: &str| (ErrorKind::Unavailable, text.to_owned());
        assert_eq!(message(502, "bad\ngateway"), unavailable("bad…"));
        assert_eq!(message(500, ""), unavailable("the response has no message"));
        assert_eq!(message(500, r#"{"error": "down"}"#), unavailable("down"));
        assert_eq!(message(500, r#"{"message": "down"}"#), unavailable("down"));
    }

    #[test]
    fn only_errors_in_place_of_a_reply_are_errors() {
        let found = |json| inside("p", &json).map(|refusal| (refusal.kind, refusal.message));
        let overloaded = json!({
            "type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"},
        });
        assert_eq!(found(overloaded), Some((ErrorKind::Unavailable, "Overloaded".to_owned())));
        assert_eq!(found(json!({"type": "message", "content": []})), None);
        assert_eq!(found(json!({"error": null})), None);
        assert_eq!(found(json!([1])), None);
    }
}
