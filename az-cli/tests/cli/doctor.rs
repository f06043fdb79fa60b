//! `az doctor`: what it finds in sound and in damaged installations.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::{answer, lists, not_found, refuses, serve};
use crate::support::{Az, Ended, script};
use crate::terminal::at_terminal;

const CANARY: &str = "sk-canary-key-0123456789abcdef";

/// Returns the findings of a check, each as status and text.
fn findings(ended: &Ended, check: &str) -> Vec<(String, String)> {
    let view: Value = serde_json::from_str(&ended.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = view["checks"].as_array().unwrap().iter().filter(|found| found["check"] == check);
    checks
        .map(|found| {
            let words = [&found["subject"], &found["found"], &found["remedy"]].map(text).join("|");
            (text(&found["status"]), words)
        })
        .collect()
}

/// Returns the only finding of a check.
#[track_caller]
fn finding(ended: &Ended, check: &str) -> (String, String) {
    let found = findings(ended, check);
    let [one] = found.as_slice() else { panic!("{check}: {found:?}") };
    one.clone()
}

/// Runs the doctor; checks its exit code, and that the counts of its document are those of its findings.
#[track_caller]
fn doctor(az: &Az, code: i32) -> Ended {
    let ended = az.az(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let view: Value = serde_json::from_str(&ended.stdout).unwrap();
    let count = |status: &str| {
        let checks = view["checks"].as_array().unwrap();
        json!(checks.iter().filter(|check| check["status"] == status).count())
    };
    assert_eq!((&view["errors"], &view["warnings"]), (&count("error"), &count("warning")));
    assert_eq!(view["errors"] != 0, code == 1, "{view}");
    assert!(!ended.stdout.contains(CANARY), "{ended:?}");
    ended
}

fn is(found: &(String, String), status: &str, says: &[&str]) {
    assert_eq!(found.0, status, "{found:?}");
    for text in says {
        assert!(found.1.contains(text), "{text:?}: {found:?}");
    }
}

#[test]
fn a_new_installation_has_no_errors_and_is_not_changed() {
    let az = Az::new();
    let ended = doctor(&az, 0);
    assert_eq!(ended.stderr, "");
    is(&finding(&ended, "config"), "ok", &["no file exists"]);
    is(&finding(&ended, "store"), "ok", &["does not exist yet"]);
    is(&finding(&ended, "clock"), "ok", &["Z"]);
    is(&finding(&ended, "files"), "ok", &["no file holds a secret"]);
    is(&finding(&ended, "terminal"), "ok", &["not a terminal"]);
    assert_eq!(findings(&ended, "ledger"), []);
    assert!(!az.data_dir().exists(), "it creates nothing");
}

#[test]
fn every_format_has_the_same_findings() {
    let az = Az::new();
    let csv = az.ok(&["doctor", "--format", "csv"]);
    assert_eq!(csv.lines().next(), Some("check,subject,status,found,remedy"));
    assert!(csv.contains("store,sqlite:"), "{csv}");
    let text = az.ok(&["doctor"]);
    assert!(text.contains("✔ store "), "{text}");
    assert!(!text.contains("\u{1b}["), "{text}");
}

#[test]
fn a_sound_store_is_counted_and_its_ledger_agrees() {
    let az = Az::new();
    let usage = json!({"input": 10, "output": 5});
    let line = json!({"text": "done", "usage": usage, "cost_nanos": 70, "price_nanos": 70});
    let model = script(&az, &[line]);
    az.ok(&["cost", "budget", "set", "--amount", "5", "--period", "total"]);
    az.ok(&["task", "run", "first", "--model", &model]);
    let ended = doctor(&az, 0);
    is(&finding(&ended, "store"), "ok", &["sound: schema ", "1 task, "]);
    is(&finding(&ended, "ledger"), "ok", &["the costs of 1 task "]);

    let damage = |sql| Connection::open(az.database()).unwrap().execute(sql, []);
    assert_eq!(damage("UPDATE task SET cost = 71"), Ok(1));
    let ended = doctor(&az, 1);
    is(
        &finding(&ended, "ledger"),
        "error",
        &["costs $0.000000071, but its entries add up to $0.00000007"],
    );
    assert_eq!(damage("UPDATE bucket SET spent = 1"), Ok(1));
    let ended = doctor(&az, 1);
    is(&finding(&ended, "store"), "error", &["budget global total: ", "is stored as spent"]);
    let checked = az.az(&["db", "status", "--check"]);
    assert_eq!(checked.code, Some(74), "{checked:?}");
}

#[test]
fn a_record_of_the_future_is_a_warning_about_the_clock() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "later"]);
    let later = "UPDATE task SET created_at = created_at + 7200000000";
    assert_eq!(Connection::open(az.database()).unwrap().execute(later, []), Ok(1));
    is(&finding(&doctor(&az, 0), "clock"), "warning", &["later: the clock was set back"]);
}

