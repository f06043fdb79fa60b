//! The bundled recording: it can be replayed, its costs are right, and its tool calls succeed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use az_ai::chat::{ChatRequest, Message, ToolDefinition};
use az_ai::client::LlmClient;
use az_ai::recording::{Exchange, Outcome, ReplayClient, Replied};
use az_core::cost::Usage;
use az_core::journal::ToolCall;
use az_core::{ErrorKind, Usd};
use serde_json::json;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../az-cli/demo")
}

fn demo() -> ReplayClient {
    ReplayClient::from_json_lines(&fs::read_to_string(folder().join("demo.jsonl")).unwrap())
        .unwrap()
}

fn replied(exchange: &Exchange) -> Option<&Replied> {
    match &exchange.outcome {
        Outcome::Replied(replied) => Some(replied),
        Outcome::Failed(_) | Outcome::Dropped => None,
    }
}

#[test]
fn the_demo_has_consecutive_positions_and_a_note() {
    let demo = demo();
    let places: Vec<_> = demo.exchanges().iter().map(|exchange| exchange.place).collect();
    assert_eq!(places, [0, 1, 2, 2, 3, 4, 5, 6, 7, 8]);
    let tasks = demo.exchanges().iter().all(|exchange| {
        exchange.task == demo.exchanges()[0].task && exchange.task_digest.is_none()
    });
    assert!(tasks, "the exchanges are of more than one task");
    let note = demo.header().note.as_deref().unwrap();
    assert!(note.starts_with("Written by hand"), "{note}");
    assert_eq!((demo.provider(), demo.header().model.as_str()), ("demo", "demo-1"));
    let millis: u64 = demo.exchanges().iter().map(|exchange| exchange.millis).sum();
    assert!((8_000..15_000).contains(&millis), "it takes {millis} ms");
}

/// $3 for a million tokens of input, $15 of output, $3.75 written to a cache, $0.30 read from it.
fn cost(usage: &Usage) -> Usd {
    let parts = [
        (usage.input, 3_000),
        (usage.output, 15_000),
        (usage.cache_write_5m, 3_750),
        (usage.cache_read, 300),
    ];
    parts.iter().map(|(n, nanos)| Usd::from_nanos(i64::try_from(*n).unwrap() * nanos)).sum()
}

#[test]
fn the_demos_costs_match_usage_and_estimates() {
    let demo = demo();
    let mut sum = Usd::ZERO;
    for exchange in demo.exchanges() {
        let Some(replied) = replied(exchange) else { continue };
        let usage = replied.usage.as_ref().unwrap();
        assert_eq!(replied.cost, Some(cost(usage)), "turn {}", exchange.place);
        assert!(replied.cost <= exchange.quote.max_cost, "turn {}", exchange.place);
        sum = sum.plus(replied.cost.unwrap());
    }
    assert_eq!(sum.to_string(), "$0.0395967");
}

/// Executes a call as the tool of that name would.
fn carry_out(call: &ToolCall, workspace: &Path) -> String {
    let argument = |name: &str| call.arguments[name].as_str().unwrap();
    match call.name.as_str() {
        "filesystem.list" => "orders.csv\nreport.csv\ntotals.sh".to_owned(),
        "filesystem.read" => fs::read_to_string(workspace.join(argument("path"))).unwrap(),
        "filesystem.write" => {
            fs::write(workspace.join(argument("path")), argument("content")).unwrap();
            "written".to_owned()
        }
        "shell.execute" => {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(argument("command")).current_dir(workspace);
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        }
        other => panic!("{other} is no tool of the demonstration"),
    }
}

fn tool(name: &str) -> ToolDefinition {
    ToolDefinition::new(name, "", json!({"type": "object"}))
}

#[tokio::test]
#[cfg(unix)]
async fn the_demos_tool_calls_succeed() {
    let workspace = tempfile::tempdir().unwrap();
    for file in ["orders.csv", "report.csv", "totals.sh"] {
        fs::copy(folder().join("workspace").join(file), workspace.path().join(file)).unwrap();
    }
    let demo = demo();
    let task = demo.exchanges()[0].task.clone();
    let tools = ["filesystem.list", "filesystem.read", "filesystem.write", "shell.execute"];
    let mut request = ChatRequest::new("demo-1", vec![Message::system("…"), Message::user(task)])
        .with_tools(tools.map(tool).to_vec());
    let (mut results, mut failures, mut parallel) = (Vec::new(), 0, 0);
    let answer = loop {
        let reply = match demo.complete(&request).await {
            Ok(reply) => reply.reply,
            Err(error) => {
                let wait = error.retry_after().map(|wait| wait.as_millis());
                assert_eq!((error.kind(), wait), (ErrorKind::RateLimited, Some(1_000)));
                failures += 1;
                continue;
            }
        };
        if reply.calls.is_empty() {
            break reply.text;
        }
        parallel += usize::from(reply.calls.len() > 1);
        request.messages.push(Message::assistant(reply.clone()));
        for call in &reply.calls {
            let text = carry_out(call, workspace.path());
            request.messages.push(Message::tool(&call.id, &call.name, &text));
            results.push(text);
        }
    };
    assert_eq!((failures, parallel, demo.played()), (1, 1, 10));
    // The first correction is not sufficient, and a result shows it.
    let short = "region,total\neast,380.00\nnorth,151.00\nsouth,332.00\n-- not five fields:\n\
                 2026-01-15,north,\"lamp, tall\",2,30.00\n";
    assert_eq!(results[5], short);
    let report = "region,total\neast,380.00\nnorth,211.00\nsouth,332.00\n";
    assert_eq!(results[7], format!("{report}report: 923.00\norders: 923.00\n"));
    assert_eq!(fs::read_to_string(workspace.path().join("report.csv")).unwrap(), report);
    let summary = fs::read_to_string(workspace.path().join("SUMMARY.md")).unwrap();
    for figure in ["380.00", "211.00", "332.00", "923.00"] {
        assert!(summary.contains(figure) && answer.contains(figure), "{figure} is not told");
    }
}
