//! Who is asked, by rules, and who then.

use serde_json::{Value, json};

use crate::server::{answer, server, sse};
use crate::support::Az;

/// The rules of the design, as they stand there.
const RULES: &str = r#"
[[llm.routing_rules]]
condition = "tokens < 500"
provider = "deepseek"
reason = "Free model for simple tasks"

[[llm.routing_rules]]
condition = "complexity == 'code' and tokens < 2000"
provider = "gemini"
reason = "Fast code generation"

[[llm.routing_rules]]
condition = "complexity == 'reasoning' and tokens < 1000"
provider = "claude"
reason = "Best reasoning capabilities"

[[llm.routing_rules]]
condition = "tokens >= 2000"
provider = "gpt4"
reason = "High quality for long tasks"

[[llm.routing_rules]]
condition = "fallback"
provider = "deepseek"
reason = "Always have fallback"
"#;

fn configured(config: &str) -> Az {
    let az = Az::new();
    az.file("config.toml", config);
    let path = az.work().join("config.toml");
    az.with_var("AZ_CONFIG", path.to_str().unwrap())
}

fn with_keys(config: &str) -> Az {
    let keys = ["DEEPSEEK_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"];
    keys.iter().fold(configured(config), |az, key| az.with_var(key, "some-key"))
}

