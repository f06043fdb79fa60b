//! `az mcp serve`, by the messages of a client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Az, Ended};

/// Returns a message of a client that needs no handshake.
fn request(id: u32, method: &str, params: &Value) -> Value {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn call(id: u32, tool: &str, arguments: &Value) -> Value {
    request(id, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// Sends messages, closes the input, and returns the answers in the order of their ids.
#[track_caller]
fn serve(az: &Az, args: &[&str], messages: &[Value]) -> Vec<Value> {
    let args = [&["mcp", "serve"][..], args].concat();
    let mut command = az.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut input = server.stdin.take().unwrap();
    let discover = request(0, "server/discover", &json!({}));
    for message in [&discover].into_iter().chain(messages) {
        input.write_all(format!("{message}\n").as_bytes()).unwrap();
    }
    drop(input);
    let ended = Ended::from(server.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut answers: Vec<Value> = lines.collect();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    assert_eq!(answers.remove(0)["result"]["capabilities"], json!({"tools": {}}));
    answers
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn a_client_reads_and_writes_files_of_the_workspace() {
    let az = Az::new();
    az.file("notes.txt", "hello\n");
    let read = call(1, "filesystem.read", &json!({"path": "notes.txt"}));
    let write = call(2, "filesystem.write", &json!({"path": "new.txt", "content": "written"}));
    let answers = serve(&az, &[], &[read, write]);
    assert!(text(&answers[0]).contains("hello"), "{answers:?}");
    assert_eq!(answers[1]["result"]["isError"], false, "{answers:?}");
    assert_eq!(az.read("new.txt"), "written");
    let log = az.ok(&["log", "show", "--format", "csv"]);
    for line in ["filesystem.write begins", "filesystem.write returned after"] {
        assert!(log.contains(line), "{line}: {log}");
    }
}

#[test]
fn commands_and_tools_of_tasks_are_not_offered_by_default() {
    let az = Az::new();
    let list = request(1, "tools/list", &json!({}));
    let run = call(2, "shell.execute", &json!({"command": "touch ran"}));
    let answers = serve(&az, &[], &[list.clone(), run.clone()]);
    let offered = names(&answers[0]);
    assert!(offered.contains(&"filesystem.read"), "{offered:?}");
    for hidden in ["shell.execute", "task.spawn", "task.wait", "output.read", "tool.search"] {
        assert!(!offered.contains(&hidden), "{hidden} is offered");
    }
    assert_eq!(answers[1]["error"]["code"], -32602, "{answers:?}");
    let answers = serve(&az, &["--allow", "shell.execute(touch *)"], &[list, run]);
    assert!(names(&answers[0]).contains(&"shell.execute"));
    assert_eq!(answers[1]["result"]["isError"], false, "{answers:?}");
    assert!(az.work().join("ran").exists());
}

#[test]
fn a_call_that_needs_approval_or_is_denied_is_refused_with_the_reason() {
    let az = Az::new();
    let list = call(1, "process.list", &json!({}));
    let write = call(2, "filesystem.write", &json!({"path": "a.txt", "content": "x"}));
    let answers = serve(&az, &["--deny", "filesystem.write"], &[list, write]);
    assert_eq!(answers[0]["result"]["isError"], true);
    let reason = "process.list needs approval, and no one can be asked here";
    assert!(text(&answers[0]).starts_with(reason), "{answers:?}");
    assert!(text(&answers[1]).starts_with("filesystem.write is not allowed"), "{answers:?}");
    assert_eq!(az.read("a.txt"), "");
}

#[test]
fn a_client_gets_no_completion_of_a_model_that_writes_a_file() {
    let az = Az::new();
    let arguments = json!({"prompt": "hi", "model": "record:calls.json"});
    let complete = call(1, "aichat.complete", &arguments);
    let answers = serve(&az, &["--allow", "aichat.complete"], &[complete]);
    let reason = "record:calls.json reads or writes a file";
    assert!(text(&answers[0]).starts_with(reason), "{answers:?}");
    assert_eq!(az.read("calls.json"), "");
}

#[test]
fn chosen_tools_alone_are_offered_in_the_chosen_workspace() {
    let az = Az::new();
    std::fs::create_dir(az.work().join("sub")).unwrap();
    az.file("sub/inner.txt", "inside").file("outer.txt", "outside");
    let list = request(1, "tools/list", &json!({}));
    let inner = call(2, "filesystem.read", &json!({"path": "inner.txt"}));
    let outer = call(3, "filesystem.read", &json!({"path": "../outer.txt"}));
    let args = ["--tools", "filesystem.read", "-C", "sub"];
    let answers = serve(&az, &args, &[list, inner, outer]);
    assert_eq!(names(&answers[0]), ["filesystem.read"]);
    assert!(text(&answers[1]).contains("inside"), "{answers:?}");
    assert_eq!(answers[2]["result"]["isError"], true, "{answers:?}");
    let unknown = az.az(&["mcp", "serve", "--tools", "filesystem.rea"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

/// Returns the data of the result of a call.
fn data(answer: &Value) -> &Value {
    &answer["result"]["structuredContent"]
}

/// Checks `ServeTasks` 1 and 3.
#[test]
fn a_client_hands_over_a_task_and_gets_its_answer() {
    let az = Az::new();
    let arguments =
        json!({"command": "write hello to out.txt", "model": "offline", "budget": 0.5, "wait": 20});
    let answers = serve(&az, &[], &[call(1, "task.run", &arguments)]);
    let ended = data(&answers[0]);
    assert_eq!(ended["status"], "completed", "{answers:?}");
    assert_eq!(az.read("out.txt").trim(), "hello");
    let task = ended["task"].as_str().unwrap();
    let shown: Value = serde_json::from_str(&az.ok(&["task", "show", task, "--json"])).unwrap();
    assert_eq!(shown["status"], "completed");
    let status = call(1, "task.status", &json!({"task": task}));
    let missing = call(2, "task.status", &json!({"task": "missing"}));
    let answers = serve(&az, &[], &[status.clone(), missing]);
    assert_eq!(data(&answers[0]), ended);
    assert_eq!(answers[1]["result"]["isError"], true, "{answers:?}");
    std::fs::create_dir(az.work().join("sub")).unwrap();
    let answers = serve(&az, &["-C", "sub"], &[status]);
    assert_eq!(answers[0]["result"]["isError"], true, "a task of another workspace: {answers:?}");
}

/// Checks `ServeTasks` 2.
#[test]
fn a_task_gets_no_more_than_the_server_has() {
    let az = Az::new();
    az.file("replies.json", "[]");
    let run = |id, more: Value| {
        let mut arguments = json!({"command": "list", "model": "offline"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(id, "task.run", &arguments)
    };
    let requests = [
        run(1, json!({"tools": ["shell.execute"]})),
        run(2, json!({"workspace": ".."})),
        run(3, json!({"workspace": "missing"})),
        run(4, json!({"budget": 2.0})),
        run(5, json!({"model": "scripted:replies.json"})),
        run(6, json!({"model": "record:calls.json"})),
        run(7, json!({"model": " replay:calls.json"})),
    ];
    for answer in serve(&az, &["--budget", "1.50"], &requests) {
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    assert_eq!(az.ok(&["task", "list", "--format", "json"]).trim(), "[]");
}

/// Checks `ServeTasks` 4.
#[test]
fn a_task_that_has_ended_is_not_cancelled_and_one_in_the_queue_is() {
    let az = Az::new();
    let queued = az.ok(&["task", "run", "--detach", "--model", "offline", "list"]);
    let queued = queued.trim();
    let cancel = call(1, "task.cancel", &json!({"task": queued}));
    let result = call(2, "task.result", &json!({"task": queued}));
    let answers = serve(&az, &[], &[cancel.clone(), result]);
    assert_eq!(data(&answers[0])["status"], "cancelled", "{answers:?}");
    assert_eq!(serve(&az, &[], &[cancel])[0], answers[0]);
}

/// A server over HTTP that has said where it listens; it is ended with the value.
struct Http {
    process: Child,
    address: String,
    token: String,
}

impl Http {
    fn start(az: &Az) -> Self {
        let mut command = az.command(["mcp", "serve", "--http", "127.0.0.1:0"]);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("{line}"));
        let (address, rest) = rest.split_once("/mcp; the token is in ").unwrap();
        let token = std::fs::read_to_string(rest.trim()).unwrap();
        Self { process, address: address.to_owned(), token: token.trim().to_owned() }
    }

    /// Sends a request with a token, and returns the answer.
    fn send(&self, token: &str, message: &Value, tool: &str) -> String {
        let (body, method) = (message.to_string(), message["method"].as_str().unwrap());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nMcp-Method: {method}\r\n\
             Mcp-Name: {tool}\r\nMCP-Protocol-Version: 2026-07-28\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn a_client_over_http_needs_the_token_and_the_server_ends_cleanly() {
    let az = Az::new();
    az.file("notes.txt", "hello\n");
    let read = call(1, "filesystem.read", &json!({"path": "notes.txt"}));
    let mut server = Http::start(&az);
    let answer = server.send(&server.token, &read, "filesystem.read");
    assert!(answer.contains("hello"), "{answer}");
    let refused = server.send("wrong", &read, "filesystem.read");
    assert!(refused.starts_with("HTTP/1.1 401 ") && !refused.contains("hello"), "{refused}");
    assert_eq!(server.signal(Signal::TERM), Some(0));
    let mut again = Http::start(&az);
    assert_eq!(again.token, server.token);
    assert_eq!(again.signal(Signal::INT), Some(0));
}

#[test]
fn an_address_that_is_in_use_is_named() {
    let az = Az::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let ended = az.az(&["mcp", "serve", "--http", &address]);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains(&format!("{address} cannot be listened at")), "{ended:?}");
}
