//! Models by name, their prices, and recordings of what they said.

use serde_json::{Value, json};

use crate::support::Az;

/// An `az` with this configuration.
fn configured(config: &str) -> Az {
    let az = Az::new();
    az.file("config.toml", config);
    let path = az.work().join("config.toml");
    az.with_var("AZ_CONFIG", path.to_str().unwrap())
}

#[track_caller]
fn refused(az: &Az, args: &[&str], code: i32, says: &[&str]) {
    let ended = az.az(args);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "az {args:?}: {ended:?}");
    for text in says {
        assert!(ended.stderr.contains(text), "az {args:?} does not say {text:?}: {ended:?}");
    }
}

#[test]
fn the_designs_names_work_out_of_the_box() {
    let az = Az::new().with_var("ANTHROPIC_API_KEY", "k");
    let listed: Value = serde_json::from_str(&az.ok(&["models", "list", "--json"])).unwrap();
    let find = |name: &str| {
        let all = listed.as_array().unwrap();
        all.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    for (name, provider) in [
        ("claude", "anthropic"),
        ("gpt4", "openai"),
        ("gemini", "gemini"),
        ("deepseek", "deepseek"),
    ] {
        let row = find(name);
        assert_eq!(row["provider"], provider, "{row}");
        assert!(row["input_pico"].as_u64().unwrap() > 0, "it has a price: {row}");
        assert!(row["context_window"].as_u64().unwrap() > 100_000, "{row}");
    }
    assert_eq!(find("claude")["key"], "$ANTHROPIC_API_KEY");
    assert_eq!(find("gpt4")["key"], "set $OPENAI_API_KEY");
    for provider in [
        "ollama",
        "groq",
        "mistral",
        "xai",
        "openrouter",
        "together",
        "vllm",
        "llamacpp",
        "lmstudio",
    ] {
        find(provider);
    }
}

#[test]
fn a_provider_of_ones_own_is_five_lines() {
    let az = configured(
        "[[llm.providers]]\nname = \"mine\"\nprovider = \"openai-compatible\"\n\
         base_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\ncost_per_token = 0.0005\n",
    );
    let shown: Value = serde_json::from_str(&az.ok(&["models", "show", "mine", "--json"])).unwrap();
    assert_eq!((&shown["input"], &shown["output"]), (&json!("$500.00/M"), &json!("$500.00/M")));
    let priced = ["models", "price", "--model", "mine", "--json", "--usage"];
    let usage = r#"{"prompt_tokens": 3, "completion_tokens": 1}"#;
    let priced: Value = serde_json::from_str(&az.ok(&[&priced[..], &[usage]].concat())).unwrap();
    assert_eq!(priced["cost_nanos"], json!(2_000_000));
    let ended = az.az(&["task", "run", "hello", "--model", "mine"]);
    assert_eq!(ended.code, Some(69), "nobody is there: {ended:?}");
}

#[test]
fn configuration_that_makes_no_sense_is_refused_with_its_place() {
    let provider = "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\n";
    let list = ["models", "list"];
    let az = configured(&format!("{provider}input_cost_per_token = -1\n"));
    refused(&az, &list, 78, &["config.toml:4:24: -1 is no price: a price is not negative"]);
    let az = configured("[[llm.providers]]\nname = \"x\"\nprovider = \"anthropc\"\n");
    refused(&az, &list, 78, &["\"anthropc\"", "try anthropic"]);
    let az = configured("[cost]\ntime_zone = \"Mars/Olympus\"\n");
    refused(&az, &["cost", "show"], 78, &["cost.time_zone", "Mars/Olympus", "Europe/Berlin"]);
    let az = configured("[llm]\nprices_file = \"prices.toml\"\n");
    refused(&az, &list, 74, &["prices.toml"]);
    az.file("prices.toml", "[[price]]\nprovider = \"groq\"\nmodel = \"m\"\ncost_per_token = -2\n");
    refused(&az, &list, 78, &["prices.toml:4:18", "a price is not negative"]);
}

#[test]
fn usage_that_is_none_and_models_that_nobody_knows_are_refused() {
    let az = Az::new();
    let price = |model: &str, usage: &str, code: i32, says: &[&str]| {
        refused(&az, &["models", "price", "--model", model, "--usage", usage], code, says);
    };
    price("claude", "{", 2, &["--usage is no JSON", "--usage '{"]);
    price("claude", "{}", 2, &["no count of tokens"]);
    price("openai/never-heard-of", r#"{"prompt_tokens": 1}"#, 78, &["is not known", "models list"]);
    price("clade", r#"{"input_tokens": 1}"#, 78, &["no model is called \"clade\"", "claude"]);
}

#[test]
fn a_run_that_was_recorded_is_played_again_without_anybody_answering() {
    let az = Az::new();
    let lines = [
        r#"{"calls": [{"name": "filesystem.write", "arguments": {"path": "a", "content": "x"}}],
            "usage": {"input": 100, "output": 10}, "cost_nanos": 1234567}"#,
        r#"{"text": "written", "usage": {"input": 150, "output": 5}, "cost_nanos": 7654321}"#,
    ];
    az.file("script.jsonl", &lines.map(|line| line.replace('\n', " ")).join("\n"));
    let task = ["task", "run", "write a", "--model"];
    let recorded = az.az(&[&task[..], &["record:run.jsonl@scripted:script.jsonl"]].concat());
    assert_eq!((recorded.code, recorded.stdout.as_str()), (Some(0), "written\n"), "{recorded:?}");
    std::fs::remove_file(az.work().join("script.jsonl")).unwrap();
    std::fs::remove_file(az.work().join("a")).unwrap();
    let replayed = az.az(&[&task[..], &["replay:run.jsonl"]].concat());
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "written\n"), "{replayed:?}");
    assert_eq!(az.read("a"), "x", "its tools act");
    let tasks: Value = serde_json::from_str(&az.ok(&["task", "list", "--json"])).unwrap();
    assert_eq!((&tasks[0]["cost"], &tasks[1]["cost"]), (&json!(8_888_888), &json!(8_888_888)));
    let other = az.az(&["task", "run", "something else", "--model", "replay:run.jsonl"]);
    assert_ne!(other.code, Some(0), "{other:?}");
    assert!(other.stderr.contains("write a"), "it says which task it is of: {other:?}");
}