#[test]
fn the_designs_rules_are_explained_rule_by_rule() {
    let az = with_keys(RULES);
    let route = |text: &str, tokens: &str| -> Value {
        let args = ["models", "route", text, "--tokens", tokens, "--json"];
        serde_json::from_str(&az.ok(&args)).unwrap()
    };
    let names = |route: &Value| -> Vec<String> {
        let all = route["candidates"].as_array().unwrap();
        all.iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    let code = "Write a function in Rust that says whether a number is prime";
    assert_eq!(names(&route("hello", "100"))[0], "deepseek");
    assert_eq!(names(&route(code, "1500"))[..2], ["gemini", "deepseek"]);
    assert_eq!(names(&route(code, "5000"))[..2], ["gpt4", "deepseek"]);
    let explained = route(code, "1500");
    let outcomes: Vec<&str> = explained["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| !step["rule"].is_null())
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes[..4], ["does_not_hold", "holds", "does_not_hold", "does_not_hold"]);
    assert_eq!(explained["steps"][1]["health"], json!("first"));
    assert_eq!(explained["candidates"][0]["reason"], json!("Fast code generation"));
}

#[test]
fn invalid_rules_are_refused_with_file_line_and_column() {
    let cases = [
        ("tokenz < 500", "deepseek", "config.toml:3:14", "did you mean \"tokens\""),
        ("tokens < 500", "deepseke", "config.toml:4:12", "did you mean \"deepseek\"?"),
        ("tokens <", "deepseek", "config.toml:3", "cannot be read"),
        ("tokens < '500'", "deepseek", "config.toml:3", "tokens"),
    ];
    for (condition, provider, place, says) in cases {
        let rule = format!(
            "\n[[llm.routing_rules]]\ncondition = \"{condition}\"\nprovider = \"{provider}\"\n"
        );
        let az = with_keys(&rule);
        let ended = az.az(&["task", "run", "hello"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{condition}: {ended:?}");
        assert!(ended.stderr.contains(place), "{place} is not in {ended:?}");
        assert!(ended.stderr.contains(says), "{says} is not in {ended:?}");
        assert_eq!(az.ok(&["task", "list", "--format", "json"]).trim(), "[]");
    }
}

/// Two servers of one's own; the rules prefer the first.
fn two(first: &str, second: &str) -> Az {
    configured(&format!(
        r#"
[[llm.providers]]
name = "first"
provider = "openai-compatible"
base_url = "{first}"
model = "m1"
cost_per_token = 0.000001

[[llm.providers]]
name = "second"
provider = "openai-compatible"
base_url = "{second}"
model = "m2"
cost_per_token = 0.000001

[[llm.routing_rules]]
condition = "tokens > 0"
provider = "first"

[[llm.routing_rules]]
condition = "fallback"
provider = "second"
reason = "Always have fallback"
"#
    ))
}

fn good() -> String {
    sse(&[
        r#"{"choices":[{"index":0,"delta":{"content":"all is well"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#,
        "[DONE]",
    ])
}

#[test]
fn a_failed_model_is_followed_by_its_fallback_and_both_are_recorded() {
    let half = sse(&[r#"{"choices":[{"index":0,"delta":{"content":"all is "}}]}"#]);
    let down = answer("503 Service Unavailable", "", r#"{"error":{"message":"over capacity"}}"#);
    for bad in [down, half] {
        let (first, asked) = server(vec![bad]);
        let (second, _) = server(vec![good()]);
        let az = two(&first, &second);
        let ended = az.az(&["task", "run", "how is it?"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "all is well\n"), "{ended:?}");
        assert_eq!(*asked.lock().unwrap(), 2, "it is tried again once, after a short backoff");
        assert!(ended.stderr.contains("m2"), "the message names the fallback: {ended:?}");
        let logs = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
        let models: Vec<String> = logs
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|event| event["event"] == "llm_intent")
            .map(|event| event["model"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(models, ["m1", "m1", "m2"], "{logs}");
    }
}

#[test]
fn no_fallback_is_called_if_fallback_is_disabled() {
    let down = answer("401 Unauthorized", "", r#"{"error":{"message":"bad key"}}"#);
    let (first, _) = server(vec![down]);
    let (second, asked) = server(vec![good()]);
    let az = two(&first, &second);
    let config = az.read("config.toml");
    az.file("config.toml", &format!("[llm]\nfallback_enabled = false\n{config}"));
    let ended = az.az(&["task", "run", "how is it?"]);
    assert_eq!((ended.code, *asked.lock().unwrap()), (Some(77), 0), "{ended:?}");
}

#[test]
fn a_requested_model_goes_before_the_rules_as_in_a_run() {
    let az = with_keys(RULES);
    let route = |az: &Az, args: &[&str]| {
        let ended = az.az(&[&["models", "route", "hello", "--json"], args].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let explained: Value = serde_json::from_str(&ended.stdout).unwrap();
        (explained["candidates"][0]["name"].as_str().unwrap().to_owned(), ended.stderr)
    };
    let first = |az: &Az, args: &[&str], name: &str, says: &str| {
        let (found, stderr) = route(az, args);
        assert!(found == name && stderr.contains(says), "{found}: {stderr}");
    };
    first(&az, &["--tokens", "10"], "deepseek", "model auto: by the routing rules");
    first(&az, &["--model", "claude"], "claude", "model claude: requested");
    let az = az.with_var("AZ_MODEL", "gpt4");
    first(&az, &["--tokens", "10"], "gpt4", "model gpt4: configured by AZ_MODEL");
    first(&az, &["--model", "auto", "--tokens", "10"], "deepseek", "requested");
    first(&az, &["--model", "offline"], "offline", "model offline: requested");
    az.file("rules.toml", "[[routing_rules]]\ncondition = \"true\"\nprovider = \"gemini\"\n");
    first(&az, &["--rules", "rules.toml"], "gemini", "");
    let negative = az.az(&["models", "route", "hello", "--budget-left", "-5"]);
    assert_eq!(negative.code, Some(2), "{negative:?}");
    assert!(negative.stderr.contains("must not be negative"), "{negative:?}");
}

/// With rules configured, a task that no model could do is not given to the planner instead.
#[test]
fn the_planner_is_not_a_fallback_of_the_rules() {
    let rule = "[[llm.routing_rules]]\ncondition = \"tokens > 0\"\nprovider = \"mistral\"\n";
    let down = answer("503 Service Unavailable", "", r#"{"message":"over capacity"}"#);
    for key in ["MISTRAL_API_KEY", "NO_KEY_AT_ALL"] {
        let (address, asked) = server(vec![down.clone()]);
        let az = configured(rule).with_var("MISTRAL_BASE_URL", address).with_var(key, "k");
        let ended = az.az(&["task", "run", "write \"x\" to made.txt"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:?}");
        assert!(*asked.lock().unwrap() > 0);
        assert!(!az.work().join("made.txt").exists(), "the planner did it");
    }
}

#[test]
fn a_worker_without_a_default_fails_only_tasks_that_name_no_model() {
    let az = Az::new();
    az.file("script.jsonl", r#"{"text": "done", "usage": {"input": 1, "output": 1}}"#);
    az.ok(&["task", "run", "-d", "write \"x\" to made.txt"]);
    let nameless = az.only_id();
    let named = az.ok(&["task", "run", "-d", "speak", "--model", "scripted:script.jsonl"]);
    let az = az.with_var("AZ_MODEL", "clade");
    let worked = az.az(&["worker", "run", "--until-idle"]);
    assert_eq!(worked.code, Some(0), "{worked:?}");
    let why = "tasks that name no model will fail: unknown model \"clade\"";
    assert_eq!(worked.stderr.matches(why).count(), 1, "{worked:?}");
    assert_eq!(az.shown(named.trim())["status"], "completed");
    let failed = az.shown(&nameless);
    assert_eq!(failed["status"], "failed");
    assert!(failed.to_string().contains("unknown model"), "{failed}");
    assert!(!az.work().join("made.txt").exists(), "the planner did it");
}

#[test]
fn a_model_that_the_price_table_knows_is_queued_by_its_full_name() {
    let az = Az::new().with_var("OPENAI_API_KEY", "k");
    let id = az.ok(&["task", "run", "-d", "speak", "--model", "gpt-5.6-luna"]);
    assert_eq!(az.shown(id.trim())["model"], "openai/gpt-5.6-luna");
}

#[test]
fn a_task_has_the_estimate_that_rules_compare_from_its_creation_on() {
    let az = Az::new();
    let id = az.ok(&["task", "run", "--detach", "say hello to the whole crew"]);
    let shown = az.ok(&["task", "show", id.trim(), "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["estimated_tokens"], json!(9), "{shown}");
}
