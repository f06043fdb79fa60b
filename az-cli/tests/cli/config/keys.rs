//! API keys that are entered.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::{Az, Ended};
use crate::terminal::{at_terminal, with_redirected_stderr};

const CANARY: &str = "sk-canary-key-0123456789abcdef";

/// Runs a command with this standard input.
fn with_input(az: &Az, args: &[&str], input: &str) -> Ended {
    let mut command = az.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_key_is_read_from_standard_input_and_written_for_the_user_only() {
    let az = Az::new();
    az.ok(&["config", "set", "llm.provider=gemini"]);
    let ended = with_input(&az, &["config", "set", "llm.api_key"], &format!("{CANARY}\n"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!format!("{ended:?}").contains(CANARY));
    let config = fs::read_to_string(az.beside("home/.config/az/config.toml")).unwrap();
    assert!(config.contains("api_key_file = \"keys/gemini.key\""), "{config}");
    assert!(!config.contains(CANARY), "{config}");
    let file = az.beside("home/.config/az/keys/gemini.key");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{CANARY}\n"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = az.ok(&["models", "show", "gemini"]);
    assert!(listed.contains("keys/gemini.key"), "{listed}");
}

#[test]
fn a_key_replaces_the_one_of_its_entry() {
    let az = Az::new();
    fs::create_dir_all(az.beside("home/.config/az/keys")).unwrap();
    let file = az.beside("home/.config/az/keys/fast.key");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let before =
        "[[llm.providers]] # mine\nname = \"fast\"\nprovider = \"groq\"\napi_key = \"old\"\n";
    fs::write(az.beside("home/.config/az/config.toml"), before).unwrap();
    let ended = with_input(&az, &["config", "set", "llm.providers.fast.api_key"], CANARY);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let config = fs::read_to_string(az.beside("home/.config/az/config.toml")).unwrap();
    let expected = "[[llm.providers]] # mine\nname = \"fast\"\nprovider = \"groq\"\n\
                    api_key_file = \"keys/fast.key\"\n";
    assert_eq!(config, expected);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_key_that_cannot_be_used_is_refused() {
    let az = Az::new();
    for (key, input, message) in [
        ("llm.api_key", CANARY, "set the provider first"),
        ("llm.providers.groqq.api_key", CANARY, "did you mean groq?"),
        ("llm.providers.groq.api_key", "", "the key is empty"),
        ("llm.providers.groq.api_key", "a b", "the key has spaces or several lines"),
    ] {
        let ended = with_input(&az, &["config", "set", key], input);
        assert_eq!(ended.code, Some(2), "{key}: {ended:?}");
        assert!(ended.stderr.contains(message), "{key}: {ended:?}");
        assert!(!az.beside("home/.config/az/config.toml").exists());
    }
}

#[test]
fn a_key_at_a_terminal_is_asked_for_without_being_shown() {
    let az = Az::new();
    let set = ["config", "set", "llm.providers.groq.api_key"];
    let question = "API key of groq (it is not shown):";
    let Some(ended) = at_terminal(&az, &set, &[(question, &format!("{CANARY}\n"))]) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stdout.contains(CANARY), "{ended:?}");
    let file = az.beside("home/.config/az/keys/groq.key");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{CANARY}\n"));
}

#[test]
fn a_key_is_not_typed_where_the_question_would_not_be_seen() {
    let az = Az::new();
    let stderr = az.beside("stderr");
    let set = ["config", "set", "llm.providers.groq.api_key"];
    let Some(ended) = with_redirected_stderr(&az, &set, &stderr) else { return };
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let message = fs::read_to_string(stderr).unwrap();
    assert!(message.contains("while standard error is redirected; leave"), "{message}");
}