#[test]
fn a_damaged_store_is_an_error_and_the_other_checks_run() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "a"]);
    let damage = |sql| Connection::open(az.database()).unwrap().execute(sql, []);
    assert_eq!(damage("UPDATE task SET options = '['"), Ok(1));
    let ended = doctor(&az, 1);
    is(
        &finding(&ended, "store"),
        "error",
        &["stored options cannot be read", "az db init --force"],
    );
    fs::write(az.database(), vec![b'x'; 8192]).unwrap();
    let ended = doctor(&az, 1);
    is(&finding(&ended, "store"), "error", &["az.db", "az db init --force"]);
    is(&finding(&ended, "config"), "ok", &[]);
    let size = fs::metadata(az.database()).unwrap().len();
    assert_eq!(size, 8192, "it is not changed");
}

#[test]
fn torn_pages_are_problems_of_a_line_each() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let mut bytes = fs::read(az.database()).unwrap();
    let page = 4096;
    bytes[page * 20..page * 22].fill(0xff);
    fs::write(az.database(), bytes).unwrap();
    let found = findings(&doctor(&az, 1), "store");
    assert!(!found.is_empty());
    for (status, text) in &found {
        assert_eq!(status, "error");
        assert!(!text.contains("***") && !text.contains('\n'), "{text}");
    }
    let table = az.az(&["db", "status", "--check"]);
    assert_eq!(table.code, Some(74), "{table:?}");
    assert!(table.stdout.contains("btreeInitPage"), "{table:?}");
    assert!(!table.stdout.contains("***"), "{table:?}");
}

#[test]
fn an_invalid_variable_of_workers_and_a_missing_shell_are_found() {
    let az = Az::new().with_var("AZ_LEASE_MS", "soon");
    is(&finding(&doctor(&az, 1), "config"), "error", &["AZ_LEASE_MS must be a whole number"]);
    let az = Az::new();
    az.ok(&["config", "set", "shell.program=/bin/no-such-shell"]);
    let found = finding(&doctor(&az, 1), "config");
    is(&found, "error", &["shell.program", "/bin/no-such-shell is not a file"]);
}

#[test]
fn a_store_of_another_schema_is_found() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let set = |version: u32| {
        let sql = format!("PRAGMA user_version = {version}");
        Connection::open(az.database()).unwrap().execute_batch(&sql).unwrap();
    };
    set(900);
    is(&finding(&doctor(&az, 1), "store"), "error", &["900", "use the newer az"]);
    set(1);
    is(&finding(&doctor(&az, 0), "store"), "warning", &["`az db init` migrates it"]);
}

#[test]
fn a_read_only_store_can_be_checked() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    fs::set_permissions(az.database(), fs::Permissions::from_mode(0o400)).unwrap();
    let ended = doctor(&az, 0);
    is(&finding(&ended, "store"), "ok", &["sound"]);
}

#[test]
fn an_invalid_configuration_is_located_and_the_store_is_checked() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    az.file("az.toml", "[llm]\nmodle = \"x\"\n\n[[[\n");
    let ended = doctor(&az, 1);
    let found = findings(&ended, "config");
    is(&found[0], "error", &["az.toml:2:1", "did you mean `model`?", "az config validate"]);
    is(&found[1], "error", &["az.toml:4:"]);
    is(&finding(&ended, "store"), "ok", &["sound"]);
    let az = az.with_var("AZ_LLM_MAX_TOKENS", "many").with_var("AZ_CONFIG", "/nonexistent.toml");
    let ended = doctor(&az, 1);
    let all = findings(&ended, "config");
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all.iter().any(|(_, text)| text.contains("AZ_LLM_MAX_TOKENS")), "{all:?}");
    assert!(all.iter().any(|(_, text)| text.contains("AZ_CONFIG: /nonexistent.toml")), "{all:?}");
}

