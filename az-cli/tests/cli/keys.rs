//! Keys: told nowhere, and missed in each provider's own words.

use crate::server::{answer, server, sse};
use crate::support::{Az, Ended};

const CANARY: &str = "sk-canary-key-0123456789abcdef";

/// A provider's wire, and what the provider says to a wrong key.
struct Wire {
    base_url: &'static str,
    path: &'static str,
    key: &'static str,
    model: &'static str,
    status: &'static str,
    body: &'static str,
}

const WIRES: [Wire; 4] = [
    Wire {
        base_url: "ANTHROPIC_BASE_URL",
        path: "",
        key: "ANTHROPIC_API_KEY",
        model: "claude",
        status: "401 Unauthorized",
        body: r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key: KEY"}}"#,
    },
    Wire {
        base_url: "OPENAI_BASE_URL",
        path: "/v1",
        key: "OPENAI_API_KEY",
        model: "gpt4",
        status: "401 Unauthorized",
        body: r#"{"error":{"message":"Incorrect API key provided: KEY.","type":"invalid_request_error","code":"invalid_api_key"}}"#,
    },
    Wire {
        base_url: "GEMINI_BASE_URL",
        path: "/v1beta",
        key: "GEMINI_API_KEY",
        model: "gemini",
        status: "400 Bad Request",
        body: r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key. KEY","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#,
    },
    Wire {
        base_url: "DEEPSEEK_BASE_URL",
        path: "",
        key: "DEEPSEEK_API_KEY",
        model: "deepseek",
        status: "401 Unauthorized",
        body: r#"{"error":{"message":"Authentication Fails, Your api key: KEY is invalid","type":"authentication_error","code":"invalid_request_error"}}"#,
    },
];

impl Wire {
    /// An `az` that asks a server with these answers.
    fn az(&self, answers: Vec<String>) -> Az {
        let (address, _) = server(answers);
        let base = address.trim_end_matches("/v1");
        Az::new().with_var(self.base_url, format!("{base}{}", self.path)).with_var(self.key, CANARY)
    }
}

