//! 50 files that are changed: only what must change does.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::cases::cases;
use crate::support::Az;

/// Returns the text before and after the change.
fn sides(marked: &str) -> [String; 2] {
    ['-', '+'].map(|side| {
        let lines = marked.lines().filter_map(|line| {
            let mut chars = line.chars();
            let mark = chars.next().unwrap_or(' ');
            (mark == ' ' || mark == side).then_some(chars.as_str())
        });
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        text.replace("\\\n", "").replace('␍', "\r")
    })
}

#[test]
fn a_change_keeps_comments_spacing_and_form() {
    let cases = cases("set.txt", "$ ");
    assert!(cases.len() >= 50, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let [before, expected] = sides(&case.text);
        let az = Az::new();
        az.file("config.toml", &before);
        let path = az.work().join("config.toml");
        let az = az.with_var("AZ_CONFIG", path.to_str().unwrap());
        let mut args = vec!["config".to_owned()];
        args.extend(shlex::split(&case.marked[0]).unwrap());
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let ended = az.az(&args);
        let after = az.read("config.toml");
        if ended.code != Some(0) || after != expected {
            wrong.push(format!("{}: {}\n{after:?}\n{expected:?}", case.name, ended.stderr));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn permissions_stay_and_symbolic_links_are_followed() {
    let az = Az::new();
    az.file("real.toml", "[llm]\nmodel = \"claude\"\n");
    let real = az.work().join("real.toml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = az.work().join("link.toml");
    symlink("real.toml", &link).unwrap();
    let az = az.with_var("AZ_CONFIG", link.to_str().unwrap());
    az.ok(&["config", "set", "llm.model=gpt4"]);
    assert_eq!(az.read("real.toml"), "[llm]\nmodel = \"gpt4\"\n");
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_new_file_of_the_user_can_be_read_by_the_user_only() {
    let az = Az::new();
    az.ok(&["config", "set", "llm.model=gpt4"]);
    let path = az.beside("home/.config/az/config.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(az.ok(&["config", "path"]).trim(), path.to_str().unwrap());
}

#[test]
fn a_read_only_file_is_an_error_that_says_so() {
    let az = Az::new();
    az.file("config.toml", "[llm]\n");
    let path = az.work().join("config.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let az = az.with_var("AZ_CONFIG", path.to_str().unwrap());
    let ended = az.az(&["config", "set", "llm.model=gpt4"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.stderr.contains("config.toml is read-only; make it writable"), "{ended:?}");
    assert_eq!(az.read("config.toml"), "[llm]\n");
}

#[test]
fn an_invalid_value_is_refused_and_nothing_is_written() {
    let az = Az::new();
    for (args, message) in [
        (&["llm.max_tokens=many"][..], "llm.max_tokens: must be a whole number from 1 to"),
        (&["llm.max_tokens", "0"], "llm.max_tokens: must be a whole number from 1 to"),
        (&["cost.time_zone=Europe/Berln"], "did you mean `Europe/Berlin`?"),
        (&["llm.modle=claude"], "unknown key \"llm.modle\"; did you mean `llm.model`?"),
        (&["task.timeout=soon"], "task.timeout: must be a duration such as 90s, 10m or 1h30m"),
        (&["output.format=jsno"], "did you mean `json`?"),
        (&["llm.base_url=127.0.0.1:1"], "must begin with http:// or https://"),
        (&["llm.model=gpt4", "llm.cost_tracking=yes"], "must be true or false"),
        (&["llm.timeouts={x=1}"], "unknown key `x`"),
        (&["llm.api_key=sk-1"], "a key on the command line is visible to other processes"),
        (&["llm.providers.groq.api_key=sk-1"], "a key on the command line is visible"),
        (&["llm.providers[3].model=x"], "`providers` has no such item"),
    ] {
        let ended = az.az(&[&["config", "set"], args].concat());
        assert!(matches!(ended.code, Some(2 | 78)), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(message), "{args:?}: {ended:?}");
        assert!(!az.beside("home/.config/az/config.toml").exists(), "{args:?}");
    }
}

#[test]
fn new_directories_are_open_to_others_for_the_machine_and_closed_for_the_user() {
    let az = Az::new();
    fs::create_dir(az.beside("usual")).unwrap();
    let mode = |path: &str| fs::metadata(az.beside(path)).unwrap().permissions().mode() & 0o777;
    let system = az.beside("etc/az/config.toml");
    let mut command = az.command(["config", "set", "--layer", "system", "llm.model=gpt4"]);
    let ended = command.env("AZ_SYSTEM_CONFIG", &system).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    az.ok(&["config", "set", "llm.model=gpt4"]);
    assert_eq!([mode("etc"), mode("etc/az")], [mode("usual"); 2]);
    assert_eq!(mode("etc/az/config.toml"), mode("usual") & 0o666);
    assert_eq!([mode("home/.config"), mode("home/.config/az")], [0o700; 2]);
}

#[test]
fn an_api_key_in_a_table_is_refused_and_a_table_that_may_have_a_secret_is_not_shown() {
    let az = Az::new();
    for table in [
        "llm.providers=[{ name = \"a\", provider = \"groq\", api_key = \"sk-1\" }]",
        "llm={ providers = [{ name = \"a\", provider = \"groq\", API_KEY = \"sk-1\" }] }",
    ] {
        let ended = az.az(&["config", "set", table]);
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.stderr.contains("an API key on the command line is visible"), "{ended:?}");
        assert!(!ended.stderr.contains("sk-1"), "{ended:?}");
        assert!(!az.beside("home/.config/az/config.toml").exists());
    }
    let set = az.ok(&["config", "set", "network={ proxy = \"http://u:pw@p:3128\" }"]);
    assert!(set.starts_with("network = … in "), "{set}");
    let plain = az.ok(&["config", "set", "llm.timeouts={ idle_seconds = 9 }"]);
    assert!(plain.starts_with("llm.timeouts = { idle_seconds = 9 } in "), "{plain}");
}
