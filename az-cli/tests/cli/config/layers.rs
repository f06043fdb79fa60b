//! Which layer decides, and where each value comes from.

use std::fs;

use serde_json::{Value, json};

use crate::support::Az;

/// An `az` in a directory below a project, with a user's file and one of the machine.
fn layered() -> Az {
    let az = Az::new();
    fs::create_dir_all(az.beside("home/.config/az")).unwrap();
    fs::create_dir_all(az.work().join("below")).unwrap();
    let system = "[llm]\nmodel = \"system\"\n[task]\nmax_steps = 1\ntimeout = \"1m\"\n\
                  [cost]\ntime_zone = \"Asia/Tokyo\"\n[llm.timeouts]\nidle_seconds = 1\n";
    fs::write(az.beside("system.toml"), system).unwrap();
    let user = "[llm]\nmodel = \"user\"\n[task]\nmax_steps = 2\ntimeout = \"2m\"\n\
                [cost]\ntime_zone = \"Europe/Berlin\"\n";
    fs::write(az.beside("home/.config/az/config.toml"), user).unwrap();
    az.file("az.toml", "[llm]\nmodel = \"project\"\n[task]\nmax_steps = 3\n");
    let system = az.beside("system.toml").to_str().unwrap().to_owned();
    az.with_var("AZ_SYSTEM_CONFIG", system)
}

#[track_caller]
fn origin(az: &Az, key: &str) -> (Value, Value, Value) {
    let shown = az.ok(&["config", "get", key, "--json"]);
    let mut shown: Value = serde_json::from_str(&shown).unwrap();
    (shown["value"].take(), shown["layer"].take(), shown["line"].take())
}

#[test]
fn a_layer_overrides_those_below_it_and_each_value_has_its_origin() {
    let az = layered();
    az.ok(&["config", "set", "--layer", "store", "task.timeout=3m", "task.max_steps=9"]);
    az.ok(&["config", "set", "--layer", "store", "cost.time_zone=America/Lima"]);
    let is = |key, value: Value, layer: &str, line: Value| {
        assert_eq!(origin(&az, key), (value, json!(layer), line), "{key}");
    };
    is("llm.model", json!("project"), "project", json!(2));
    is("task.max_steps", json!(3), "project", json!(4));
    is("task.timeout", json!("3m"), "store", Value::Null);
    is("cost.time_zone", json!("America/Lima"), "store", Value::Null);
    is("llm.timeouts.idle_seconds", json!(1), "system", json!(9));
    is("llm.timeouts.total_seconds", json!(3600), "default", Value::Null);
    let az = az.with_var("AZ_MODEL", "variable").with_var("AZ_TASK_MAX_STEPS", "4");
    let is = |key, value: Value, layer: &str| {
        let (found, at, _) = origin(&az, key);
        assert_eq!((found, at), (value, json!(layer)), "{key}");
    };
    is("llm.model", json!("variable"), "environment");
    is("task.max_steps", json!(4), "environment");
    let shown = az.ok(&["config", "get", "output.color", "--origin", "--no-color"]);
    assert!(shown.contains("never") && shown.contains("--no-color"), "{shown}");
}

#[test]
fn all_keys_are_listed_with_file_line_and_column() {
    let az = layered();
    let listed = az.ok(&["config", "get", "--all", "--origin"]);
    let user = az.beside("home/.config/az/config.toml");
    assert!(listed.contains(&format!("{}:5:11", user.display())), "{listed}");
    for line in ["llm.model", "llm.max_tokens", "store.url", "shell.program", "output.format"] {
        assert!(listed.lines().any(|shown| shown.starts_with(line)), "{line}: {listed}");
    }
    let json: Value = serde_json::from_str(&az.ok(&["config", "get", "--all", "--json"])).unwrap();
    assert!(json.as_array().unwrap().len() > 20, "{json}");
    let csv = az.ok(&["config", "get", "--all", "--format", "csv"]);
    assert!(csv.starts_with("key,value,layer,source,line,column\n"), "{csv}");
}

#[test]
fn the_nearest_project_file_counts_also_from_below() {
    let az = layered();
    let mut command = az.command(["config", "get", "llm.model"]);
    let output = command.current_dir(az.work().join("below")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "project");
    fs::write(az.work().join("below/az.toml"), "[llm]\nmodel = \"nearer\"\n").unwrap();
    let mut command = az.command(["config", "get", "llm.model"]);
    let output = command.current_dir(az.work().join("below")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "nearer");
}

