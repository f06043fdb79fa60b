//! `az config`, as it is typed.

use serde_json::{Value, json};

use az_core::config::ConfigManager;
use az_data::sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Az, block_on};

#[test]
fn the_command_lines_of_the_design_work() {
    let az = Az::new();
    let set = az.ok(&["config", "set", "llm.provider=gemini"]);
    assert!(set.starts_with("llm.default_provider = gemini in "), "{set}");
    let all = az.ok(&["config", "get", "--all"]);
    assert!(all.lines().any(|line| {
        line.split_whitespace().collect::<Vec<_>>() == ["llm.default_provider", "gemini"]
    }));
    assert_eq!(az.ok(&["config", "get", "llm.provider"]), "gemini\n");
    az.ok(&["config", "unset", "llm.provider"]);
    assert_eq!(az.ok(&["config", "get", "llm.provider"]), "");
}

#[test]
fn what_is_set_is_an_event_with_json() {
    let az = Az::new();
    let event = |args: &[&str]| -> Value { serde_json::from_str(&az.ok(args)).unwrap() };
    let source = az.beside("home/.config/az/config.toml").display().to_string();
    assert_eq!(
        event(&["config", "set", "llm.model=gpt4", "--json"]),
        json!({"event": "config_set", "key": "llm.model", "source": source})
    );
    assert_eq!(
        event(&["config", "unset", "llm.model", "--json"]),
        json!({"event": "config_unset", "key": "llm.model", "source": source})
    );
    assert_eq!(
        event(&["config", "get", "llm.model", "--json"]),
        json!({
            "key": "llm.model", "value": null, "layer": null, "source": null, "line": null,
            "column": null
        })
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    let az = Az::new();
    for (args, message) in [
        (&["get", "llm.modle"][..], "unknown key \"llm.modle\"; did you mean `llm.model`?"),
        (&["unset", "llm.modle"], "did you mean `llm.model`?"),
        (&["unset", "llm.model"], "llm.model is not set in "),
        (&["get", "llm.providers.x.model"], "there is no llm.providers.x.model"),
        (&["edit", "--layer", "store"], "the settings in the store are not a file"),
        (&["set", "--layer", "store", "shell.program=sh"], "a store can set models by name"),
        (&["set", "--layer", "store", "llm.model=scripted:x"], "accepted only from"),
        (&["trust"], "there is no az.toml in this directory or above it"),
        (&["validate", "nothing.toml"], "nothing.toml does not exist"),
    ] {
        let ended = az.az(&[&["config"], args].concat());
        assert!(matches!(ended.code, Some(2 | 78)), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(message), "{args:?}: {ended:?}");
    }
}

#[test]
fn validate_lists_all_errors_of_all_files() {
    let az = Az::new();
    assert_eq!(az.ok(&["config", "validate", "--json"]).trim(), "[]");
    az.file("az.toml", "[llm]\nmodle = \"x\"\n[kost]\n");
    let ended = az.az(&["config", "validate"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let place = az.work().join("az.toml").canonicalize().unwrap().display().to_string();
    for text in [
        format!("{place}:2:1: llm: unknown key `modle`; did you mean `model`?"),
        format!("{place}:3:2: unknown key `kost`; did you mean `cost`?"),
    ] {
        assert!(ended.stderr.contains(&text), "{text}: {ended:?}");
    }
    let ended = az.az(&["config", "validate", "--format", "json"]);
    let (document, _) = ended.stdout.split_at(ended.stdout.find("\n]").unwrap() + 2);
    let files: Value = serde_json::from_str(document).unwrap();
    assert_eq!(files[0]["problems"][1]["suggestion"], "cost", "{files}");
    az.file("az.toml", "[llm]\nmodel = \"x\"\n");
    assert!(az.ok(&["config", "validate"]).ends_with("az.toml: valid\n"));
}

#[test]
fn validate_checks_entries_rules_and_prices_too() {
    let az = Az::new();
    az.file("config.toml", "[[llm.providers]]\nname = \"x\"\nprovider = \"groqq\"\n");
    let path = az.work().join("config.toml").to_str().unwrap().to_owned();
    let az = az.with_var("AZ_CONFIG", path);
    let ended = az.az(&["config", "validate"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.stderr.contains("config.toml:1:1: llm.providers[0]: "), "{ended:?}");
    assert!(ended.stderr.contains("groq"), "{ended:?}");
}

#[test]
fn a_broken_file_does_not_hinder_the_commands_that_mend_it() {
    let az = Az::new();
    az.ok(&["config", "set", "llm.model=gpt4"]);
    let path = az.beside("home/.config/az/config.toml");
    std::fs::write(&path, "[llm]\nmodle = 1\nmax_tokens = \"x\"\n").unwrap();
    assert_eq!(az.az(&["task", "list"]).code, Some(78));
    az.ok(&["config", "path"]);
    let set = az.az(&["config", "set", "llm.max_tokens=7"]);
    assert_eq!(set.code, Some(0), "{set:?}");
    assert!(set.stderr.contains("has other errors; `az config validate` lists them"), "{set:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "[llm]\nmodle = 1\nmax_tokens = 7\n");
}

#[test]
fn models_that_are_files_are_accepted_from_the_user_only() {
    let az = Az::new();
    az.file("script.jsonl", "{\"text\": \"hello\"}\n");
    let model = format!("scripted:{}", az.work().join("script.jsonl").display());
    az.ok(&["config", "set", &format!("llm.model={model}")]);
    az.file("az.toml", &format!("[llm]\nmodel = \"{model}\"\n"));
    let ended = az.az(&["task", "list"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.stderr.contains("az.toml:2:9: llm.model: record:, replay: and scripted:"));
}

#[test]
fn a_problem_in_a_table_of_values_has_its_file() {
    let az = Az::new();
    az.file("az.toml", "[llm]\nmodle = 1\n").file("user.toml", "[llm]\nmax_token = 1\n");
    let az = az.with_var("AZ_CONFIG", "user.toml");
    let ended = az.az(&["config", "validate", "--format", "csv"]);
    let files: Vec<_> = ended.stdout.lines().map(|row| row.split(',').next().unwrap()).collect();
    let project = az.work().join("az.toml").canonicalize().unwrap();
    assert_eq!(files, ["file", project.to_str().unwrap(), "user.toml"], "{ended:?}");
}

#[test]
fn a_file_that_is_validated_alone_is_checked_as_the_layer_that_it_is() {
    let text = "[llm]\nmodel = \"scripted:x.jsonl\"\n";
    let az = Az::new();
    std::fs::write(az.beside("system.toml"), text).unwrap();
    az.file("config.toml", text).file("az.toml", text);
    for (file, code) in [("../system.toml", 78), ("az.toml", 78), ("config.toml", 0)] {
        assert_eq!(az.az(&["config", "validate", file]).code, Some(code), "{file}");
    }
}

#[test]
fn a_stored_value_that_a_store_cannot_set_does_not_block_commands() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let store = SqliteStore::open(az.database(), SqliteOptions::default()).unwrap();
    block_on(ConfigManager::set(&store, "llm.base_url", &json!(5))).unwrap();
    drop(store);
    az.ok(&["models", "list"]);
    assert_eq!(az.ok(&["config", "get", "llm.base_url"]), "");
}
