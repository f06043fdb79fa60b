//! A project's file is not trusted: nothing in it has an effect before, but what is harmless.

use std::fs;
use std::os::unix::fs::symlink;

use az_cli::config::{ConfigLayers, Env, Layer, SettingValue, TrustRecord};

use super::cases::cases;
use crate::support::Az;

/// What a project's file may set before it is trusted.
const HARMLESS: [&str; 12] = [
    "llm.model",
    "llm.default_provider",
    "llm.timeouts.connect_seconds",
    "llm.timeouts.first_byte_seconds",
    "llm.timeouts.idle_seconds",
    "llm.timeouts.event_seconds",
    "llm.timeouts.total_seconds",
    "llm.timeouts.loading_seconds",
    "task.max_steps",
    "task.timeout",
    "output.format",
    "output.color",
];

/// Returns the keys that the project's file sets with effect.
fn effective(layers: &ConfigLayers) -> Option<Vec<String>> {
    let (_, values) = layers.values().ok()?;
    let of_project = |setting: &SettingValue| {
        setting.origin.as_ref().is_some_and(|origin| origin.layer == Layer::Project)
    };
    Some(values.into_iter().filter(of_project).map(|setting| setting.key).collect())
}

#[track_caller]
fn only_harmless(keys: Option<Vec<String>>, name: &str) {
    let harmful = keys.into_iter().flatten().filter(|key| !HARMLESS.contains(&key.as_str()));
    assert_eq!(harmful.collect::<Vec<_>>(), Vec::<String>::new(), "{name}");
}

#[test]
fn a_hostile_file_has_no_harmful_effect_before_trust_nor_after_a_change() {
    let cases = cases("hostile.txt", "! ");
    assert!(cases.len() >= 30, "only {} cases", cases.len());
    for case in cases {
        let az = Az::new();
        az.file("az.toml", &case.text);
        let home = az.beside("home").to_str().unwrap().to_owned();
        let system = az.beside("none").to_str().unwrap().to_owned();
        let env = Env::from([("HOME", home.as_str()), ("AZ_SYSTEM_CONFIG", system.as_str())]);
        let read = || ConfigLayers::read(&env, Some(&az.work())).unwrap();
        let refused = case.marked == ["refused"];
        assert_eq!(effective(&read()).is_none(), refused, "{}", case.name);
        only_harmless(effective(&read()), &case.name);
        if refused {
            continue;
        }
        let project = read().resolve().unwrap().project.unwrap();
        assert!(!project.trusted && !project.withheld.is_empty(), "{}", case.name);
        TrustRecord::change(&env, |record| record.trust(&project.path, project.digest)).unwrap();
        let trusted = effective(&read()).unwrap();
        for key in &project.withheld {
            let counts = trusted.iter().any(|set| set.starts_with(key));
            assert!(counts, "{}: {key} does not count once it is trusted", case.name);
        }
        az.file("az.toml", &format!("{}# changed\n", case.text));
        only_harmless(effective(&read()), &format!("{}, after a change", case.name));
    }
}

#[test]
fn what_is_ignored_is_said_once_on_standard_error() {
    let az = Az::new();
    az.file("az.toml", "[shell]\nprogram = \"/tmp/x\"\nenv = [\"A=1\"]\n[task]\nmax_steps = 3\n");
    let ended = az.az(&["task", "list", "--json"]);
    assert_eq!((ended.code, ended.stdout.trim()), (Some(0), "[]"), "{ended:?}");
    let expected = format!(
        "{} is not trusted, and these keys of it are ignored: shell.env, shell.program; `az config \
         trust` shows and allows them\n",
        az.work().join("az.toml").canonicalize().unwrap().display()
    );
    assert!(ended.stderr.starts_with(&expected), "{ended:?}");
    assert_eq!(ended.stderr.matches("az.toml").count(), 1, "{ended:?}");
    assert_eq!(az.az(&["task", "list", "--quiet"]).stderr, "");
}

#[test]
fn trust_shows_what_the_file_changes_and_ends_with_a_change() {
    let az = Az::new();
    az.file("az.toml", "[shell]\nenv = [\"LD_PRELOAD=/tmp/x.so\"]\n[llm]\nmodel = \"offline\"\n");
    let shown = az.az(&["config", "trust"]);
    assert_eq!(shown.code, Some(2), "without a terminal: {shown:?}");
    assert!(shown.stdout.contains("LD_PRELOAD=/tmp/x.so"), "{shown:?}");
    assert!(shown.stderr.contains("--yes is needed"), "{shown:?}");
    az.ok(&["config", "trust", "--yes"]);
    let origin = |key: &str| az.ok(&["config", "get", key, "--json"]);
    assert!(origin("shell.env").contains("\"layer\": \"project\""), "{}", origin("shell.env"));
    assert!(az.ok(&["config", "path", "--all"]).contains("trusted"));
    // A change by the user's own command keeps the trust; one by another program does not.
    az.ok(&["config", "set", "--layer", "project", "task.max_steps=4"]);
    assert!(origin("shell.env").contains("\"layer\": \"project\""));
    let text = az.read("az.toml");
    az.file("az.toml", &text.replace("x.so", "y.so"));
    assert!(origin("shell.env").contains("\"layer\": \"default\""));
    az.file("az.toml", &text);
    assert!(origin("shell.env").contains("\"layer\": \"project\""), "the digest is the same again");
    az.ok(&["config", "trust", "--revoke"]);
    assert!(origin("shell.env").contains("\"layer\": \"default\""));
}

