//! Real servers that are not ours: aimock, which speaks four providers' wires, and LiteLLM's proxy
//! in front of it. `.ci/peers` installs them where `AZ_PEERS` says.

pub(crate) mod servers;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Az;
use servers::{KEY, Server, aimock, fixtures, litellm, peers};

/// A provider's own wire, and a model of it that has a price.
struct Wire {
    /// Where the provider is said to be.
    base_url: &'static str,
    path: &'static str,
    key: Option<&'static str>,
    model: &'static str,
    /// Nano-dollars for 12,000 tokens in and 60 out; aimock says no usage on Ollama's wire, whose
    /// models are free anyway.
    cost: u64,
}

const WIRES: [Wire; 4] = [
    Wire {
        base_url: "OPENAI_BASE_URL",
        path: "/v1",
        key: Some("OPENAI_API_KEY"),
        model: "gpt4",
        cost: 12_000 * 4000 + 60 * 20_000,
    },
    Wire {
        base_url: "ANTHROPIC_BASE_URL",
        path: "",
        key: Some("ANTHROPIC_API_KEY"),
        model: "claude",
        cost: 12_000 * 2000 + 60 * 10_000,
    },
    Wire {
        base_url: "GEMINI_BASE_URL",
        path: "/v1beta",
        key: Some("GEMINI_API_KEY"),
        model: "gemini",
        cost: 12_000 * 750 + 60 * 3750,
    },
    Wire { base_url: "OLLAMA_BASE_URL", path: "", key: None, model: "ollama/qwen3", cost: 0 },
];

/// An `az` for which every provider is this server.
fn az_at(server: &Server) -> Az {
    let mut az = Az::new();
    for wire in &WIRES {
        let url = format!("http://127.0.0.1:{}{}", server.port, wire.path);
        az = az.with_var(wire.base_url, url);
        if let Some(key) = wire.key {
            az = az.with_var(key, KEY);
        }
    }
    az.file("a.txt", "hello");
    az
}

/// Does the task; returns what `az task show` says of it.
#[track_caller]
fn does_the_task(server: &Server, model: &str) -> Value {
    let az = az_at(server);
    let ended = az.az(&["task", "run", "look around", "--model", model]);
    assert_eq!(ended.code, Some(0), "{model}: {ended:?}");
    assert_eq!(ended.stdout.trim(), "There is a.txt, and it says hello.", "{model}");
    assert_eq!(az.read("b.txt"), "seen", "{model}");
    let task = az.shown(&az.only_id());
    assert_eq!((&task["steps"], &task["tool_calls"]), (&json!(3), &json!(3)), "{model}: {task}");
    task
}

#[test]
fn four_providers_wires_do_the_same_task_at_their_price() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mock = aimock(&peers, &fixtures(dir.path()), &[]);
    for wire in &WIRES {
        let task = does_the_task(&mock, wire.model);
        let (tokens, cost) = (&task["actual_tokens"], &task["cost_nanos"]);
        eprintln!("{:<14} {} tokens, {} nano-dollars", wire.model, tokens, cost);
        assert_eq!(cost, &json!(wire.cost), "{}: {task}", wire.model);
        if wire.cost > 0 {
            assert_eq!(tokens, &json!(12_060), "{}: {task}", wire.model);
        }
        fails_as_it_should(&mock, wire.model);
    }
}

#[track_caller]
fn fails_as_it_should(mock: &Server, model: &str) {
    let az = az_at(mock);
    let limited = az.az(&["task", "run", "too much", "--model", model]);
    assert_eq!(limited.code, Some(75), "{model}: {limited:?}");
    assert!(limited.stderr.contains("Rate limited"), "{model}: {limited:?}");
    let refused = az.az(&["task", "run", "nonsense", "--model", model]);
    assert_eq!(refused.code, Some(65), "{model}: {refused:?}");
    assert!(refused.stderr.contains("Bad parameter"), "{model}: {refused:?}");
}

/// The proxy speaks to aimock in the four wires as another implementation of them does, and to us
/// in the three that it serves.
#[test]
fn a_proxy_of_another_make_does_the_same_task() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mock = aimock(&peers, &fixtures(dir.path()), &[]);
    let proxy = litellm(&peers, mock.port, dir.path());
    // Not `openai/mock-gemini`: the proxy writes `function_response`, and aimock reads
    // `functionResponse` only; Google takes both.
    for model in [
        "openai/mock-openai",
        "openai/mock-anthropic",
        "openai/mock-ollama",
        "anthropic/mock-anthropic",
        "gemini/mock-gemini",
    ] {
        let task = does_the_task(&proxy, model);
        eprintln!("{model:<26} {} tokens", task["actual_tokens"]);
    }
    let az = az_at(&proxy).with_var("OPENAI_API_KEY", "sk-wrong");
    let ended = az.az(&["task", "run", "look around", "--model", "openai/mock-openai"]);
    // The proxy says 400 or 401 for a key that it does not know.
    assert!(matches!(ended.code, Some(65 | 77)), "{ended:?}");
    assert!(!ended.stderr.contains("sk-wrong"), "{ended:?}");
}

/// How many tasks are done in chaos.
const TASKS: usize = 200;

/// Rate limits, broken connections, garbage and delays at random, on all four wires: every task
/// ends, done or with a typed failure, and appends its line at most once.
#[test]
fn in_chaos_every_task_ends_and_no_effect_is_doubled() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().unwrap();
    let chaos = [
        ["--chaos-ratelimit", "0.1"],
        ["--chaos-disconnect", "0.1"],
        ["--chaos-malformed", "0.05"],
        ["--chaos-latency", "20"],
    ];
    let mock = aimock(&peers, &fixtures(dir.path()), chaos.as_flattened());
    let az = az_at(&mock);
    for number in 0..TASKS {
        let workspace = format!("w{number}");
        std::fs::create_dir(az.work().join(&workspace)).unwrap();
        az.file(&format!("{workspace}/a.txt"), "hello");
        let model = WIRES[number % WIRES.len()].model;
        az.ok(&["task", "run", "look around", "-d", "-m", model, "-C", &workspace]);
    }
    az.ok(&["worker", "run", "--until-idle", "--concurrency", "32"]);
    let listed = az.ok(&["task", "list", "--limit", "1000", "--format", "json"]);
    let tasks: Vec<Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(tasks.len(), TASKS);
    let mut ended: BTreeMap<String, usize> = BTreeMap::new();
    // The newest comes first.
    for (number, task) in tasks.iter().rev().enumerate() {
        let effect = az.read(&format!("w{number}/b.txt"));
        assert!(effect.is_empty() || effect == "seen", "{effect:?}");
        let how = match task["status"].as_str().unwrap() {
            "completed" => {
                assert_eq!(effect, "seen", "done without its effect: {task}");
                "completed".to_owned()
            }
            "failed" => {
                let shown = az.shown(task["id"].as_str().unwrap());
                shown["failure"]["kind"].as_str().unwrap().to_owned()
            }
            status => panic!("{status}: {task}"),
        };
        *ended.entry(how).or_default() += 1;
    }
    eprintln!("in chaos, {TASKS} tasks: {ended:?}");
    let typed = ["completed", "rate_limited", "unavailable", "protocol"];
    assert!(ended.keys().all(|how| typed.contains(&how.as_str())), "{ended:?}");
    assert!(ended["completed"] > TASKS / 2, "{ended:?}");
}
