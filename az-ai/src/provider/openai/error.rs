//! Decodes error responses, which have six forms and many error codes.

use az_core::ErrorKind;
use serde_json::{Map, Value};

use crate::error::Refusal;
use crate::provider::json::{error_of, quote, with_received};
use crate::provider::refused::kind_of_status;

/// The fields of an error.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    message: String,
    /// The server's error codes, most specific first.
    codes: Vec<String>,
}

/// Decodes an error response.
pub(in crate::provider) fn refusal(provider: &str, status: Option<u16>, body: &[u8]) -> Refusal {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let said = json
        .as_ref()
        .and_then(said)
        .unwrap_or_else(|| Said { message: quote(body), codes: Vec::new() });
    named(provider, status, said)
}

/// Decodes an error in place of a reply: in the stream, or with status 200.
pub(in crate::provider) fn inside(provider: &str, json: &Value) -> Option<Refusal> {
    let error = error_of(json);
    let flat = json.get("object").and_then(Value::as_str) == Some("error");
    if error.is_none() && !flat {
        return None;
    }
    Some(named(provider, None, said(json)?))
}

/// Returns the refusal of a reply that was withheld by a filter, with the text that came.
pub(super) fn withheld(provider: &str, received: &str) -> Refusal {
    let message = with_received("its content filter withheld the reply", received);
    let code = Some("content_filter".to_owned());
    Refusal { code, ..Refusal::new(provider, ErrorKind::ContentPolicy, message) }
}

fn named(provider: &str, status: Option<u16>, said: Said) -> Refusal {
    let mut numbers = said.codes.iter().filter_map(|code| code.parse().ok());
    let numeric = numbers.find(|number| (400..600).contains(number));
    let kind = kind(status.or(numeric), &said);
    let message = match said.message {
        message if message.is_empty() => "the response has no message".to_owned(),
        message => message,
    };
    Refusal { status, code: said.codes.into_iter().next(), ..Refusal::new(provider, kind, message) }
}

/// Finds the message in any of the forms: `{"error": {…}}`, `{"error": "…"}`, `{"detail": …}`,
/// `{"message": …}`, `{"object": "error", …}`, `{"code": …, "error": "…"}`.
fn said(json: &Value) -> Option<Said> {
    let object = json.as_object()?;
    let inner = match object.get("error") {
        Some(Value::Object(inner)) => inner,
        _ => object,
    };
    let names = ["code", "type", "status"];
    let mut codes: Vec<String> =
        names.iter().filter_map(|name| scalar(inner.get(*name)?)).collect();
    codes.retain(|code| code != "error");
    let places = ["message", "error", "detail", "msg"];
    let message = places.iter().find_map(|name| words(inner.get(*name)?));
    if message.is_none() && codes.is_empty() {
        return None;
    }
    let message = message.unwrap_or_default() + &window(inner).unwrap_or_default();
    Some(Said { message, codes })
}

