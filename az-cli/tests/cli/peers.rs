//! Real OpenAI-compatible servers that are not ours: aimock, and LiteLLM's proxy in front of it.
//! `.ci/peers` installs them where `AZ_PEERS` says.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Az;

/// A server, ended with the test.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn peers() -> Option<PathBuf> {
    let found = std::env::var_os("AZ_PEERS").map(PathBuf::from).filter(|dir| dir.is_dir());
    if found.is_none() {
        eprintln!("skipped: no peers; `.ci/peers` installs them, AZ_PEERS says where");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(mut command: Command, port: u16, patience: Duration) -> Server {
    let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut server = Server { process: process.unwrap(), port };
    let given_up = Instant::now() + patience;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(server.process.try_wait().unwrap().is_none(), "the peer ended at once");
        assert!(Instant::now() < given_up, "the peer does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

fn aimock(peers: &Path, fixtures: &Path, chaos: &[&str]) -> Server {
    let port = free_port();
    let mut command = Command::new("node");
    command
        .arg(peers.join("node_modules/@copilotkit/aimock/dist/cli.js"))
        .args(["-p", &port.to_string(), "--log-level", "silent", "-f"])
        .arg(fixtures)
        .args(chaos);
    start(command, port, Duration::from_secs(20))
}

fn litellm(peers: &Path, upstream: u16, dir: &Path) -> Server {
    let port = free_port();
    let config = dir.join("litellm.yaml");
    let yaml = format!(
        "model_list:\n  - model_name: mock-model\n    litellm_params:\n      \
         model: openai/mock-model\n      api_base: http://127.0.0.1:{upstream}/v1\n      \
         api_key: sk-upstream\ngeneral_settings:\n  master_key: {KEY}\n"
    );
    fs::write(&config, yaml).unwrap();
    let mut command = Command::new(peers.join("venv/bin/litellm"));
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--num_workers", "1"])
        .arg("--config")
        .arg(config)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("NO_PROXY", "127.0.0.1");
    start(command, port, Duration::from_secs(120))
}

const KEY: &str = "sk-a-long-master-key-for-tests-0123456789";

/// Two tool calls at once, then one that writes, then the answer.
fn fixtures(dir: &Path) -> PathBuf {
    let call =
        |name: &str, arguments: Value| json!({"name": name, "arguments": arguments.to_string()});
    let turn = |index: usize, response: Value| json!({"match": {"userMessage": "look around", "turnIndex": index}, "response": response});
    let fixtures = json!({"fixtures": [
        turn(0, json!({"toolCalls": [
            call("filesystem_list", json!({"path": "."})),
            call("filesystem_read", json!({"path": "a.txt"})),
        ]})),
        turn(1, json!({"toolCalls": [
            call("filesystem_write", json!({"path": "b.txt", "content": "seen", "append": true})),
        ]})),
        turn(2, json!({"content": "There is a.txt, and it says hello."})),
        {"match": {"userMessage": "too much"},
         "response": {"error": {"message": "Rate limited", "type": "rate_limit_error"}, "status": 429}},
        {"match": {"userMessage": "nonsense"},
         "response": {"error": {"message": "Bad parameter", "type": "invalid_request_error"}, "status": 400}},
    ]});
    let path = dir.join("fixtures.json");
    fs::write(&path, fixtures.to_string()).unwrap();
    path
}

fn az_at(server: &Server) -> Az {
    let az = Az::new()
        .with_var("OPENAI_BASE_URL", format!("http://127.0.0.1:{}/v1", server.port))
        .with_var("OPENAI_API_KEY", KEY);
    az.file("a.txt", "hello");
    az
}

#[track_caller]
fn does_the_task(server: &Server) {
    let az = az_at(server);
    let ended = az.az(&["task", "run", "look around", "--model", "mock-model"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.trim(), "There is a.txt, and it says hello.");
    assert_eq!(az.read("b.txt"), "seen");
    let task = az.shown(&az.only_id());
    assert_eq!((&task["steps"], &task["tool_calls"]), (&json!(3), &json!(3)));
    assert!(task["actual_tokens"].as_u64().unwrap() > 0, "usage is recorded: {task}");
}

#[test]
fn aimock_and_litellm_do_the_same_task() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mock = aimock(&peers, &fixtures(dir.path()), &[]);
    does_the_task(&mock);
    fails_as_it_should(&mock);
    let proxy = litellm(&peers, mock.port, dir.path());
    does_the_task(&proxy);
    let az = az_at(&proxy).with_var("OPENAI_API_KEY", "sk-wrong");
    let ended = az.az(&["task", "run", "look around", "--model", "mock-model"]);
    // The proxy says 400 or 401 for a key that it does not know.
    assert!(matches!(ended.code, Some(65 | 77)), "{ended:?}");
}

#[track_caller]
fn fails_as_it_should(mock: &Server) {
    let az = az_at(mock);
    let limited = az.az(&["task", "run", "too much", "--model", "mock-model"]);
    assert_eq!(limited.code, Some(75), "{limited:?}");
    assert!(limited.stderr.contains("Rate limited"), "{limited:?}");
    let refused = az.az(&["task", "run", "nonsense", "--model", "mock-model"]);
    assert_eq!(refused.code, Some(65), "{refused:?}");
    assert!(refused.stderr.contains("Bad parameter"), "{refused:?}");
}

/// Rate limits, garbage and broken connections at random: every task ends, done or with a typed
/// failure, and appends its line at most once.
#[test]
fn in_chaos_every_task_ends_and_no_effect_is_doubled() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().unwrap();
    let chaos = ["--chaos-disconnect", "0.15", "--chaos-malformed", "0.1", "--chaos-drop", "0.1"];
    let mock = aimock(&peers, &fixtures(dir.path()), &chaos);
    let (mut done, mut failed) = (0, 0);
    for _ in 0..12 {
        let az = az_at(&mock);
        let ended = az.az(&["task", "run", "look around", "--model", "mock-model"]);
        match ended.code {
            Some(0) => done += 1,
            Some(69 | 76) => failed += 1,
            code => panic!("{code:?}: {ended:?}"),
        }
        let effect = az.read("b.txt");
        assert!(effect.is_empty() || effect == "seen", "{effect}");
        assert!(ended.code != Some(0) || effect == "seen", "done without its effect");
    }
    eprintln!("in chaos: {done} done, {failed} failed with a typed error");
    assert!(done > 0, "none of 12 was done");
}
