//! Recording files: new, appended to, damaged, and written by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use az_ai::chat::ChatRequest;
use az_ai::client::{Capabilities, LlmClient};
use az_ai::error::Result;
use az_ai::recording::{Header, RecordedClient, ReplayClient};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::Usd;
use az_core::cost::Usage;
use futures_util::{StreamExt, future};
use serde_json::{Value, json};

use super::support::Paper;

const HEADER: &str = r#"{"format":"az-recording","version":1,"provider":"p","model":"m"}"#;

fn to_file(path: &Path, model: &str, answer: &str) -> Result<RecordedClient> {
    let client = ScriptedClient::new([ScriptedReply::text(answer)]);
    let header = Header::of(&client, model).with_note("a test");
    RecordedClient::to_file(Arc::new(client), &header, path)
}

fn recording() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.jsonl");
    (dir, path)
}

#[cfg(unix)]
#[test]
fn a_new_file_can_be_read_by_the_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = recording();
    to_file(&path, "m", "one").unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_is_appended_to_and_has_one_header() {
    let (_dir, path) = recording();
    for answer in ["one", "two"] {
        let client = to_file(&path, "m", answer).unwrap();
        client.complete(&ChatRequest::prompt("m", answer)).await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    let played = ReplayClient::from_json_lines(&text).unwrap();
    assert_eq!(played.header().note.as_deref(), Some("a test"));
    for answer in ["two", "one"] {
        let reply = played.complete(&ChatRequest::prompt("m", answer)).await.unwrap();
        assert_eq!(reply.reply.text, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn the_format_of_recordings_is_stable() {
    let paper = Paper::default();
    let line = ScriptedReply { reasoning: "hm".to_owned(), ..ScriptedReply::text("one two") };
    let usage = Usage::tokens(3, 2);
    let line = line.with_call("a.b", json!({"x": 1})).with_usage(usage, Usd::from_nanos(5));
    let client = paper.record(ScriptedClient::new([line]));
    let request = ChatRequest::prompt("m", "go\nnow");
    client.stream(&request).collect::<Vec<_>>().await;
    let lines: Vec<Value> =
        paper.writes().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let header = json!({
        "format": "az-recording",
        "version": 2,
        "made_by": concat!("az ", env!("CARGO_PKG_VERSION")),
        "provider": "scripted",
        "model": "m",
        "capabilities": Capabilities::FULL,
    });
    let exchange = json!({
        "place": 0,
        "task": "go…",
        "task_digest": "f1b8a6117a415065672201ad81c53a706b53e37d96158adf76550208697973fb",
        "said": "go…",
        "digest": lines[1]["digest"],
        "quote": {"max_cost": 5, "estimated_tokens": az_ai::estimate::tokens(&request)},
        "pieces": [
            [0, {"reasoning": "hm"}],
            [0, {"text": "one two"}],
            [0, {"call": {"index": 0, "id": "call_0_0", "name": "a.b"}}],
            [0, {"arguments": {"index": 0, "text": "{\"x\":1}"}}],
        ],
        "millis": 0,
        "outcome": {"replied": {
            "reply": {
                "text": "one two",
                "reasoning": "hm",
                "calls": [{"id": "call_0_0", "name": "a.b", "arguments": {"x": 1}}],
                "finish": "tool_calls",
                "stop": "tool_calls",
            },
            "usage": {"input": 3, "output": 2},
            "cost": 5,
            "model": "m",
        }},
    });
    assert_eq!(lines, [header, exchange]);
    assert_eq!(lines[1]["digest"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn concurrent_writers_do_not_split_lines() {
    let (_dir, path) = recording();
    let answers = ["a".repeat(20_000), "b".repeat(20_000)];
    let clients = answers.each_ref().map(|answer| to_file(&path, "m", answer).unwrap());
    let calls = (0..40).map(|n| {
        let client = clients[n % 2].clone();
        async move { client.complete(&ChatRequest::prompt("m", n.to_string())).await.unwrap() }
    });
    future::join_all(calls).await;
    drop(clients);
    let played = ReplayClient::from_json_lines(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(played.exchanges().len(), 40);
}

#[test]
fn a_file_with_other_content_is_not_changed() {
    let (_dir, path) = recording();
    let whole = format!("{HEADER}\n");
    for (content, reason) in [
        (
            "dear diary\n",
            "not a recording; the first line must begin with {\"format\":\"az-recording\"…",
        ),
        (whole.as_str(), "is a recording of m by p, not of m by scripted; name another file"),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = to_file(&path, "m", "x").unwrap_err().to_string();
        assert!(error.ends_with(reason), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn an_incomplete_last_line_is_removed_before_appending() {
    let header = HEADER.replace("\"p\"", "\"scripted\"");
    for cut in [header.clone(), format!("{header}\n{{\"place\":0,\"ta")] {
        let (_dir, path) = recording();
        std::fs::write(&path, cut).unwrap();
        let client = to_file(&path, "m", "x").unwrap();
        client.complete(&ChatRequest::prompt("m", "go")).await.unwrap();
        drop(client);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(ReplayClient::from_json_lines(&text).unwrap().exchanges().len(), 1, "{text}");
    }
}

#[test]
fn errors_in_a_recording_have_their_line() {
    let good = r#"{"place":0,"task":"go","outcome":{"failed":{"what":"truncated"}}}"#;
    let torn = r#"{"place":0,"task":"go","pieces":[[1,{"text":"a"}]],"outcome":{"replied":{"reply":{"text":"b"}}}}"#;
    let newer = HEADER.replace(":1,", ":3,");
    for (text, reason) in [
        (String::new(), "it is empty: nothing was recorded"),
        (good.to_owned(), "line 1: not a recording"),
        (
            newer,
            "line 1: the recording has version 3, and this program reads versions 1 to 2; \
             record it again, or use a newer az",
        ),
        (
            format!("{HEADER}\n{{\"place\":0}}\n"),
            "line 2: missing field `task`; correct or remove it",
        ),
        (format!("{HEADER}\n\n# nonsense\n{good}\n{{]\n{good}\n"), "line 5: key must be a string"),
        (format!("{HEADER}\n{}\n", good.replace("task", "tsak")), "line 2: unknown field `tsak`"),
        (format!("{HEADER}\n{torn}\n"), "line 2: the pieces do not add up to the reply"),
        (format!("{HEADER}\n{}\n", &good[..20]), "line 2: EOF while parsing"),
    ] {
        let error = ReplayClient::from_json_lines(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn both_versions_are_read() {
    let exchange = r#"{"place":0,"task":"go","outcome":{"failed":{"what":"truncated"}}}"#;
    for header in [HEADER.to_owned(), HEADER.replace(":1,", ":2,")] {
        let replay = ReplayClient::from_json_lines(&format!("{header}\n{exchange}\n")).unwrap();
        assert_eq!(replay.exchanges().len(), 1, "{header}");
    }
}

#[test]
fn an_incomplete_last_line_is_ignored() {
    let good = r#"{"place":0,"task":"go","outcome":{"failed":{"what":"truncated"}}}"#;
    for end in 1..good.len() {
        let text = format!("{HEADER}\n{good}\n{}", &good[..end]);
        assert_eq!(ReplayClient::from_json_lines(&text).unwrap().exchanges().len(), 1);
    }
}
