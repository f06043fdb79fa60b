//! MCP servers: adding, approving and using them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use az_mcp::testing::server::{Behaviour, serve};
use serde_json::{Value, json};

use crate::support::Az;
use crate::terminal::at_terminal;

/// The variable that makes this program a server, with the name of a behaviour.
const BEHAVIOUR: &str = "AZ_TEST_MCP_SERVER";

/// Is a server if the variable is set, and passes at once otherwise.
#[test]
fn serves() {
    let named = std::env::var(BEHAVIOUR).ok();
    if let Some(behaviour) = named.and_then(|name| Behaviour::named(&name)) {
        serve(behaviour).unwrap();
    }
}

/// Writes a script that notes its start in the file `started` and is a server. Its behaviour can be changed
/// by writing it again, without a change of the configuration.
fn script(az: &Az, behaviour: Behaviour) {
    let program = std::env::current_exe().unwrap();
    let text = format!(
        "echo started >> started\n{BEHAVIOUR}={behaviour:?} exec {} -q --exact mcp::serves --nocapture\n",
        program.display()
    );
    az.file("server.sh", &text);
}

const COMMAND: [&str; 3] = ["--", "/bin/sh", "server.sh"];

/// Returns an `az` with an approved server `test`.
fn with_server(behaviour: Behaviour) -> Az {
    let az = Az::new();
    script(&az, behaviour);
    az.ok(&[&["mcp", "add", "test", "--yes"][..], &COMMAND].concat());
    fs::remove_file(az.work().join("started")).unwrap();
    az
}

fn config(az: &Az) -> PathBuf {
    az.beside("home/.config/az/config.toml")
}

fn started(az: &Az) -> usize {
    az.read("started").lines().count()
}

#[test]
fn a_server_is_added_listed_used_and_removed() {
    let az = Az::new();
    script(&az, Behaviour::Modern);
    let added = az.ok(&[&["mcp", "add", "test", "--yes"][..], &COMMAND].concat());
    assert!(added.starts_with("test  test-server 1.0, MCP 2026-07-28, 10 tools\n"), "{added}");
    let listed: Value = serde_json::from_str(&az.ok(&["mcp", "list", "--format", "json"])).unwrap();
    let expected = json!([{
        "name": "test", "target": "/bin/sh server.sh", "enabled": true, "era": "modern", "tools": 10
    }]);
    assert_eq!(listed, expected);
    let text = fs::read_to_string(config(&az)).unwrap();
    assert_eq!(text, "[mcp.servers.test]\ncommand = \"/bin/sh\"\nargs = [\"server.sh\"]\n");
    let tools = az.ok(&["tools", "list", "--server", "test", "--format", "csv"]);
    assert_eq!(tools.lines().count(), 11, "{tools}");
    assert_eq!(started(&az), 1, "a listing has started the server");
    let call = ["tools", "call", "mcp__test__echo", "text=hello"];
    let refused = az.az(&call);
    assert_eq!(refused.code, Some(77), "{refused:?}");
    assert!(az.ok(&[&call[..], &["--yes"]].concat()).ends_with("\nhello\n"));
    assert_eq!(started(&az), 2);
    az.ok(&["mcp", "remove", "test"]);
    assert_eq!(az.ok(&["mcp", "list", "--format", "json"]).trim(), "[]");
    assert_eq!(fs::read_dir(az.data_dir().join("mcp")).unwrap().count(), 0);
}

#[test]
fn a_task_uses_the_tools_of_a_server_which_starts_at_the_first_call() {
    let az = with_server(Behaviour::Legacy);
    let call =
        |name: &str, arguments: Value| json!({"calls": [{"name": name, "arguments": arguments}]});
    let steps = [
        call("mcp__test__echo", json!({"text": "hello"})),
        call("mcp__test__end", json!({})),
        call("mcp__test__echo", json!({"text": "again"})),
        json!({"text": "done"}),
    ];
    let steps: String = steps.iter().map(|step| format!("{step}\n")).collect();
    az.file("steps.jsonl", &steps);
    let run = ["task", "run", "use it", "--model", "scripted:steps.jsonl"];
    let tools = ["--allow", "mcp__test__echo", "--allow", "mcp__test__end"];
    assert_eq!(az.ok(&[&run[..], &tools].concat()).trim(), "done");
    assert_eq!(started(&az), 2, "once, and again after it has ended");
    let logs = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    let results: Vec<Value> = logs
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["event"] == "tool_result")
        .collect();
    let outcomes: Vec<_> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["done", "unknown", "done"], "{logs}");
}

