//! The servers: aimock, and LiteLLM's proxy in front of it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the proxy wants to see.
pub(super) const KEY: &str = "sk-a-long-master-key-for-tests-0123456789";

/// A server, ended with the test.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn peers() -> Option<PathBuf> {
    let found = std::env::var_os("AZ_PEERS").map(PathBuf::from).filter(|dir| dir.is_dir());
    if found.is_none() {
        eprintln!("skipped: no peers; `.ci/peers` installs them, AZ_PEERS says where");
    }
    found
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn start(mut command: Command, port: u16, patience: Duration) -> Server {
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

/// Starts aimock, with faults if any are given.
pub(super) fn aimock(peers: &Path, fixtures: &Path, chaos: &[&str]) -> Server {
    let port = free_port();
    let mut command = Command::new("node");
    command
        .arg(peers.join("node_modules/@copilotkit/aimock/dist/cli.js"))
        .args(["-p", &port.to_string(), "--log-level", "silent", "-f"])
        .arg(fixtures)
        .args(chaos);
    start(command, port, Duration::from_secs(20))
}

/// Starts LiteLLM's proxy, which asks `upstream` over four wires of its own.
pub(super) fn litellm(peers: &Path, upstream: u16, dir: &Path) -> Server {
    let port = free_port();
    let config = dir.join("litellm.yaml");
    let at = format!("http://127.0.0.1:{upstream}");
    let model = |name: &str, model: &str, base: &str| {
        format!(
            "  - model_name: {name}\n    litellm_params:\n      model: {model}\n      \
             api_base: {at}{base}\n      api_key: sk-upstream\n"
        )
    };
    let yaml = [
        "model_list:\n".to_owned(),
        model("mock-openai", "openai/gpt-5.6", "/v1"),
        model("mock-anthropic", "anthropic/claude-sonnet-5-5", ""),
        model("mock-gemini", "gemini/gemini-3.8-flash", "/v1beta"),
        model("mock-ollama", "ollama_chat/qwen3", ""),
        // Models that think take no temperature; the proxy says so unless told to leave it out.
        format!("litellm_settings:\n  drop_params: true\ngeneral_settings:\n  master_key: {KEY}\n"),
    ];
    fs::write(&config, yaml.concat()).unwrap();
    let mut command = Command::new(peers.join("venv/bin/litellm"));
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--num_workers", "1"])
        .arg("--config")
        .arg(config)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("NO_PROXY", "127.0.0.1");
    start(command, port, Duration::from_secs(120))
}

/// Two tool calls at once, then one that writes, then the answer; each turn uses 4,000 tokens in,
/// which is plausible for its prompt, and 20 out.
pub(super) fn fixtures(dir: &Path) -> PathBuf {
    let call =
        |name: &str, arguments: Value| json!({"name": name, "arguments": arguments.to_string()});
    let turn = |index: usize, mut response: Value| {
        response["usage"] = json!({
            "prompt_tokens": 4000, "completion_tokens": 20, "total_tokens": 4020,
            "input_tokens": 4000, "output_tokens": 20,
        });
        json!({"match": {"userMessage": "look around", "turnIndex": index}, "response": response})
    };
    let error = |text: &str, kind: &str, status: u16| json!({"error": {"message": text, "type": kind}, "status": status});
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
         "response": error("Rate limited", "rate_limit_error", 429)},
        {"match": {"userMessage": "nonsense"},
         "response": error("Bad parameter", "invalid_request_error", 400)},
    ]});
    let path = dir.join("fixtures.json");
    fs::write(&path, fixtures.to_string()).unwrap();
    path
}