#[test]
fn a_stronger_layer_decides_between_an_address_and_a_directory() {
    let az = Az::new();
    az.file("config.toml", "[store]\nurl = \"memory:\"\n");
    let path = az.work().join("config.toml").to_str().unwrap().to_owned();
    let data = az.work().join("data").to_str().unwrap().to_owned();
    let az = az.with_var("AZ_CONFIG", path).with_var("AZ_DATA_DIR", data);
    let get = |key: &str| az.ok(&["config", "get", key]);
    assert_eq!(get("store.url"), "");
    az.ok(&["db", "init"]);
    assert!(az.work().join("data/az.db").exists());
}

#[test]
fn limits_of_the_configuration_apply_to_tasks_without_the_option() {
    let az = layered();
    az.ok(&["task", "run", "--detach", "read a"]);
    let task = az.shown(&az.only_id());
    assert_eq!(task["options"]["max_steps"], 3, "{task}");
}

#[test]
fn a_setting_in_the_store_applies_and_is_checked_when_it_is_read() {
    let az = Az::new();
    let dates =
        |az: &Az| az.ok(&["cost", "show", "--by", "day", "--since", "2026-01-01", "--json"]);
    az.ok(&["config", "set", "--layer", "store", "cost.time_zone=Pacific/Kiritimati"]);
    assert_eq!(dates(&az).trim(), "[]");
    assert_eq!(az.ok(&["config", "get", "cost.time_zone"]), "Pacific/Kiritimati\n");
    // What another program stored is checked when it is read.
    let set = "UPDATE setting SET value = '\"Mars/Olympus\"'";
    rusqlite::Connection::open(az.database()).unwrap().execute(set, []).unwrap();
    let ended = az.az(&["cost", "show"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let message = "the store: cost.time_zone: unknown time zone";
    assert!(ended.stderr.contains(message), "{ended:?}");
    az.ok(&["config", "unset", "--layer", "store", "cost.time_zone"]);
    az.ok(&["cost", "show"]);
}

#[test]
fn settings_of_other_programs_in_the_store_are_left_alone() {
    let az = Az::new();
    az.ok(&["config", "set", "--layer", "store", "task.max_steps=4"]);
    let add = "INSERT INTO setting (namespace, key, value) VALUES ('default', 'mine.key', '7')";
    rusqlite::Connection::open(az.database()).unwrap().execute(add, []).unwrap();
    assert_eq!(az.ok(&["config", "get", "task.max_steps"]), "4\n");
}

#[test]
fn an_invalid_variable_is_an_error_that_names_it() {
    for (name, value, message) in [
        ("AZ_TASK_MAX_STEPS", "many", "AZ_TASK_MAX_STEPS: must be a whole number from 1"),
        ("AZ_TASK_TIMEOUT", "soon", "AZ_TASK_TIMEOUT: task.timeout: must be a duration"),
        ("AZ_OUTPUT_FORMAT", "jsno", "AZ_OUTPUT_FORMAT: output.format: must be one of"),
    ] {
        let az = Az::new().with_var(name, value);
        let ended = az.az(&["task", "list"]);
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.stderr.contains(message), "{ended:?}");
    }
}

#[test]
fn the_format_of_the_configuration_is_that_of_listings_without_the_option() {
    let az = Az::new().with_var("AZ_OUTPUT_FORMAT", "json");
    assert_eq!(az.ok(&["task", "list"]).trim(), "[]");
    assert!(az.ok(&["task", "list", "--format", "table"]).starts_with("ID "));
}

#[test]
fn keys_and_passwords_are_masked() {
    let az = Az::new();
    az.file(
        "config.toml",
        "[store]\nurl = \"mine://me:canary@host/az\"\n[shell]\nenv = [\"X_TOKEN=canary\", \"CI\"]\n\
         [llm]\nbase_url = \"http://me:canary@host/v1\"\n[[llm.providers]]\nname = \"a\"\n\
         provider = \"groq\"\napi_key = \"canary\"\n",
    );
    let path = az.work().join("config.toml").to_str().unwrap().to_owned();
    let az = az.with_var("AZ_CONFIG", path);
    for format in ["table", "json", "csv"] {
        let shown = az.ok(&["config", "get", "--all", "--origin", "--format", format]);
        assert!(shown.contains("X_TOKEN") && !shown.contains("canary"), "{shown}");
    }
    assert_eq!(az.ok(&["config", "get", "llm.providers.a.api_key"]).trim(), "[key]");
    assert_eq!(az.ok(&["config", "get", "llm.providers[0].provider"]).trim(), "groq");
}

#[test]
fn nothing_is_removed_from_the_store_if_one_of_the_keys_is_not_set() {
    let az = Az::new();
    az.ok(&["config", "set", "--layer", "store", "task.max_steps=4"]);
    let ended = az.az(&["config", "unset", "--layer", "store", "task.max_steps", "llm.model"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("llm.model is not set in the store"), "{ended:?}");
    assert_eq!(az.ok(&["config", "get", "task.max_steps"]), "4\n");
}