#[test]
fn what_the_user_sets_in_a_new_file_of_a_project_is_trusted() {
    let az = Az::new();
    az.ok(&["config", "set", "--layer", "project", "shell.program=sh"]);
    assert_eq!(az.ok(&["config", "get", "shell.program"]), "sh\n");
    // What another program wrote is not trusted together with it.
    let other = Az::new();
    other.file("az.toml", "[shell]\nenv = [\"A=1\"]\n");
    other.ok(&["config", "set", "--layer", "project", "shell.program=sh"]);
    assert_eq!(other.ok(&["config", "get", "shell.program"]), "");
}

#[test]
fn a_project_does_not_choose_the_provider_that_gets_a_key() {
    let az = Az::new();
    az.ok(&["config", "set", "llm.provider=gemini"]);
    az.file("az.toml", "[llm]\ndefault_provider = \"openai\"\n").file("key.txt", "sk-1");
    let key = fs::File::open(az.work().join("key.txt")).unwrap();
    let output = az.command(["config", "set", "llm.api_key"]).stdin(key).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.starts_with("the API key of gemini is in "), "{shown}");
}

#[test]
fn a_changed_file_of_rules_ends_the_trust_in_the_file_that_names_it() {
    let az = Az::new();
    az.file("az.toml", "[llm]\nrouting_file = \"rules.toml\"\n");
    let rule = |name: &str| {
        format!("[[routing_rules]]\ncondition = \"fallback\"\nprovider = \"{name}\"\n")
    };
    az.file("rules.toml", &rule("offline"));
    az.ok(&["config", "trust", "--yes"]);
    assert!(az.ok(&["config", "get", "llm.routing_file"]).contains("rules.toml"));
    az.file("rules.toml", &rule("openai/gpt-5.6"));
    assert_eq!(az.ok(&["config", "get", "llm.routing_file"]), "");
}

#[test]
fn trust_binds_to_the_path() {
    let az = Az::new();
    let text = "[shell]\nprogram = \"sh\"\n";
    az.file("az.toml", text);
    az.ok(&["config", "trust", "--yes"]);
    let other = az.work().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("az.toml"), text).unwrap();
    let mut command = az.command(["config", "get", "shell.program"]);
    let output = command.current_dir(&other).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn a_file_that_is_none_is_refused_and_not_waited_for() {
    let az = Az::new();
    symlink("/dev/zero", az.work().join("az.toml")).unwrap();
    let ended = az.az(&["task", "list"]);
    assert_eq!(ended.code, Some(74), "{ended:?}");
    assert!(ended.stderr.contains("az.toml: it is not a regular file"), "{ended:?}");
}

#[test]
fn a_changed_file_of_any_key_ends_the_trust_in_the_file_that_names_it() {
    for (text, file) in [
        ("[network]\nca_file = \"x.pem\"\n", "work/x.pem"),
        ("[network]\nca_file = \"~/x.pem\"\n", "home/x.pem"),
        ("[network]\nclient_certificate = \"x.pem\"\n", "work/x.pem"),
        ("[llm]\nprices_file = \"x.toml\"\n", "work/x.toml"),
        (
            "[[llm.providers]]\nname = \"a\"\nprovider = \"groq\"\napi_key_file = \"x.key\"\n",
            "work/x.key",
        ),
    ] {
        let az = Az::new();
        az.file("az.toml", text);
        fs::write(az.beside(file), "one").unwrap();
        az.ok(&["config", "trust", "--yes"]);
        let state = || az.ok(&["config", "path", "--all"]);
        assert!(!state().contains("not trusted"), "{text}");
        fs::write(az.beside(file), "two").unwrap();
        assert!(state().contains("not trusted"), "{text}");
    }
}

#[test]
fn a_project_cannot_make_az_wait_for_a_pipe_that_it_names() {
    let az = Az::new();
    let pipe = az.work().join("rules.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mkfifo on this machine");
        return;
    }
    az.file("az.toml", "[llm]\nrouting_file = \"rules.toml\"\n");
    assert_eq!(az.ok(&["task", "list", "--json"]).trim(), "[]");
}

#[test]
fn a_file_of_rules_may_name_no_files_where_the_layer_that_names_it_may_not() {
    let az = Az::new();
    az.file("script.jsonl", "{\"text\": \"hello\"}\n");
    for model in ["scripted:script.jsonl", "record:x.jsonl@offline", "replay:x.jsonl"] {
        let rules =
            format!("[[routing_rules]]\ncondition = \"fallback\"\nprovider = \"{model}\"\n");
        az.file("rules.toml", &rules).file("az.toml", "[llm]\nrouting_file = \"rules.toml\"\n");
        az.ok(&["config", "trust", "--yes"]);
        let ended = az.az(&["task", "run", "hello"]);
        assert_eq!(ended.code, Some(78), "{model}: {ended:?}");
        let message = "rules.toml:3:12: record:, replay: and scripted: are accepted only from";
        assert!(ended.stderr.contains(message), "{model}: {ended:?}");
        assert!(!az.work().join("x.jsonl").exists(), "{model}");
        fs::remove_file(az.work().join("az.toml")).unwrap();
    }
    let rules = az.work().join("rules.toml").display().to_string();
    az.file(
        "rules.toml",
        "[[routing_rules]]\ncondition = \"fallback\"\nprovider = \"scripted:script.jsonl\"\n",
    );
    az.ok(&["config", "set", &format!("llm.routing_file={rules}")]);
    assert_eq!(az.ok(&["task", "run", "hello"]), "hello\n");
}