#[test]
fn what_is_not_trusted_is_a_warning() {
    let az = Az::new();
    az.file("az.toml", "[llm]\nbase_url = \"http://127.0.0.1:9/v1\"\n");
    let ended = doctor(&az, 0);
    is(&finding(&ended, "trust"), "warning", &["az.toml", "llm.base_url", "`az config trust`"]);
    az.ok(&["config", "trust", "--yes"]);
    is(&finding(&az.az(&["doctor", "--json"]), "trust"), "ok", &["trusted"]);
}

#[test]
fn secrets_that_others_can_read_are_warnings() {
    let az = Az::new();
    let directory = az.beside("home/.config/az");
    fs::create_dir_all(&directory).unwrap();
    let config = directory.join("config.toml");
    let entry =
        "provider = \"openai-compatible\"\nbase_url = \"http://127.0.0.1:9\"\nmodel = \"m\"";
    let text = format!("[[llm.providers]]\nname = \"mine\"\n{entry}\napi_key = \"{CANARY}\"\n");
    fs::write(&config, text).unwrap();
    let mode = |mode| fs::set_permissions(&config, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let remedy = format!("chmod 600 {}", config.display());
    is(&finding(&doctor(&az, 1), "files"), "warning", &["(mode 0644)", &remedy]);
    mode(0o600);
    is(&finding(&doctor(&az, 1), "files"), "ok", &["the 1 file with secrets"]);
}

/// Returns an `az` with an entry `mine` whose provider is at this address.
fn with_provider(url: &str) -> Az {
    let az = Az::new().with_var("MINE_KEY", CANARY);
    let base_url = format!("llm.providers.mine.base_url={url}");
    let rest = ["provider=openai-compatible", "model=m", "api_key_env=MINE_KEY"];
    let rest = rest.map(|field| format!("llm.providers.mine.{field}"));
    let mut args = vec!["config", "set", "llm.provider=mine", &base_url];
    args.extend(rest.iter().map(String::as_str));
    az.ok(&args);
    az
}

#[test]
fn a_provider_is_asked_for_its_models_with_the_key() {
    let (url, requests) = serve(|_| lists(&json!([{"id": "m"}, {"id": "n"}])));
    let ended = doctor(&with_provider(&url), 0);
    is(&finding(&ended, "key"), "ok", &["mine", "found in $MINE_KEY"]);
    is(&finding(&ended, "provider"), "ok", &["mine", &format!("{url} lists 2 models")]);
    is(&finding(&ended, "model"), "ok", &["mine|configured by llm.default_provider"]);
    let lines: Vec<_> = requests.lock().unwrap().iter().map(|r| r.line.clone()).collect();
    assert_eq!(lines, ["GET /v1/models"], "nothing that costs is sent");
}

#[test]
fn providers_that_fail_are_told_apart() {
    let found = |code, answer: String| {
        let (url, _) = serve(move |_| answer.clone());
        finding(&doctor(&with_provider(&url), code), "provider")
    };
    let rejected = found(1, refuses("401 Unauthorized", "bad key"));
    is(&rejected, "error", &["bad key", "az config set llm.providers.mine.api_key"]);
    is(&found(0, not_found()), "warning", &["does not list its models"]);
    let loading = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
    let loading = found(0, answer("503 Service Unavailable", "", loading));
    is(&loading, "warning", &["is loading its model", "loading_seconds"]);
    let gone = finding(&doctor(&with_provider("http://127.0.0.1:1/v1"), 1), "provider");
    is(&gone, "error", &["http://127.0.0.1:1/v1", "cannot be reached", "base_url"]);
}

#[test]
fn an_entry_without_its_key_is_not_asked() {
    let az = Az::new();
    let provider = "llm.providers.mine.provider=groq";
    az.ok(&["config", "set", provider, "llm.providers.mine.model=m", "llm.provider=mine"]);
    let ended = doctor(&az, 1);
    is(&finding(&ended, "key"), "warning", &["mine|missing|set $GROQ_API_KEY"]);
    assert_eq!(findings(&ended, "provider"), []);
    is(&finding(&ended, "model"), "error", &["none can be used", "az models list"]);
}

#[test]
fn a_terminal_shows_progress_and_colours() {
    let az = Az::new().with_var("LANG", "C.UTF-8").with_var("TERM", "xterm");
    let Some(ended) = at_terminal(&az, &["doctor"], &[]) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("checking: config, store, disk"), "{ended:?}");
    assert!(ended.stdout.contains("\u{1b}[32m✔\u{1b}[0m store "), "{ended:?}");
}
