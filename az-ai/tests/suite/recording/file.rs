//! Recordings as files: begun, added to, damaged, and written by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use az_ai::chat::ChatRequest;
use az_ai::client::LlmClient;
use az_ai::error::Result;
use az_ai::recording::{Header, RecordedClient, ReplayClient};
use az_ai::scripted::{Line, ScriptedClient};

const HEADER: &str = r#"{"format":"az-recording","version":1,"provider":"p","model":"m"}"#;

fn to_file(path: &Path, model: &str, answer: &str) -> Result<RecordedClient> {
    let client = ScriptedClient::new([Line::text(answer)]);
    let header = Header::of(&client, model).with_note("a test");
    RecordedClient::to_file(Arc::new(client), &header, path)
}

fn recording() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.jsonl");
    (dir, path)
}

#[tokio::test]
async fn a_file_is_added_to_and_has_one_header() {
    let (_dir, path) = recording();
    for answer in ["one", "two"] {
        let client = to_file(&path, "m", answer).unwrap();
        client.chat(&ChatRequest::prompt("m", answer)).await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    let played = ReplayClient::from_json_lines(&text).unwrap();
    assert_eq!(played.header().note.as_deref(), Some("a test"));
    for answer in ["two", "one"] {
        let reply = played.chat(&ChatRequest::prompt("m", answer)).await.unwrap();
        assert_eq!(reply.reply.text, answer);
    }
}

#[test]
fn a_file_that_holds_anything_else_is_left_alone() {
    let (_dir, path) = recording();
    let whole = format!("{HEADER}\n");
    for (content, reason) in [
        ("dear diary\n", "this is no recording, which begins with {\"format\":\"az-recording\"…"),
        (whole.as_str(), "is a recording of m by p, not of m by scripted; name another file"),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = to_file(&path, "m", "x").unwrap_err().to_string();
        assert!(error.ends_with(reason), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    std::fs::write(&path, whole.trim_end().replace("\"p\"", "\"scripted\"")).unwrap();
    let error = to_file(&path, "m", "x").unwrap_err().to_string();
    assert!(error.ends_with("is not whole; remove it"), "{error}");
}

#[test]
fn what_is_wrong_with_a_recording_is_said_with_its_line() {
    let good = r#"{"place":0,"task":"go","outcome":{"failed":{"what":"truncated"}}}"#;
    let torn = r#"{"place":0,"task":"go","pieces":[[1,{"text":"a"}]],"outcome":{"replied":{"reply":{"text":"b"}}}}"#;
    let newer = HEADER.replace(":1,", ":2,");
    for (text, reason) in [
        (String::new(), "it is empty: nothing was recorded"),
        (good.to_owned(), "line 1: this is no recording"),
        (newer, "line 1: the recording has version 2, and this program reads 1; record it anew"),
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
fn a_last_line_that_was_cut_off_is_passed_over() {
    let good = r#"{"place":0,"task":"go","outcome":{"failed":{"what":"truncated"}}}"#;
    for end in 1..good.len() {
        let text = format!("{HEADER}\n{good}\n{}", &good[..end]);
        assert_eq!(ReplayClient::from_json_lines(&text).unwrap().exchanges().len(), 1);
    }
}
