//! Tests of `process.list`.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::Bench;

/// A process that is killed at the end of a test.
struct Running(Child);

impl Running {
    fn new(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn entry_of(bench: &Bench, pid: u32, arguments: Value) -> Option<Value> {
    let output = bench.run("process.list", arguments).await;
    assert!(output.ok, "{}", output.text());
    let entries = output.data.unwrap();
    entries.as_array().unwrap().iter().find(|entry| entry["pid"] == pid).cloned()
}

#[tokio::test]
async fn a_process_is_listed_with_its_parent_user_and_command() {
    let bench = Bench::new();
    let cat = Running::new(Command::new("cat").args(["--", "-", "--token=hunter2"]));
    let pid = cat.0.id();
    // Between fork and exec the child has the name of this program.
    let entry = loop {
        let entry = entry_of(&bench, pid, json!({})).await.unwrap();
        if entry["name"] == "cat" {
            break entry;
        }
    };
    assert_eq!(entry["ppid"], std::process::id());
    assert_eq!(entry["command"], "cat -- - --token=[redacted]");
    assert!(entry["memory_bytes"].is_u64() && entry["cpu_percent"].is_f64(), "{entry}");
    let this = entry_of(&bench, std::process::id(), json!({})).await.unwrap();
    assert_eq!(entry["user"], this["user"]);
    assert!(entry["started_at"].as_str() >= this["started_at"].as_str(), "{entry} {this}");
    let user = entry["user"].clone();
    assert!(entry_of(&bench, pid, json!({"filter": "CAT", "user": user})).await.is_some());
    assert_eq!(entry_of(&bench, pid, json!({"filter": "dog"})).await, None);
    assert_eq!(entry_of(&bench, pid, json!({"user": "no such user"})).await, None);
}

#[tokio::test]
async fn no_part_of_the_result_has_a_secret_of_a_command_line() {
    let bench = Bench::new();
    let secrets =
        ["canary-one", "canary-two", "canary-three", "canary-four", "sk-ant-canary-five-0123"];
    let script = "read line";
    let _running = Running::new(Command::new("sh").args([
        "-c",
        script,
        "sh",
        "--password",
        secrets[0],
        "DB_PASSWORD=canary-two x",
        "https://me:canary-three@example.com/",
        "Authorization: Bearer canary-four",
        secrets[4],
    ]));
    let output = bench.run("process.list", json!({"filter": "sh"})).await;
    let all = format!("{}{}", output.text(), output.data.as_ref().unwrap());
    assert!(all.contains("sh --password [redacted]"), "{all}");
    for secret in secrets {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}
