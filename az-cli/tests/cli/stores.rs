//! Stores are chosen by address, and an `az` of one's own brings its own.

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use az_cli::Wiring;
use az_cli::config::Env;
use az_core::memory::MemoryStores;
use serde_json::Value;

use crate::support::Az;

/// The commands that `run_with_a_store_of_its_own` runs, one after the other.
const COMMANDS: [&[&str]; 7] = [
    &["task", "run", "list the files here", "--model", "offline", "--quiet"],
    &["cost", "budget", "set", "--amount", "5", "--json"],
    &["task", "list", "--json"],
    &["task", "list", "--status", "failed", "--json"],
    &["cost", "budget", "show", "--json"],
    &["cost", "show", "--by", "model", "--json"],
    &["db", "status", "--check", "--json"],
];

/// Separates the output of the commands.
const MARK: &str = "-- next --";

#[test]
fn every_command_of_an_az_of_ones_own_uses_its_store() {
    let az = Az::new();
    let binary = std::env::current_exe().unwrap();
    let mut command = Command::new(binary);
    command.args(["--exact", "stores::run_with_a_store_of_its_own", "--nocapture", "--quiet"]);
    let ended = command.current_dir(az.work()).env("AZ_TEST_STORES", "1").env("HOME", az.work());
    let ended = ended.output().unwrap();
    let text = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{text}");
    let parts: Vec<_> = text.split(MARK).collect();
    let json = |n: usize| serde_json::from_str::<Value>(parts[n].trim()).unwrap();
    assert_eq!(json(2)[0]["status"], "completed", "{text}");
    assert_eq!(json(3), serde_json::json!([]));
    assert_eq!(json(4)[0]["scope"], "global");
    assert_eq!(json(5)[0]["key"], "offline", "{text}");
    assert_eq!((&json(6)["store"], &json(6)["tasks"]), (&"mine:".into(), &1.into()));
    assert!(!az.database().exists(), "a database was made beside the store");
}

/// Not a test of its own: this test binary, as an `az` with a store in memory.
#[test]
fn run_with_a_store_of_its_own() {
    if std::env::var_os("AZ_TEST_STORES").is_none() {
        return;
    }
    let wiring = Wiring::default().with_store("mine", Arc::new(MemoryStores::new()));
    for args in COMMANDS {
        let args = ["az", "--store", "mine:"].iter().chain(args).map(OsString::from);
        az_cli::run_wired(args, &Env::read(), &wiring);
        az_print(MARK);
    }
}

/// Prints past the test harness, as the commands do.
fn az_print(text: &str) {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}").unwrap();
}

#[test]
fn a_memory_store_lasts_for_one_command() {
    let az = Az::new().with_var("AZ_STORE", "memory:");
    az.ok(&["task", "run", "list the files here", "--model", "offline"]);
    assert_eq!(az.ok(&["task", "list", "--json"]).trim(), "[]");
    assert!(!az.database().exists());
}

#[test]
fn an_address_overrides_those_of_lower_precedence() {
    let az = Az::new().with_var("AZ_STORE", "memory:");
    let path = az.work().join("own.db").display().to_string();
    az.ok(&["db", "init", "--store", &format!("sqlite:{path}")]);
    assert!(az.work().join("own.db").exists());
    let dir = az.work().join("data").display().to_string();
    az.ok(&["db", "init", "--data-dir", &dir]);
    assert!(az.work().join("data/az.db").exists(), "a typed directory beats AZ_STORE");
}

#[test]
fn an_invalid_address_is_reported_with_its_origin_and_the_right_form() {
    let az = Az::new();
    for (args, code, message) in [
        (
            ["--store", "sqlit:x"],
            2,
            "--store: unknown store scheme \"sqlit\"; known schemes: memory, sqlite; did you mean \
             sqlite?",
        ),
        (
            ["--store", "/tmp/x.db"],
            2,
            "--store: invalid store address: \"/tmp/x.db\" has no scheme; for a file, write \
             sqlite:/tmp/x.db",
        ),
    ] {
        let ended = az.az(&[&["task", "list"][..], &args].concat());
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(message), "{ended:?}");
    }
    let az = az.with_var("AZ_STORE", "sqlite:az.db");
    let ended = az.az(&["task", "list"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.stderr.contains("AZ_STORE: sqlite:az.db must be an absolute path"), "{ended:?}");
}
