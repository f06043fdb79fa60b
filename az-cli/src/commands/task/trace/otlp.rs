//! Sends a trace by OTLP/HTTP with JSON bodies.
//!
//! Attributes are those of OpenTelemetry's semantic conventions for GenAI. The ids are digests of the task's id and
//! the span's, so that a trace that is sent twice is one trace. Texts of the task are not sent.

use az_ai::catalog::displayed_url;
use az_ai::provider::http::{Answer, Credentials, HttpClient};
use az_ai::provider::wire::Auth;
use az_core::clock::Timestamp;
use az_core::digest::sha256_hex;
use az_core::task::Task;
use az_core::text::one_line;
use az_core::trace::{ModelSpan, Span, SpanKind, SpanStatus};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::services::Services;

/// The path of traces at a collector.
const PATH: &str = "/v1/traces";
/// The most spans in a request.
const BATCH: usize = 500;
/// The name of the collector in errors.
const NAME: &str = "the OTLP collector";

/// Sends the spans; returns their number and where they were sent.
///
/// # Errors
///
/// A usage error for a malformed address, or the collector's.
pub(super) async fn send(
    task: &Task,
    span: &Span,
    url: &str,
    services: &Services,
) -> Result<(usize, String), CliError> {
    let address = address(url)?;
    let http = HttpClient::new(&services.http_options()?).map_err(failed)?;
    let spans = spans(task, span);
    for batch in spans.chunks(BATCH) {
        let with = Credentials { provider: NAME, key: None, auth: Auth::Bearer, headers: &[] };
        let answer = http.post(&address, &with, &request(batch)).await.map_err(failed)?;
        check(answer).await?;
    }
    Ok((spans.len(), displayed_url(&address)))
}

/// Returns the address of traces at a collector.
fn address(url: &str) -> Result<String, CliError> {
    let scheme = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    if scheme.is_none_or(|rest| rest.trim_matches('/').is_empty()) {
        let text = format!(
            "--otlp: invalid address {:?}; use one such as http://127.0.0.1:4318, the address of \
             the collector's OTLP/HTTP receiver",
            displayed_url(url)
        );
        return Err(CliError::Usage(text));
    }
    let base = url.trim_end_matches('/');
    Ok(if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") })
}

fn failed(error: az_ai::Error) -> CliError {
    match error {
        error @ az_ai::Error::Setup { .. } => CliError::Usage(format!("--otlp: {}", error.chain())),
        error => CliError::Core(error.into()),
    }
}

/// Checks the answer of a collector, which may accept a request in part.
async fn check(answer: Answer) -> Result<(), CliError> {
    let status = answer.status();
    let body = answer.body().await.map_err(failed)?;
    let text = one_line(&String::from_utf8_lossy(&body), 200);
    let refused = |what: String| CliError::Io {
        what: format!("sending the trace to {NAME}"),
        source: std::io::Error::other(what),
    };
    if !(200..300).contains(&status) {
        return Err(refused(format!("it answered with status {status}: {text}")));
    }
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let rejected = parsed.pointer("/partialSuccess/rejectedSpans");
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    match rejected.and_then(number) {
        None | Some(0) => Ok(()),
        Some(count) => Err(refused(format!("it rejected {count} spans: {text}"))),
    }
}

fn request(spans: &[Value]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            text("service.name", "az"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ] },
        "scopeSpans": [{
            "scope": { "name": "az", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans,
        }],
    }] })
}

fn spans(task: &Task, root: &Span) -> Vec<Value> {
    let trace = id(&[task.id.as_str()], 16);
    let span_id = |span: &Span| id(&[task.id.as_str(), &span.id], 8);
    let last = last(root);
    let mut spans = Vec::new();
    root.walk(&mut |span, parent| {
        let (name, kind, mut attributes) = described(span);
        attributes.push(text("az.task.id", task.id.as_str()));
        spans.push(json!({
            "traceId": trace,
            "spanId": span_id(span),
            // That of the root is empty.
            "parentSpanId": parent.map(span_id).unwrap_or_default(),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": nanos(span.started_at),
            // A span that has not ended has no form of its own in OTLP.
            "endTimeUnixNano": nanos(span.ended_at.unwrap_or(last).max(span.started_at)),
            "attributes": attributes,
            "status": status(&span.status),
        }));
    });
    spans
}

/// Returns the last time in a tree.
fn last(root: &Span) -> Timestamp {
    let mut last = root.started_at;
    root.walk(&mut |span, _| last = last.max(span.ended_at.unwrap_or(span.started_at)));
    last
}

/// Kinds of spans in OTLP.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;

/// Returns the name, the kind and the attributes of a span.
fn described(span: &Span) -> (String, u8, Vec<Value>) {
    let operation = |name: &str| vec![text("gen_ai.operation.name", name)];
    match &span.kind {
        SpanKind::Task { .. } => {
            let mut attributes = operation("invoke_agent");
            attributes.push(text("gen_ai.agent.name", "az"));
            ("invoke_agent az".to_owned(), INTERNAL, attributes)
        }
        SpanKind::Run { owner } => {
            (span.id.clone(), INTERNAL, vec![text("az.worker", owner.as_str())])
        }
        SpanKind::Model(model) => (format!("chat {}", model.model), CLIENT, of_model(model)),
        SpanKind::Tool { tool } => {
            let mut attributes = operation("execute_tool");
            attributes.push(text("gen_ai.tool.name", tool));
            attributes.push(text("gen_ai.tool.call.id", &span.id));
            attributes.push(text("gen_ai.tool.type", "function"));
            (format!("execute_tool {tool}"), INTERNAL, attributes)
        }
        SpanKind::Approval(approval) => {
            let granted = approval
                .granted
                .map_or("no answer", |granted| if granted { "granted" } else { "denied" });
            ("approval".to_owned(), INTERNAL, vec![text("az.approval", granted)])
        }
        _ => (span.id.clone(), INTERNAL, Vec::new()),
    }
}

fn of_model(model: &ModelSpan) -> Vec<Value> {
    let mut attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", &model.provider),
        // The name of the attribute above before version 1.37 of the conventions.
        text("gen_ai.system", &model.provider),
        text("gen_ai.request.model", &model.model),
    ];
    if !model.stop.is_empty() {
        let reasons = json!({ "arrayValue": { "values": [{ "stringValue": model.stop }] } });
        attributes.push(json!({ "key": "gen_ai.response.finish_reasons", "value": reasons }));
    }
    if let Some(charge) = &model.charge {
        let (input, output) = (charge.usage.total_input(), charge.usage.output);
        for name in ["gen_ai.usage", "gen_ai.client.inference.usage"] {
            attributes.push(number(&format!("{name}.input_tokens"), input));
            attributes.push(number(&format!("{name}.output_tokens"), output));
        }
        if let Some(cost) = charge.cost {
            attributes.push(number("az.cost_nanos", cost.nanos().unsigned_abs()));
        }
    }
    attributes
}

fn status(status: &SpanStatus) -> Value {
    match status {
        SpanStatus::Done => json!({ "code": 1 }),
        SpanStatus::Failed(reason) => json!({ "code": 2, "message": one_line(reason, 400) }),
        SpanStatus::Interrupted => json!({ "code": 2, "message": "interrupted" }),
        _ => json!({}),
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Returns an attribute of a number; 64-bit numbers are text in the JSON of protobuf.
fn number(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn nanos(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}

/// Returns an id of some bytes, in hexadecimal.
fn id(parts: &[&str], bytes: usize) -> String {
    sha256_hex(parts.join("\0")).chars().take(2 * bytes).collect()
}
