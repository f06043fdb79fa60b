//! `az setup` at a terminal, and without one.

use std::fs;

use serde_json::json;

use crate::server::{lists, not_found, refuses, says, serve};
use crate::support::Az;
use crate::terminal::at_terminal;

const CANARY: &str = "sk-canary-key-0123456789abcdef";
/// The end of the first question.
const WHICH: &str = "OpenAI's API [claude]:";

fn config(az: &Az) -> String {
    fs::read_to_string(az.beside("home/.config/az/config.toml")).unwrap_or_default()
}

#[test]
fn a_server_is_set_up_by_its_address_over_the_configured_network() {
    let (proxy, requests) = serve(|request| match request.line.as_str() {
        "GET http://models.example/v1/models" => lists(&json!([{"id": "m"}])),
        line if line.ends_with("/chat/completions") => says("hello there"),
        _ => not_found(),
    });
    let az = Az::new().with_var("AZ_NETWORK_PROXY", proxy.trim_end_matches("/v1"));
    let dialog = [(WHICH, "http://models.example/v1\n"), ("Which of its models? [m]:", "\n")];
    let Some(ended) = at_terminal(&az, &["setup"], &dialog) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}: {requests:?}");
    assert!(ended.stdout.contains("hello there"), "{ended:?}");
    assert!(ended.stdout.contains("server is the default now, in "), "{ended:?}");
    let expected = "[llm]\ndefault_provider = \"server\"\n\n[[llm.providers]]\nname = \"server\"\n\
                    provider = \"openai-compatible\"\nbase_url = \"http://models.example/v1\"\n\
                    model = \"m\"\n";
    assert_eq!(config(&az), expected);
}

#[test]
fn a_server_that_does_not_list_its_models_is_reported_with_the_reason() {
    let az = Az::new();
    let dialog = [(WHICH, "http://127.0.0.1:9/v1\n"), ("Which of its models?:", "\n")];
    let Some(ended) = at_terminal(&az, &["setup"], &dialog) else { return };
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stdout.contains("the models of http://127.0.0.1:9/v1 are not known: "),
        "{ended:?}"
    );
    assert_eq!(config(&az), "");
}

/// A default without a key is the case that setup is for.
#[test]
fn a_default_without_a_key_is_set_up_and_a_rejected_key_is_given_back() {
    let (address, _) = serve(|_| refuses("400 Bad Request", "API key not valid."));
    let az = Az::new();
    let entry = "llm.providers.gemini";
    let base_url = format!("{entry}.base_url={address}beta");
    let provider = format!("{entry}.provider=gemini");
    // At an address of its own, a provider needs no key unless the entry says where it is.
    let key = format!("{entry}.api_key_file=missing.key");
    az.ok(&["config", "set", "llm.provider=gemini", &provider, &base_url, &key]);
    let before = config(&az);
    // A file of that name, which nothing uses.
    let unused = az.beside("home/.config/az/keys/gemini.key");
    fs::create_dir_all(unused.parent().unwrap()).unwrap();
    fs::write(&unused, "before").unwrap();
    let dialog = [
        (WHICH, "gemini\n"),
        ("API key of gemini (it is not shown):", &format!("{CANARY}\n")),
        ("keep these settings? [y/N]", "n\n"),
    ];
    let Some(ended) = at_terminal(&az, &["setup"], &dialog) else { return };
    assert!(ended.stdout.contains("now: no model can be used: "), "{ended:?}");
    assert!(ended.stdout.contains("the settings are as they were before"), "{ended:?}");
    assert!(!ended.stdout.contains(CANARY), "{ended:?}");
    assert_eq!(config(&az), before);
    assert_eq!(fs::read_to_string(unused).unwrap(), "before");
}

#[test]
fn a_model_is_entered_by_any_name_and_nothing_is_stored_before_its_key_is() {
    let az = Az::new();
    for (name, question) in [
        ("gpt-5.6", "API key of openai (it is not shown):"),
        ("openai/gpt-5.6", "API key of openai (it is not shown):"),
        ("groq", "API key of groq (it is not shown):"),
    ] {
        let dialog = [(WHICH, &*format!("{name}\n")), (question, "\u{3}")];
        let Some(ended) = at_terminal(&az, &["setup"], &dialog) else { return };
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
        assert!(ended.stdout.contains("no key was entered; nothing was changed"), "{ended:?}");
        assert_eq!(config(&az), "", "{name}");
    }
    // The planner does not understand the task that tests it.
    let dialog = [(WHICH, "offline\n"), ("keep these settings? [y/N]", "y\n")];
    let Some(ended) = at_terminal(&az, &["setup"], &dialog) else { return };
    assert!(config(&az).contains("default_provider = \"offline\""), "{ended:?}");
    let Some(ended) = at_terminal(&az, &["setup"], &[(WHICH, "auto\n")]) else { return };
    assert!(ended.stdout.contains("auto is the choice of the routing rules"), "{ended:?}");
}

#[test]
fn without_a_terminal_setup_says_what_to_type_instead() {
    let az = Az::new();
    az.ok(&["config", "set", "llm.provider=gemini"]);
    let ended = az.az(&["setup"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("setup asks its questions at a terminal"), "{ended:?}");
    assert!(ended.stderr.contains("az config set llm.api_key < key.txt"), "{ended:?}");
}