#[test]
fn what_a_server_wants_to_know_is_asked_at_the_terminal() {
    let az = with_server(Behaviour::AsksPerson);
    let call = json!({"calls": [{"name": "mcp__test__ask", "arguments": {}}]});
    az.file("steps.jsonl", &format!("{call}\n{}\n", json!({"text": "done"})));
    let run =
        ["task", "run", "ask", "--model", "scripted:steps.jsonl", "--allow", "mcp__test__ask"];
    let answers = [("> name", "Ada\n"), ("> twice (may be left empty)", "yes\n")];
    let Some(ended) = at_terminal(&az, &run, &answers) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("> The MCP server test asks: Who is greeted?"), "{ended:?}");
    let logs = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    let answer = r#"{\"action\":\"accept\",\"content\":{\"name\":\"Ada\",\"twice\":true}}"#;
    assert!(logs.contains(answer), "{logs}");
    let ended = az.az(&run);
    assert_eq!(ended.code, Some(0), "without a terminal, it is declined: {ended:?}");
}

#[test]
fn configured_servers_are_not_started_by_a_task_that_does_not_use_them() {
    let az = with_server(Behaviour::Legacy);
    az.file("steps.jsonl", "{\"text\": \"done\"}\n");
    az.ok(&["task", "run", "nothing", "--model", "scripted:steps.jsonl"]);
    assert_eq!(started(&az), 0);
}

#[test]
fn a_changed_definition_is_not_called_until_it_is_approved() {
    let az = with_server(Behaviour::Legacy);
    script(&az, Behaviour::Changed);
    let call = ["tools", "call", "mcp__test__echo", "text=hello", "--yes"];
    let refused = az.az(&call);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let says = "changed since it was approved: `az mcp test test` shows the change and approves it";
    assert!(refused.stderr.contains(says), "{refused:?}");
    let tested = az.az(&["mcp", "test", "test"]);
    assert_eq!(tested.code, Some(77), "{tested:?}");
    assert!(tested.stdout.contains("description was: Returns the text\n"), "{tested:?}");
    assert!(tested.stdout.contains("description is:  Returns the text, and more\n"), "{tested:?}");
    assert_eq!(az.az(&call).code, Some(1), "a change that was only shown is not approved");
    az.ok(&["mcp", "test", "test", "--yes"]);
    assert!(az.ok(&call).ends_with("\nhello\n"));
}

#[test]
fn a_server_that_was_never_listed_is_listed_when_a_run_begins_and_may_fail() {
    let az = Az::new();
    script(&az, Behaviour::Modern);
    fs::create_dir_all(config(&az).parent().unwrap()).unwrap();
    let text = "[mcp.servers.test]\ncommand = \"/bin/sh\"\nargs = [\"server.sh\"]\n\
                tools = [\"echo\"]\nread_only = [\"echo\"]\n\
                [mcp.servers.broken]\ncommand = \"no-such-program\"\n\
                [[tools.rules]]\naction = \"allow\"\ntool = \"mcp__broken__*\"\n";
    fs::write(config(&az), text).unwrap();
    az.file("steps.jsonl", "{\"text\": \"done\"}\n");
    let ended = az.az(&["task", "run", "nothing", "--model", "scripted:steps.jsonl"]);
    assert_eq!((ended.code, ended.stdout.trim()), (Some(0), "done"), "{ended:?}");
    let says = "the tools of the MCP server broken are missing: the MCP server broken cannot be used: \
                no-such-program cannot be run: No such file or directory";
    assert!(ended.stderr.contains(says), "{ended:?}");
    let tools = az.ok(&["tools", "list", "--server", "test", "--format", "json"]);
    let tools: Value = serde_json::from_str(&tools).unwrap();
    assert_eq!(tools.as_array().unwrap().len(), 1, "{tools}");
    assert_eq!(tools[0]["effect"], "read");
}

