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
fn the_model_names_of_the_design_work_without_configuration() {
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
        assert!(row["input_pico_per_token"].as_u64().unwrap() > 0, "it has a price: {row}");
        assert!(row["context_window_tokens"].as_u64().unwrap() > 100_000, "{row}");
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
    for price in ["input_usd_per_million", "output_usd_per_million"] {
        assert_eq!(shown[price], "500.00", "{shown}");
    }
    let priced = ["models", "price", "--model", "mine", "--json", "--usage"];
    let usage = r#"{"prompt_tokens": 3, "completion_tokens": 1}"#;
    let priced: Value = serde_json::from_str(&az.ok(&[&priced[..], &[usage]].concat())).unwrap();
    assert_eq!(priced["cost_nanos"], json!(2_000_000));
    let ended = az.az(&["task", "run", "hello", "--model", "mine"]);
    assert_eq!(ended.code, Some(69), "no server listens: {ended:?}");
}

#[test]
fn an_invalid_configuration_is_refused_with_its_location() {
    let provider = "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\n";
    let list = ["models", "list"];
    let az = configured(&format!("{provider}input_cost_per_token = -1\n"));
    refused(
        &az,
        &list,
        78,
        &[
            "config.toml:4:24: llm.providers[0].input_cost_per_token: invalid price \"-1\": must not be negative",
        ],
    );
    let az = configured("[[llm.providers]]\nname = \"x\"\nprovider = \"anthropc\"\n");
    refused(&az, &list, 78, &["\"anthropc\"", "try anthropic"]);
    let az = configured("[cost]\ntime_zone = \"Mars/Olympus\"\n");
    refused(&az, &["cost", "show"], 78, &["cost.time_zone", "Mars/Olympus", "Europe/Berlin"]);
    let az = configured("[llm]\nprices_file = \"prices.toml\"\n");
    refused(&az, &list, 78, &["config.toml:2:15: llm.prices_file: ", "prices.toml"]);
    az.file("prices.toml", "[[price]]\nprovider = \"groq\"\nmodel = \"m\"\ncost_per_token = -2\n");
    refused(&az, &list, 78, &["prices.toml:4:18", "must not be negative"]);
    az.file("prices.toml", "[[price]]\nprovider = \"gorq\"\nmodel = \"m\"\ncost_per_token = 1\n");
    refused(
        &az,
        &list,
        78,
        &["prices.toml:2:12: unknown provider", "\"gorq\"", "did you mean groq"],
    );
    az.file("prices.toml", "[[price]]\nprovider = \"gpt4\"\nmodel = \"m\"\ncost_per_token = 1\n");
    refused(&az, &list, 78, &["prices.toml:2:12: the prices of \"gpt4\" are those of \"openai\""]);
    let az = configured("[llm]\ndefault_provider = \"clade\"\n");
    let default = "config.toml:2:20: llm.default_provider: unknown model \"clade\"";
    refused(&az, &list, 78, &[default, "did you mean \"claude\"?"]);
    let az = configured("[llm]\ndefault_provider = \"ollama\"\n");
    refused(&az, &list, 78, &["llm.default_provider: name its model, as in ollama/MODEL"]);
    let az = configured("[llm]\nbase_url = \"127.0.0.1:1\"\n");
    refused(&az, &list, 78, &["config.toml:2:12: llm.base_url: must begin with http"]);
    let az = configured(&format!("{provider}max_tokens = 0\n"));
    refused(
        &az,
        &list,
        78,
        &["config.toml:4:14: llm.providers[0].max_tokens: must be a whole number from 1"],
    );
    let az = configured("[llm]\nrouting_file = \"rules.toml\"\n");
    let route = ["models", "route", "hello"];
    refused(&az, &route, 78, &["config.toml:2:16: llm.routing_file: ", "rules.toml"]);
    let rules = [&route[..], &["--rules", "nowhere.toml"]].concat();
    refused(&configured(""), &rules, 78, &["--rules: nowhere.toml: "]);
    let az = Az::new().with_var("AZ_CONFIG", "/nowhere/config.toml");
    refused(&az, &["task", "list"], 78, &["AZ_CONFIG: /nowhere/config.toml: "]);
}

