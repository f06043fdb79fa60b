//! Models that misbehave: each of `misbehaving/models.toml` is played by a server, and its task has to end as
//! the list says.

use std::cell::Cell;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::{Answer, Request, answer, not_found, serve, sse};
use crate::support::Az;

/// The share of models whose tasks have to end as the list says.
const BAR: f64 = 0.95;
/// The document with the table.
const DOCUMENT: &str = "../docs/misbehaving-models.md";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    model: Vec<Model>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: String,
    #[serde(default)]
    until: Option<String>,
    turns: Vec<Turn>,
    ends: End,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    file: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    Completed,
    Failed,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Turn {
    sees: Option<String>,
    text: String,
    reasoning: String,
    calls: Calls,
    finish: Option<String>,
    cut: bool,
    status: Option<u16>,
    body: String,
    events: Option<Vec<String>>,
    times: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Calls {
    Written(Vec<(String, String)>),
    /// A name of a long list.
    Named(String),
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            sees: None,
            text: String::new(),
            reasoning: String::new(),
            calls: Calls::Written(Vec::new()),
            finish: None,
            cut: false,
            status: None,
            body: String::new(),
            events: None,
            times: 1,
        }
    }
}

impl Turn {
    fn calls(&self, number: usize) -> Vec<(String, String)> {
        let reads = |count: usize| {
            let read = |i: usize| {
                let path = if i == 0 { "a.txt".to_owned() } else { format!("f{i}") };
                ("filesystem.read".to_owned(), json!({ "path": path }))
            };
            (0..count).map(read).map(|(name, call)| (name, call.to_string())).collect()
        };
        match &self.calls {
            Calls::Named(name) if name == "@THIRTY_READS@" => reads(30),
            Calls::Named(name) if name == "@TWO_HUNDRED_READS@" => reads(200),
            Calls::Named(name) => panic!("unknown list {name}"),
            Calls::Written(calls) => {
                let nested = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
                let filled = |text: &String| {
                    text.replace("@NESTED@", &nested)
                        .replace("@LONG@", &"x".repeat(10_000))
                        .replace("@TURN@", &number.to_string())
                };
                calls.iter().map(|(name, args)| (filled(name), filled(args))).collect()
            }
        }
    }