#[test]
fn imported_servers_are_not_used_until_they_are_approved_and_their_secrets_are_moved() {
    let az = Az::new();
    script(&az, Behaviour::Modern);
    let file = json!({"mcpServers": {
        "test": {
            "command": "/bin/sh", "args": ["server.sh"],
            "env": {"API_TOKEN": "canary-1", "LEVEL": "warn"},
        },
        "far": {"url": "https://mcp.example.org", "headers": {"Authorization": "Bearer canary-2"}},
        "old": {"type": "sse", "url": "https://mcp.example.org/sse"},
    }});
    az.file("servers.json", &file.to_string());
    let ended = az.az(&["mcp", "import", "servers.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("old was left out: the transport `sse`"), "{ended:?}");
    let text = fs::read_to_string(config(&az)).unwrap();
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(text.matches("enabled = false").count(), 2, "{text}");
    for (name, line) in [
        ("test", "API_TOKEN=\"canary-1\"\n"),
        ("far", "HEADER_AUTHORIZATION=\"Bearer canary-2\"\n"),
    ] {
        let secrets = config(&az).with_file_name(format!("keys/mcp-{name}.env"));
        assert_eq!(fs::read_to_string(&secrets).unwrap(), line);
        assert_eq!(fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let unapproved = az.az(&["mcp", "resources", "test"]);
    assert_eq!(unapproved.code, Some(2), "{unapproved:?}");
    let asked = az.az(&["mcp", "test", "test"]);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(asked.stderr.contains("test runs: /bin/sh server.sh"), "{asked:?}");
    assert!(asked.stderr.contains("--yes is needed to start the server"), "{asked:?}");
    assert_eq!(started(&az), 0);
    az.ok(&["mcp", "test", "test", "--yes"]);
    let read = az.ok(&["mcp", "resources", "test", "test://notes"]);
    assert_eq!(read, "hello\n");
    assert_eq!(az.ok(&["mcp", "prompts", "test", "greet", "who=Ada"]), "user: Greet Ada\n");
}

#[test]
fn invalid_input_is_refused_with_what_to_do() {
    let az = Az::new();
    az.file("no.json", "nothing").file("other.json", "{\"a\": 1}");
    for (args, code, says) in [
        (&["mcp", "test", "tme"][..], 66, "unknown MCP server \"tme\""),
        (&["mcp", "import", "no.json"], 2, "no.json:1:2: it has no servers in the form"),
        (&["mcp", "import", "other.json"], 2, "a field is missing, or has another type"),
        (&["mcp", "import", "none.json"], 74, "reading none.json: No such file"),
        (&["mcp", "add", "a b", "--yes", "--", "x"], 2, "cannot be the name of a server"),
        (&["mcp", "add", "a"], 2, "required"),
        (&["mcp", "add", "a", "--url", "http://127.0.0.1:9/mcp", "--header", "x"], 2, "--header"),
        (&["mcp", "add", "a", "--yes", "--", "no-such-program"], 69, "cannot be run: No such file"),
        (&["mcp", "add", "b", "--", "x"], 2, "without a terminal, --yes is needed"),
        (&["mcp", "add", "c", "--yes", "--url", "http://127.0.0.1:9/mcp"], 69, "cannot be used"),
    ] {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_server_of_a_project_that_is_not_trusted_is_not_known() {
    let az = Az::new();
    script(&az, Behaviour::Modern);
    az.file("az.toml", "[mcp.servers.test]\ncommand = \"/bin/sh\"\nargs = [\"server.sh\"]\n");
    assert_eq!(az.ok(&["mcp", "list", "--format", "json"]).trim(), "[]");
    az.file("steps.jsonl", "{\"text\": \"done\"}\n");
    az.ok(&["task", "run", "nothing", "--model", "scripted:steps.jsonl"]);
    assert_eq!(started(&az), 0);
    az.ok(&["config", "trust", "--yes"]);
    az.ok(&["mcp", "test", "test", "--yes"]);
    assert_eq!(started(&az), 1);
}