/// Returns the context window that llama.cpp states beside its message.
fn window(error: &Map<String, Value>) -> Option<String> {
    let window = error.get("n_ctx")?.as_u64()?;
    Some(format!(" (n_ctx {window})"))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a message that is a string, or a list of validation errors.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(complaints) => {
            let texts = complaints.iter().filter_map(words);
            Some(texts.collect::<Vec<_>>().join("; "))
        }
        Value::Object(fields) => {
            let message = ["message", "msg", "detail"].iter();
            let message = message.filter_map(|name| fields.get(*name)).find_map(words)?;
            // The field that a validation error is about.
            let place = fields.get("loc").and_then(Value::as_array).and_then(|loc| loc.last());
            Some(match place.and_then(Value::as_str).filter(|place| *place != "body") {
                Some(place) => format!("{place}: {message}"),
                None => message,
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Classifies an error. Error codes take precedence over the status, because compatible servers are
/// less accurate with it: an invalid key may be 400, a full context 500, an empty account 429.
fn kind(status: Option<u16>, said: &Said) -> ErrorKind {
    let message = said.message.to_lowercase();
    let says = |words: &[&str]| {
        let codes = || said.codes.iter();
        let in_code = |word: &&str| codes().any(|code| code.to_lowercase().contains(word));
        words.iter().any(|word| message.contains(word) || in_code(word))
    };
    let named = |words: &[&str]| {
        let mut codes = said.codes.iter();
        codes.any(|code| words.contains(&code.as_str()))
    };
    if named(&[
        "budget_exceeded",
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
    ]) {
        return ErrorKind::Unauthorized;
    }
    let refused = matches!(status, Some(400 | 413 | 422 | 500) | None);
    if refused && says(FULL_CONTEXT) {
        return ErrorKind::ContextWindow;
    }
    if refused && named(&["content_filter", "content_policy_violation"]) {
        return ErrorKind::ContentPolicy;
    }
    let may_be_model = matches!(status, Some(400 | 404 | 410 | 422 | 500 | 503) | None);
    if named(UNKNOWN_MODEL) || (may_be_model && is_unknown_model(&message)) {
        return ErrorKind::NotFound;
    }
    if matches!(status, Some(400) | None) && says(BAD_KEY) {
        return ErrorKind::Unauthorized;
    }
    match status {
        Some(status) => kind_of_status(status),
        None if says(&["rate_limit", "rate limit", "too many requests"]) => ErrorKind::RateLimited,
        None if says(&["invalid_request"]) => ErrorKind::BadRequest,
        None => ErrorKind::Unavailable,
    }
}

/// Whether a message says that a model does not exist, such as "Model not found: x".
pub(in crate::provider) fn is_unknown_model(message: &str) -> bool {
    let message = message.to_lowercase();
    // The file of a model that exists, of a kind that llama.cpp cannot load.
    if message.contains("unknown model architecture") {
        return false;
    }
    let is_near = |missing: &&str| {
        let places = message.find("model").zip(message.find(missing));
        places.is_some_and(|(model, missing)| model.abs_diff(missing) < NEAR)
    };
    NO_MODEL.iter().any(|phrase| message.contains(phrase)) || MISSING.iter().any(is_near)
}

/// The most bytes between the two parts of such a message, which may have the name between them.
const NEAR: usize = 80;

/// Phrases that mean an unknown model if "model" is near.
const MISSING: &[&str] = &[
    "not found",
    "not exist",
    "doesn't exist",
    "unknown model",
    "no such model",
    "not a valid model",
    "has been decommissioned",
    "has been deprecated and is no longer",
    "no longer available",
    "could not find model",
    "unable to find model",
];
/// Phrases that mean an unknown model.
const NO_MODEL: &[&str] = &[
    "invalid model",
    "unknown model",
    "unrecognized model",
    "unsupported model",
    "model identifier is invalid",
    "no model named",
    "no available channel for model",
    "model_not_found",
    "deploymentnotfound",
];

const FULL_CONTEXT: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context window",
    "context size",
    "exceeds the maximum number of tokens",
];
/// Error codes of an unknown model.
const UNKNOWN_MODEL: &[&str] =
    &["model_not_found", "invalid_model", "model_decommissioned", "DeploymentNotFound"];
const BAD_KEY: &[&str] =
    &["invalid_api_key", "api key not valid", "invalid api key", "incorrect api key"];

#[cfg(test)]
mod tests {
    use az_core::ErrorKind;
    use serde_json::json;

    use super::{inside, refusal};

    #[track_caller]
    fn check(status: u16, body: &str, kind: ErrorKind, message: &str) {
        let refusal = refusal("p", Some(status), body.as_bytes());
        assert_eq!((refusal.kind, refusal.message.as_str()), (kind, message), "{body}");
    }

    #[test]
    fn all_six_forms_of_errors_are_decoded() {
        for body in [
            r#"{"error": {"message": "no such thing", "type": "t", "code": null}}"#,
            r#"{"error": "no such thing"}"#,
            r#"{"detail": "no such thing"}"#,
            r#"{"message": "no such thing", "request_id": "r"}"#,
            r#"{"object": "error", "message": "no such thing", "code": 1500}"#,
            r#"{"code": "x", "error": "no such thing"}"#,
        ] {
            check(400, body, ErrorKind::BadRequest, "no such thing");
        }
        check(
            422,
            r#"{"detail": [{"loc": ["body"], "msg": "field required"}, {"msg": "too long"}]}"#,
            ErrorKind::BadRequest,
            "field required; too long",
        );
        check(
            422,
            r#"{"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}"#,
            ErrorKind::BadRequest,
            "stream_options: Extra inputs are not permitted",
        );
        check(
            400,
            r#"{"error": {"code": 400, "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096}}"#,
            ErrorKind::ContextWindow,
            "the request exceeds the available context size (n_ctx 4096)",
        );
    }

    #[test]
    fn error_codes_take_precedence_over_the_status() {
        let said = |code: &str| format!(r#"{{"error": {{"message": "m", "code": "{code}"}}}}"#);
        check(401, &said(""), ErrorKind::Unauthorized, "m");
        check(403, &said(""), ErrorKind::Unauthorized, "m");
        check(404, &said("model_not_found"), ErrorKind::NotFound, "m");
        check(
            400,
            r#"{"error": {"message": "Model Not Exist"}}"#,
            ErrorKind::NotFound,
            "Model Not Exist",
        );
        check(408, &said(""), ErrorKind::Unavailable, "m");
        check(409, &said(""), ErrorKind::Unavailable, "m");
        check(429, &said("rate_limit_exceeded"), ErrorKind::RateLimited, "m");
        check(429, &said("insufficient_quota"), ErrorKind::Unauthorized, "m");
        check(500, &said(""), ErrorKind::Unavailable, "m");
        check(529, &said("overloaded"), ErrorKind::Unavailable, "m");
        check(400, &said("context_length_exceeded"), ErrorKind::ContextWindow, "m");
        check(400, &said("content_filter"), ErrorKind::ContentPolicy, "m");
        check(400, &said("invalid_api_key"), ErrorKind::Unauthorized, "m");
        check(307, "", ErrorKind::Config, "the response has no message");
    }

    #[test]
    fn an_unknown_model_is_recognised_in_many_wordings() {
        for message in [
            "Model not found: x",
            "The model `x` does not exist or you do not have access to it.",
            "x is not a valid model ID",
            "Invalid model name passed in model=x. Call `/v1/models` to view available models",
            "The model `x` has been decommissioned and is no longer supported.",
            "The provided model identifier is invalid.",
            "models/x is not found for API version v1beta, or is not supported for generateContent.",
            "Unknown model: x",
            "Unsupported model: x",
        ] {
            let body = json!({"error": {"message": message}}).to_string();
            for status in [400, 404, 422, 500] {
                check(status, &body, ErrorKind::NotFound, message);
            }
            check(401, &body, ErrorKind::Unauthorized, message);
            let found = inside("p", &json!({"error": {"message": message}}));
            assert_eq!(found.map(|refusal| refusal.kind), Some(ErrorKind::NotFound), "{message}");
        }
        for message in [
            "tool not found",
            "this model does not support tools",
            "model overloaded",
            "error loading model: unknown model architecture: 'x'",
        ] {
            let body = json!({"error": {"message": message}}).to_string();
            check(400, &body, ErrorKind::BadRequest, message);
        }
    }

    #[test]
    fn invalid_json_is_quoted() {
        check(502, "bad\ngateway", ErrorKind::Unavailable, "bad…");
        check(502, "[1]", ErrorKind::Unavailable, "[1]");
    }

    #[test]
    fn only_errors_in_place_of_a_reply_are_errors() {
        let found = |json| inside("p", &json).map(|refusal| (refusal.kind, refusal.message));
        assert_eq!(
            found(json!({"error": {"message": "over", "code": 429}, "choices": []})),
            Some((ErrorKind::RateLimited, "over".to_owned()))
        );
        assert_eq!(
            found(json!({"object": "error", "message": "gone"})),
            Some((ErrorKind::Unavailable, "gone".to_owned()))
        );
        assert_eq!(found(json!({"error": null, "choices": []})), None);
        let blank = json!({"message": "", "type": "", "param": null, "code": null});
        assert_eq!(found(json!({"error": blank, "choices": []})), None);
        assert_eq!(found(json!({"message": "hi"})), None);
    }
}