    /// Returns the reply to a request with this number.
    fn answer(&self, number: usize) -> Answer {
        if let Some(status) = self.status {
            let phrase = if status == 200 { "OK" } else { "Error" };
            return answer(&format!("{status} {phrase}"), "", &self.body);
        }
        if let Some(events) = &self.events {
            return sse(&events.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let delta = |delta: Value| {
            json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}).to_string()
        };
        let mut events = Vec::new();
        if !self.reasoning.is_empty() {
            events.push(delta(json!({"reasoning_content": self.reasoning})));
        }
        if !self.text.is_empty() {
            events.push(delta(json!({"content": self.text})));
        }
        let calls = self.calls(number);
        for (index, (name, arguments)) in calls.iter().enumerate() {
            let id = format!("call_{number}_{index}");
            let function = json!({"name": name, "arguments": arguments});
            let call = json!({"index": index, "id": id, "type": "function", "function": function});
            events.push(delta(json!({"tool_calls": [call]})));
        }
        if !self.cut {
            let usual = if calls.is_empty() { "stop" } else { "tool_calls" };
            let finish = self.finish.as_deref().unwrap_or(usual);
            let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]});
            let tokens = if finish == "length" { 4096 } else { 9 };
            let usage = json!({"prompt_tokens": 900, "completion_tokens": tokens});
            let usage = json!({"choices": [], "usage": usage});
            events.extend([last.to_string(), usage.to_string(), "[DONE]".to_owned()]);
        }
        sse(&events.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// Adds all texts in a value.
fn collect_texts(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| collect_texts(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the texts of the messages after the last reply of the model.
fn said_since(request: &Request) -> String {
    let messages = request.body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.iter().rposition(|message| message["role"] == "assistant");
    let mut texts = String::new();
    let since = messages.iter().skip(last.map_or(0, |last| last + 1));
    since.for_each(|message| collect_texts(&message["content"], &mut texts));
    texts
}

/// Plays a model; returns how its task ended.
///
/// # Errors
///
/// What is not as the list says.
fn play(model: &Model) -> Result<String, String> {
    let turns: Vec<Turn> =
        model.turns.iter().flat_map(|turn| std::iter::repeat_n(turn.clone(), turn.times)).collect();
    let unseen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&unseen);
    let next = Cell::new(0);
    let (address, _) = serve(move |request: &Request| {
        if request.line.starts_with("GET ") {
            return not_found();
        }
        let number = next.get();
        next.set(number + 1);
        let turn = turns.get(number).or(turns.last()).unwrap();
        if let Some(sees) = &turn.sees
            && number < turns.len()
            && !said_since(request).contains(sees)
        {
            let said = said_since(request);
            let said: String = said.chars().take(300).collect();
            noted.lock().unwrap().push(format!("turn {number} does not see {sees:?} in {said:?}"));
        }
        turn.answer(number)
    });
    let az = Az::new().with_var("OPENAI_BASE_URL", address);
    az.file("a.txt", "the text of a\n");
    let lines = (1..=4000).map(|n| format!("line {n}\n")).collect::<String>();
    az.file("big.txt", &lines);
    fs::create_dir(az.work().join("notes")).unwrap();
    let task = "Read a.txt and say what it says";
    let mut args = vec!["task", "run", task, "--model", "openai/m", "--allow", "shell.execute"];
    args.extend(["--max-steps", "20"]);
    args.extend(model.until.iter().flat_map(|check| ["--until", check]));
    let ended = az.az(&args);
    let shown = az.shown(&az.only_id());
    let reason = shown["failure"]["message"].as_str().unwrap_or_default();
    let outcome = match ended.code {
        Some(0) => format!("completed: {}", ended.stdout.trim_end()),
        _ => format!("failed: {reason}"),
    };
    if let Some(unseen) = unseen.lock().unwrap().first() {
        return Err(format!("{unseen}; {outcome}"));
    }
    let is_as_expected = match model.ends {
        End::Completed => {
            let expected = model.answer.as_ref().map(|answer| format!("{answer}\n"));
            ended.code == Some(0) && expected == Some(ended.stdout.clone())
        }
        End::Failed => {
            let expected = model.error.as_deref().unwrap_or_default();
            matches!(ended.code, Some(1..=127))
                && shown["status"] == "failed"
                && (reason.contains(expected) || ended.stderr.contains(expected))
        }
    };
    let has_file = model.file.as_ref().is_none_or(|content| {
        fs::read_to_string(az.work().join("out.txt")).is_ok_and(|found| found == *content)
    });
    match is_as_expected && has_file {
        true => Ok(outcome),
        false => Err(format!("{outcome}; exit {:?}: {}", ended.code, ended.stderr)),
    }
}

#[test]
fn tasks_of_models_that_misbehave_recover_or_end_with_a_clear_failure() {
    let list = fs::read_to_string("tests/cli/misbehaving/models.toml").unwrap();
    let list: List = toml::from_str(&list).unwrap();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(model) = list.model.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = play(model);
                    results.lock().unwrap().push((model, result));
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let failures: Vec<String> = results
        .iter()
        .filter_map(|(model, result)| Some(format!("{}: {}", model.name, result.as_ref().err()?)))
        .collect();
    #[expect(clippy::print_stderr, reason = "failures are printed, also below the bar")]
    for failure in &failures {
        eprintln!("{failure}");
    }
    let share = 1.0 - failures.len() as f64 / list.model.len() as f64;
    assert!(list.model.len() >= 60 && share >= BAR, "{share}: {failures:#?}");
    check_document(&list, &failures);
}

/// Checks the table of the document, or writes it.
fn check_document(list: &List, failures: &[String]) {
    let mut table = String::from("| The model | The task |\n|---|---|\n");
    for model in &list.model {
        let end = match model.ends {
            _ if failures.iter().any(|f| f.starts_with(&format!("{}:", model.name))) => {
                "**not handled**".to_owned()
            }
            End::Completed => "recovers, and completes".to_owned(),
            End::Failed => format!("fails: “{}”", model.error.as_deref().unwrap_or_default()),
        };
        writeln!(table, "| {} | {end} |", model.name).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let document = fs::read_to_string(&path).unwrap();
    let (before, after) = document.split_once("<!-- table -->\n").unwrap();
    let (_, after) = after.split_once("<!-- end -->").unwrap();
    let expected = format!("{before}<!-- table -->\n{table}<!-- end -->{after}");
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::write(&path, expected).unwrap();
    } else {
        assert_eq!(document, expected, "AZ_UPDATE_DOCS=1 writes the table");
    }
}
