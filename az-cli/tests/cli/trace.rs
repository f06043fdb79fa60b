//! `az task trace`: the tree of spans, and what a collector gets of it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Request, answer, serve};
use crate::support::{Az, script};

/// Runs a task with a call that fails, two steps and two tool calls; returns its id.
fn task(az: &Az) -> String {
    az.file("notes.txt", "notes");
    let read = json!({"name": "filesystem.read", "arguments": {"path": "notes.txt"}});
    let list = json!({"name": "filesystem.list", "arguments": {"path": "."}});
    let model = script(
        az,
        &[
            json!({"calls": [read, list], "usage": {"input": 100, "output": 20}}),
            json!({"text": "done", "usage": {"input": 200, "output": 5}}),
        ],
    );
    az.ok(&["task", "run", "read the notes", "--model", &model]);
    az.only_id()
}

#[test]
fn a_trace_is_a_tree_of_runs_steps_and_calls() {
    let az = Az::in_memory();
    let id = task(&az);
    let tree: Value =
        serde_json::from_str(&az.ok(&["task", "trace", &id, "--format", "json"])).unwrap();
    fn outline(span: &Value) -> Value {
        let children: Vec<_> = span["children"].as_array().unwrap().iter().map(outline).collect();
        json!([span["kind"], span["status"], children])
    }
    let call = |kind: &str| json!([kind, "done", []]);
    let first = json!(["step", "done", [call("model"), call("tool"), call("tool")]]);
    let second = json!(["step", "done", [call("model")]]);
    let expected = json!(["task", "done", [["run", "done", [first, second]]]]);
    assert_eq!(outline(&tree), expected, "{tree}");

    let lines = az.ok(&["task", "trace", &id]);
    let begins = ["task ", "└─ run 1 ", "   ├─ step 1 ", "   │  ├─ scripted:"];
    for (line, begin) in lines.lines().zip(begins) {
        assert!(line.starts_with(begin), "{lines}");
    }
    assert!(lines.contains("   │  └─ filesystem.list "), "{lines}");
    let csv = az.ok(&["task", "trace", &id, "--format", "csv"]);
    assert!(csv.starts_with("span,parent,kind,name,provider,started_at,ended_at,"), "{csv}");
    assert_eq!(csv.lines().count(), 9, "{csv}");
}

#[test]
fn an_unknown_task_has_no_trace() {
    let az = Az::in_memory();
    assert_eq!(az.az(&["task", "trace", "nosuch"]).code, Some(66));
}

/// Starts a collector that answers in the same way to each request; returns its address and the requests.
fn collector(status: &'static str, body: &'static str) -> (String, Arc<Mutex<Vec<Request>>>) {
    let (address, requests) = serve(move |_| answer(status, "", body));
    (address.trim_end_matches("/v1").to_owned(), requests)
}

/// Returns the value of an attribute of a span.
fn attribute<'v>(span: &'v Value, name: &str) -> &'v Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == name);
    found.map_or(&Value::Null, |attribute| &attribute["value"])
}

#[test]
fn a_collector_gets_the_spans_with_the_attributes_of_the_genai_conventions() {
    let az = Az::in_memory();
    let id = task(&az);
    if !cfg!(feature = "otlp") {
        let refused = az.az(&["task", "trace", &id, "--otlp", "http://127.0.0.1:4318"]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("without the feature `otlp`"), "{refused:?}");
        return;
    }
    let (url, requests) = collector("200 OK", r#"{"partialSuccess":{}}"#);
    let sent = az.az(&["task", "trace", &id, "--otlp", &url]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.stderr.contains("sent 8 spans to http://127.0.0.1:"), "{sent:?}");
    az.ok(&["task", "trace", &id, "--otlp", &format!("{url}/v1/traces/")]);
    let requests = requests.lock().unwrap().clone();
    assert_eq!(requests[0].body, requests[1].body, "a trace that is sent again is the same");
    let Request { line, body } = &requests[0];
    assert_eq!(line, "POST /v1/traces");
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 8);
    let named = |name: &str| {
        let found = spans.iter().find(|span| span["name"].as_str().unwrap().starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {body}"))
    };
    let root = named("invoke_agent az");
    assert_eq!(root["traceId"].as_str().unwrap().len(), 32);
    assert_eq!(root["spanId"].as_str().unwrap().len(), 16);
    assert_eq!(root["parentSpanId"], "");
    assert_eq!(named("run-0")["parentSpanId"], root["spanId"]);
    let model = named("chat scripted:");
    assert_eq!((&model["kind"], &model["status"]), (&json!(3), &json!({"code": 1})));
    for (name, expected) in [
        ("gen_ai.operation.name", json!({"stringValue": "chat"})),
        ("gen_ai.provider.name", json!({"stringValue": "scripted"})),
        ("gen_ai.usage.output_tokens", json!({"intValue": "20"})),
        ("gen_ai.client.inference.usage.output_tokens", json!({"intValue": "20"})),
    ] {
        assert_eq!(attribute(model, name), &expected, "{name}: {model}");
    }
    let tool = named("execute_tool filesystem.read");
    let name = json!({"stringValue": "filesystem.read"});
    assert_eq!(attribute(tool, "gen_ai.tool.name"), &name);
    let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    for span in spans {
        assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"), "{span}");
    }
    let all = body.to_string();
    assert!(!all.contains("notes") && !all.contains("done"), "texts were sent: {all}");
}

#[test]
fn a_collector_that_refuses_or_is_not_there_is_an_error() {
    if !cfg!(feature = "otlp") {
        return;
    }
    let az = Az::in_memory();
    let id = task(&az);
    for (status, body, expected) in [
        ("503 Busy", "overloaded", "it answered with status 503: overloaded"),
        ("200 OK", r#"{"partialSuccess":{"rejectedSpans":"3"}}"#, "it rejected 3 spans"),
    ] {
        let (url, _) = collector(status, body);
        let refused = az.az(&["task", "trace", &id, "--otlp", &url]);
        assert_eq!(refused.code, Some(74), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
    for (url, code, expected) in [
        ("http://127.0.0.1:1", 69, "nothing listens there"),
        ("collector:4318", 2, "--otlp: invalid address \"collector:4318\""),
        ("http://", 2, "--otlp: invalid address \"http://\""),
    ] {
        let refused = az.az(&["task", "trace", &id, "--otlp", url]);
        assert_eq!(refused.code, Some(code), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
}
