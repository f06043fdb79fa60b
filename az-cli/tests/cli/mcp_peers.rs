//! Real MCP servers: the reference servers of the protocol, of both eras, in Node and Python. `.ci/peers`
//! installs them where `AZ_PEERS` says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::peers::servers::{free_port, peers, start};
use crate::support::Az;

/// How long a server in Node may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns the program of a server in Node; `None`, which is said, if it is not installed.
fn node(peers: &Path, name: &str) -> Option<PathBuf> {
    installed(peers.join(format!("node_modules/@modelcontextprotocol/server-{name}/dist/index.js")))
}

/// Returns the program of a server in Python.
fn python(peers: &Path, name: &str) -> Option<PathBuf> {
    installed(peers.join(format!("mcp-venv/bin/mcp-server-{name}")))
}

fn installed(path: PathBuf) -> Option<PathBuf> {
    let is_there = path.exists();
    if !is_there {
        eprintln!("skipped: {} is not there; `.ci/peers` installs it", path.display());
    }
    is_there.then_some(path)
}

#[track_caller]
fn add(az: &Az, name: &str, command: &[&str]) -> Value {
    let added = az.ok(&[&["mcp", "add", name, "--yes", "--json", "--"], command].concat());
    serde_json::from_str(&added).unwrap()
}

#[track_caller]
fn call(az: &Az, tool: &str, arguments: &Value) -> Value {
    let called = az.ok(&["tools", "call", tool, &arguments.to_string(), "--yes", "--json"]);
    serde_json::from_str(&called).unwrap()
}

#[test]
fn the_reference_servers_of_both_eras_list_and_call_their_tools() {
    let Some(peers) = peers() else { return };
    let az = Az::new();
    az.file("notes.txt", "some notes");
    let work = az.work().to_str().unwrap().to_owned();
    assert!(az.command_of(Path::new("git"), ["init", "-q"]).status().unwrap().success());
    for (name, program, args, era, tool, arguments, says) in [
        (
            "everything",
            node(&peers, "everything"),
            vec!["stdio"],
            "legacy",
            "echo",
            json!({"message": "hello"}),
            "hello",
        ),
        (
            "files",
            node(&peers, "filesystem"),
            vec![work.as_str()],
            "modern",
            "read_text_file",
            json!({"path": format!("{work}/notes.txt")}),
            "some notes",
        ),
        ("memory", node(&peers, "memory"), vec![], "legacy", "read_graph", json!({}), "entities"),
        (
            "time",
            python(&peers, "time"),
            vec![],
            "modern",
            "get_current_time",
            json!({"timezone": "Asia/Tokyo"}),
            "Asia/Tokyo",
        ),
        (
            "git",
            python(&peers, "git"),
            vec![],
            "modern",
            "git_status",
            json!({"repo_path": work}),
            "branch",
        ),
    ] {
        let Some(program) = program else { continue };
        let program = program.to_str().unwrap();
        let interpreter = if program.ends_with(".js") { vec!["node"] } else { vec![] };
        let added = add(&az, name, &[&interpreter[..], &[program], &args].concat());
        assert_eq!(added["era"], era, "{added}");
        let result = call(&az, &format!("mcp__{name}__{tool}"), &arguments);
        assert_eq!(result["success"], true, "{result}");
        assert!(result.to_string().contains(says), "{result}");
    }
}

#[test]
fn a_task_has_the_tools_of_two_servers() {
    let Some(peers) = peers() else { return };
    let (Some(memory), Some(time)) = (node(&peers, "memory"), python(&peers, "time")) else {
        return;
    };
    let az = Az::new();
    add(&az, "memory", &["node", memory.to_str().unwrap()]);
    add(&az, "time", &[time.to_str().unwrap()]);
    let entity = json!({"name": "Ada", "entityType": "person", "observations": ["counts"]});
    let calls = json!({"calls": [
        {"name": "mcp__memory__create_entities", "arguments": {"entities": [entity]}},
        {"name": "mcp__time__get_current_time", "arguments": {"timezone": "Europe/Berlin"}},
    ]});
    az.file("steps.jsonl", &format!("{calls}\n{}\n", json!({"text": "done"})));
    let allow = ["mcp__memory__create_entities", "mcp__time__get_current_time"];
    let run = ["task", "run", "remember", "--model", "scripted:steps.jsonl"];
    let done = az.ok(&[&run[..], &["--allow", allow[0], "--allow", allow[1]]].concat());
    assert_eq!(done.trim(), "done");
    let logs = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    assert!(logs.contains("Europe/Berlin") && logs.contains("\"outcome\":\"done\""), "{logs}");
}

#[test]
fn a_server_over_http_is_used_with_its_images_resources_and_prompts() {
    let Some(peers) = peers() else { return };
    let Some(everything) = node(&peers, "everything") else { return };
    let port = free_port();
    let mut command = Command::new("node");
    command.arg(everything).arg("streamableHttp").env("PORT", port.to_string());
    let server = start(command, port, PATIENCE);
    let az = Az::new();
    let url = format!("http://127.0.0.1:{}/mcp", server.port);
    let added = az.ok(&["mcp", "add", "everything", "--yes", "--json", "--url", &url]);
    let added: Value = serde_json::from_str(&added).unwrap();
    assert_eq!(added["era"], "legacy", "{added}");
    let image = call(&az, "mcp__everything__get-tiny-image", &json!({}));
    assert_eq!(image["content"][0]["mime_type"], "image/png", "{image}");
    assert!(az.ok(&["mcp", "resources", "everything"]).lines().count() > 2);
    let prompt = ["mcp", "prompts", "everything", "args-prompt", "city=Berlin"];
    assert!(az.ok(&prompt).contains("Berlin"));
}