/// Looks for the key in everything that a run leaves behind.
#[track_caller]
fn is_told_nowhere(az: &Az, ended: &Ended, what: &str) {
    let id = az.only_id();
    let mut places =
        vec![("standard output", ended.stdout.clone()), ("standard error", ended.stderr.clone())];
    for args in [
        vec!["task", "show", &id, "--format", "json"],
        vec!["task", "logs", &id, "--full"],
        vec!["task", "logs", &id, "--format", "json"],
        vec!["task", "list", "--format", "csv"],
        vec!["cost", "export", "--format", "jsonl"],
        vec!["models", "list"],
        vec!["models", "list", "--json"],
    ] {
        let shown = az.az(&args);
        places.push(("a command", format!("{}{}", shown.stdout, shown.stderr)));
    }
    for file in
        std::fs::read_dir(az.data_dir()).unwrap().chain(std::fs::read_dir(az.work()).unwrap())
    {
        let path = file.unwrap().path();
        if path.is_file() && !path.ends_with("config.toml") {
            let bytes = std::fs::read(&path).unwrap();
            places.push(("a file", String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    for (place, text) in places {
        assert!(!text.contains(CANARY), "{what}: {place} has the key: {text}");
    }
}

#[test]
fn a_rejected_key_is_recognised_for_each_provider_and_not_shown() {
    for wire in &WIRES {
        let body = wire.body.replace("KEY", CANARY);
        for model in [wire.model.to_owned(), format!("record:run.jsonl@{}", wire.model)] {
            let az = wire.az(vec![answer(wire.status, "", &body)]);
            let ended = az.az(&["task", "run", "how is it?", "--model", &model]);
            assert_eq!(ended.code, Some(77), "{model}: {ended:?}");
            assert!(ended.stderr.to_lowercase().contains("key"), "{model}: {ended:?}");
            assert!(ended.stderr.contains("[key]"), "{model}: {ended:?}");
            assert!(ended.stderr.contains("the account's credit"), "{model}: {ended:?}");
            let place = format!("${}", wire.key);
            assert!(
                model.starts_with("record") || ended.stderr.contains(&place),
                "{model}: where it is from: {ended:?}"
            );
            is_told_nowhere(&az, &ended, &model);
        }
    }
}

#[test]
fn a_key_that_comes_back_inside_a_stream_is_not_shown() {
    let wire = &WIRES[1];
    let event = format!(r#"{{"error":{{"message":"your key {CANARY} is over its quota"}}}}"#);
    for args in [
        vec!["task", "run", "hello", "-m", "gpt4"],
        vec!["task", "run", "hello", "-m", "gpt4", "--json"],
    ] {
        let az = wire.az(vec![sse(&[&event])]);
        let ended = az.az(&args);
        assert_ne!(ended.code, Some(0));
        is_told_nowhere(&az, &ended, "a stream");
    }
}

#[test]
fn a_key_in_an_invalid_configuration_is_not_shown() {
    for config in [
        format!(
            "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\napi_key = \"{CANARY}\nmodel = 1\n"
        ),
        format!("[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\napi_kye = \"{CANARY}\"\n"),
        format!(
            "[[llm.providers]]\nname = \"x\"\nprovider = \"unknown\"\napi_key = \"{CANARY}\"\n"
        ),
    ] {
        let az = Az::new();
        az.file("config.toml", &config);
        let path = az.work().join("config.toml");
        let az = az.with_var("AZ_CONFIG", path.to_str().unwrap());
        let ended = az.az(&["models", "list"]);
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(!ended.stderr.contains(CANARY), "{ended:?}");
        assert!(ended.stderr.contains("config.toml") || ended.stderr.contains("llm.providers"));
    }
}

#[test]
fn a_model_that_a_provider_does_not_know_is_named() {
    for (wire, status, body) in [
        (
            &WIRES[0],
            "404 Not Found",
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: nope"}}"#,
        ),
        (
            &WIRES[1],
            "404 Not Found",
            r#"{"error":{"message":"The model `nope` does not exist","code":"model_not_found"}}"#,
        ),
        (
            &WIRES[2],
            "404 Not Found",
            r#"{"error":{"code":404,"message":"models/nope is not found","status":"NOT_FOUND"}}"#,
        ),
        (
            &WIRES[3],
            "400 Bad Request",
            r#"{"error":{"message":"Model Not Exist: nope","type":"invalid_request_error"}}"#,
        ),
    ] {
        let az = wire.az(vec![answer(status, "", body)]);
        let name = format!("{}/nope", az_provider(wire.model));
        let ended = az.az(&["task", "run", "hello", "--model", &name]);
        assert!(matches!(ended.code, Some(78)), "{name}: {ended:?}");
        assert!(ended.stderr.contains("nope"), "{name}: {ended:?}");
    }
}

fn az_provider(model: &str) -> &str {
    match model {
        "claude" => "anthropic",
        "gpt4" => "openai",
        other => other,
    }
}

#[test]
fn a_key_file_is_beside_the_configuration_and_a_key_in_its_place_is_not_shown() {
    let az = Az::new();
    std::fs::create_dir(az.work().join("conf")).unwrap();
    let with = |line: &str| {
        let entry = "[[llm.providers]]\nname = \"mine\"\nprovider = \"groq\"\n";
        az.file("conf/config.toml", &format!("{entry}{line}\n"));
    };
    let run = || {
        let mut command = az.command(["task", "run", "hello", "--model", "mine"]);
        Ended::from(command.env("AZ_CONFIG", "conf/config.toml").output().unwrap())
    };
    with("api_key_file = \"groq.key\"");
    let missing = run();
    assert_eq!(missing.code, Some(78), "{missing:?}");
    assert!(missing.stderr.contains("api_key_file conf/groq.key: "), "{missing:?}");
    with("api_key_file = \"groq.key\"\nbase_url = \"http://127.0.0.1:9/v1\"");
    az.file("conf/groq.key", CANARY);
    let found = run();
    assert_eq!(found.code, Some(69), "the key is found, and no server listens: {found:?}");
    for field in ["api_key_env", "api_key_file"] {
        with(&format!("{field} = \"{CANARY}\""));
        let refused = run();
        assert_eq!(refused.code, Some(78), "{refused:?}");
        assert!(refused.stderr.contains(field) && !refused.stderr.contains(CANARY), "{refused:?}");
    }
}