#[test]
fn invalid_usage_and_unknown_models_are_refused() {
    let az = Az::new();
    let price = |model: &str, usage: &str, code: i32, says: &[&str]| {
        refused(&az, &["models", "price", "--model", model, "--usage", usage], code, says);
    };
    price("claude", "{", 2, &["--usage: invalid JSON", "--usage '{"]);
    price("claude", "{}", 2, &["no token counts"]);
    price("openai/never-heard-of", r#"{"prompt_tokens": 1}"#, 78, &["is unknown", "models list"]);
    price("clade", r#"{"input_tokens": 1}"#, 78, &["unknown model \"clade\"", "claude"]);
    price(
        "claude",
        r#"{"input_tokens": -1}"#,
        2,
        &["invalid input_tokens: -1; it must be a whole number"],
    );
    let inner =
        r#"{"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0.5}}}"#;
    price("gpt4", inner, 2, &["invalid cached_tokens: 0.5"]);
    price("gemini", r#"{"promptTokenCount": "3"}"#, 2, &["invalid promptTokenCount: \"3\""]);
    for name in ["replay:", "record:", "scripted:", "record:@offline"] {
        let word = name.split(':').next().unwrap();
        let says = format!("name a file, as in {word}:run.jsonl");
        refused(&az, &["task", "run", "x", "--model", name], 78, &[&says]);
    }
    refused(&az, &["models", "list", "--provider", "antropic"], 2, &["did you mean anthropic"]);
    refused(&az, &["models", "route", "x", "--model", "gtp4"], 78, &["did you mean gpt4?"]);
}

#[test]
fn prices_are_those_of_a_time_and_a_reported_cost_needs_none() {
    let az = Az::new();
    let price =
        ["models", "price", "--model", "claude", "--usage", r#"{"input_tokens": 1}"#, "--at"];
    for at in ["2026-11-01", "2026-11-01T12:00:00Z", "7d"] {
        assert!(az.ok(&[&price[..], &[at]].concat()).contains("total"));
    }
    refused(&az, &[&price[..], &["soon"]].concat(), 2, &["--at: invalid time \"soon\""]);
    let usage = r#"{"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}"#;
    let billed = ["models", "price", "--model", "openrouter/never-heard-of", "--usage", usage];
    let ended = az.az(&billed);
    assert!(ended.code == Some(0) && ended.stdout.contains("$0.25"), "{ended:?}");
    assert!(ended.stderr.contains("is unknown"), "{ended:?}");
    assert!(ended.stderr.contains("the provider reports a cost of $0.25"), "{ended:?}");
    let json: Value = serde_json::from_str(&az.ok(&[&billed[..], &["--json"]].concat())).unwrap();
    assert_eq!((&json["cost_nanos"], &json["reported_nanos"]), (&Value::Null, &json!(250_000_000)));
}

#[test]
fn models_are_listed_by_any_name_of_their_provider() {
    let az = Az::new();
    for all in [&["models", "list", "--json"][..], &["models", "list", "--all", "--json"]] {
        let listed = |name: &str| az.ok(&[all, &["--provider", name]].concat());
        assert_eq!(listed("google"), listed("gemini"));
        assert!(listed("google").contains("gemini-3.8-flash"));
    }
}

#[test]
fn an_address_is_shown_without_what_may_be_secret() {
    let az = configured(
        "[[llm.providers]]\nname = \"mine\"\nprovider = \"openai-compatible\"\n\
         base_url = \"http://user:pass@127.0.0.1:9/v1?key=secret\"\nmodel = \"m\"\n",
    );
    let shown: Value = serde_json::from_str(&az.ok(&["models", "show", "mine", "--json"])).unwrap();
    assert_eq!(shown["address"], "http://127.0.0.1:9/v1");
}

#[test]
fn a_default_that_would_record_itself_is_refused() {
    for az in [
        Az::new().with_var("AZ_MODEL", "record:x.jsonl"),
        configured("[llm]\nmodel = \"record:x.jsonl\"\n"),
        configured("[llm]\ndefault_provider = \"record:x.jsonl\"\n"),
        Az::new().with_var("AZ_MODEL", "record:x.jsonl@record:y.jsonl"),
    ] {
        for args in [&["task", "run", "hi"][..], &["models", "route", "hi"]] {
            refused(
                &az,
                args,
                78,
                &["only a single model can be recorded", "record:x.jsonl@claude"],
            );
        }
        assert_eq!(az.read("x.jsonl"), "");
    }
}

#[test]
fn a_recorded_run_is_replayed_without_a_model() {
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
    assert_eq!(
        (&tasks[0]["cost_nanos"], &tasks[1]["cost_nanos"]),
        (&json!(8_888_888), &json!(8_888_888))
    );
    let other = az.az(&["task", "run", "something else", "--model", "replay:run.jsonl"]);
    assert_ne!(other.code, Some(0), "{other:?}");
    assert!(other.stderr.contains("write a"), "it says which task it is of: {other:?}");
}
