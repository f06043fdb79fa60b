//! A server that misbehaves: typed errors, retries where they help, nothing lost.

use crate::server::{Answer, answer, server, sse};
use crate::support::{Az, Ended};

fn good() -> Answer {
    sse(&[
        r#"{"choices":[{"index":0,"delta":{"content":"all is "}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"well"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#,
        "[DONE]",
    ])
}

fn run_against(answers: Vec<Answer>) -> (Az, Ended, usize) {
    let (address, count) = server(answers);
    let az = Az::new().with_var("OPENAI_BASE_URL", address).with_var("OPENAI_API_KEY", CANARY);
    let ended = az.az(&["task", "run", "how is it?", "--model", "m"]);
    let count = *count.lock().unwrap();
    (az, ended, count)
}

const CANARY: &str = "sk-canary-0123456789";

#[test]
fn an_answer_streams_and_its_usage_is_recorded() {
    let (az, ended, count) = run_against(vec![good()]);
    assert_eq!((ended.code, ended.stdout.as_str(), count), (Some(0), "all is well\n", 1));
    let task = az.shown(&az.only_id());
    assert_eq!(task["actual_tokens"], 13);
    assert_eq!(task["unpriced"], true, "an unknown price is not nothing");
    assert!(ended.stderr.contains("cost unknown"), "{ended:?}");
    let listed = az.ok(&["task", "list"]);
    assert!(listed.contains("unknown") && !listed.contains("$0.00"), "{listed}");
}

#[test]
fn a_short_retry_after_is_respected() {
    let busy = answer(
        "429 Too Many Requests",
        "retry-after: 1\r\n",
        r#"{"error":{"message":"slow down"}}"#,
    );
    let (az, ended, count) = run_against(vec![busy, good()]);
    assert_eq!((ended.code, count), (Some(0), 2), "{ended:?}");
    assert!(ended.stderr.contains("slow down") && ended.stderr.contains("1.0 s"), "{ended:?}");
    let logs = az.ok(&["task", "logs", &az.only_id()]);
    assert!(logs.contains("slow down"), "both attempts are on record: {logs}");
}

#[test]
fn a_long_retry_after_is_an_error_at_once() {
    let busy = answer(
        "429 Too Many Requests",
        "retry-after: 3600\r\n",
        r#"{"error":{"message":"come back tomorrow"}}"#,
    );
    let (_, ended, count) = run_against(vec![busy]);
    assert_eq!((ended.code, count), (Some(75), 1), "{ended:?}");
    assert!(ended.stderr.contains("come back tomorrow") && ended.stderr.contains("resume"));
}

#[test]
fn a_truncated_stream_is_never_an_answer() {
    let cut = sse(&[r#"{"choices":[{"index":0,"delta":{"content":"all is "}}]}"#]);
    let (az, ended, count) = run_against(vec![cut, good()]);
    assert_eq!((ended.code, ended.stdout.as_str(), count), (Some(0), "all is well\n", 2));
    let logs = az.ok(&["task", "logs", &az.only_id()]);
    assert!(logs.contains("cut off"), "{logs}");
}

#[test]
fn invalid_replies_are_protocol_errors() {
    let (_, ended, count) = run_against(vec![answer("200 OK", "", "hello")]);
    assert_eq!(ended.code, Some(76), "{ended:?}");
    assert!(ended.stderr.contains("invalid response from"), "{ended:?}");
    assert_eq!(count, 4, "it is tried again, up to a limit");
}

#[test]
fn a_web_page_is_a_wrong_address_and_is_not_tried_again() {
    let (_, ended, count) = run_against(vec![answer("200 OK", "", "<html>hello</html>")]);
    assert_eq!((ended.code, count), (Some(78), 1), "{ended:?}");
    assert!(ended.stderr.contains("check the base URL"), "{ended:?}");
}

#[test]
fn a_refused_request_is_not_repeated() {
    let refused = answer("400 Bad Request", "", r#"{"error":{"message":"no such parameter"}}"#);
    let (az, ended, count) = run_against(vec![refused]);
    assert_eq!((ended.code, count), (Some(65), 1), "{ended:?}");
    assert!(ended.stderr.contains("no such parameter"), "{ended:?}");
    let task = az.shown(&az.only_id());
    assert_eq!((&task["status"], &task["entries"]), (&"failed".into(), &serde_json::json!([])));
}

#[test]
fn a_wrong_key_is_named_and_not_shown() {
    let echo = format!(r#"{{"error":{{"message":"Incorrect API key provided: {CANARY}."}}}}"#);
    let (az, ended, count) = run_against(vec![answer("401 Unauthorized", "", &echo)]);
    assert_eq!((ended.code, count), (Some(77), 1), "{ended:?}");
    assert!(ended.stderr.contains("OPENAI_API_KEY"), "{ended:?}");
    let id = az.only_id();
    let logs = az.ok(&["task", "logs", &id, "--format", "json"]);
    let sinks = [ended.stderr, ended.stdout, logs, az.ok(&["task", "show", &id])];
    assert!(sinks.iter().all(|sink| !sink.contains(CANARY)), "the key is shown: {sinks:#?}");
}

#[test]
fn an_unreachable_provider_is_retried_and_then_reported() {
    let az = Az::new()
        .with_var("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .with_var("OPENAI_API_KEY", CANARY);
    let ended = az.az(&["task", "run", "how is it?", "--model", "m"]);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains("cannot be reached"), "{ended:?}");
}
