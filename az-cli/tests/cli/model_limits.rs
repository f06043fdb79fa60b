//! Models and servers that lack something: the request is adapted, and the user is told once.

use serde_json::{Value, json};

use crate::server::{Answer, Request, answer, lists, not_found, refuses, says, serve};
use crate::support::{Az, Ended};

/// Runs a task with the model `m` of a server; returns also the bodies of the calls.
fn run(
    task: &str,
    respond: impl Fn(&Request, usize) -> Answer + Send + 'static,
) -> (Az, Ended, Vec<Value>) {
    run_as(&["task", "run", task, "--model", "openai/m", "--allow", "filesystem.read"], respond)
}

fn run_as(
    args: &[&str],
    respond: impl Fn(&Request, usize) -> Answer + Send + 'static,
) -> (Az, Ended, Vec<Value>) {
    let calls = std::cell::Cell::new(0);
    let (address, requests) = serve(move |request| {
        let number = calls.get();
        if request.line.ends_with("/chat/completions") {
            calls.set(number + 1);
        }
        respond(request, number)
    });
    let az = Az::new().with_var("OPENAI_BASE_URL", address);
    az.file("a.txt", "the text of a");
    let ended = az.az(args);
    let requests = requests.lock().unwrap().clone();
    let calls = requests.into_iter().filter(|asked| asked.line.ends_with("/chat/completions"));
    (az, ended, calls.map(|asked| asked.body).collect())
}

#[track_caller]
fn answered(ended: &Ended, text: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), text), "{ended:?}");
}

#[track_caller]
fn told_once(ended: &Ended, text: &str) {
    assert_eq!(ended.stderr.matches(text).count(), 1, "{text}: {}", ended.stderr);
}

#[test]
fn a_parameter_that_the_model_rejects_is_left_out_from_then_on() {
    let call = r#"{"name": "filesystem.read", "arguments": {"path": "a.txt"}}"#;
    let (az, ended, calls) = run("read a.txt", move |request, number| {
        let body = &request.body;
        match () {
            () if request.line.starts_with("GET ") => not_found(),
            () if body.get("stream_options").is_some() => {
                refuses("400 Bad Request", "Unrecognized request argument supplied: stream_options")
            }
            () if body.get("temperature").is_some() => refuses(
                "400 Bad Request",
                "Unsupported value: 'temperature' does not support 0.7 with this model. Only the \
                 default (1) value is supported.",
            ),
            () if body.get("max_tokens").is_some() => refuses(
                "400 Bad Request",
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                 'max_completion_tokens' instead.",
            ),
            () if number == 3 => says(call),
            () => says("done"),
        }
    });
    answered(&ended, "done\n");
    assert_eq!(calls.len(), 5, "three refusals, and two steps");
    for parameter in ["stream_options", "temperature"] {
        told_once(&ended, &format!("m of openai does not accept {parameter}: it is left out"));
    }
    told_once(&ended, "max_tokens and max_completion_tokens change places");
    assert_eq!(calls[4]["max_completion_tokens"], 4096);
    let logs = az.ok(&["task", "logs", &az.only_id()]);
    assert!(logs.contains("does not accept temperature"), "{logs}");
}

#[test]
fn a_parameter_that_is_rejected_again_is_an_error() {
    let (_, ended, calls) = run("hi", |request, _| match request.line.starts_with("GET ") {
        true => not_found(),
        false => refuses("400 Bad Request", "temperature is not supported"),
    });
    assert_eq!((ended.code, calls.len()), (Some(65), 2), "{ended:?}");
    assert!(ended.stderr.contains("temperature is not supported"), "{ended:?}");
}

#[test]
fn a_server_that_refuses_tools_gets_them_described_in_the_prompt() {
    for refusal in [
        refuses("500 Internal Server Error", "tools param requires --jinja flag"),
        refuses("400 Bad Request", "m does not support tools"),
    ] {
        let (_, ended, calls) = run("read a.txt", move |request, number| {
            match (request.line.starts_with("GET "), request.body.get("tools"), number) {
                (true, ..) => not_found(),
                (_, Some(_), _) => refusal.clone(),
                (_, None, 1) => {
                    says("Action: filesystem.read\nAction Input: {\"path\": \"a.txt\"}")
                }
                (_, None, _) => says("Final Answer: it is read"),
            }
        });
        answered(&ended, "it is read\n");
        assert_eq!(calls.len(), 3, "one refusal, and two steps");
        told_once(&ended, "m of openai does not support tool calls");
        let observed = calls[2]["messages"].to_string();
        assert!(
            observed.contains("Observation: ") && observed.contains("the text of a"),
            "{observed}"
        );
    }
}

#[test]
fn a_server_that_says_that_it_has_no_tools_is_sent_none() {
    let (_, ended, calls) = run("say hi", |request, _| match request.line.as_str() {
        "GET /v1/models" => {
            lists(&json!([{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 32768}}]))
        }
        "GET /props" => answer(
            "200 OK",
            "",
            r#"{"default_generation_settings": {"n_ctx": 8192}, "chat_template": "{{messages}}"}"#,
        ),
        "POST /v1/chat/completions" => says("Final Answer: hi"),
        _ => answer("200 OK", "", "{}"),
    });
    answered(&ended, "hi\n");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].get("tools"), None);
    told_once(&ended, "m of openai does not support tool calls");
    told_once(&ended, "m of openai has a context window of 8192 tokens");
}

#[test]
fn a_model_that_does_not_chat_is_not_chosen() {
    let respond = |models: Value| {
        move |request: &Request, _: usize| match request.line.as_str() {
            "GET /v1/models" => lists(&models),
            "POST /v1/chat/completions" => says("hi"),
            _ => not_found(),
        }
    };
    let models = json!([{"id": "nomic-embed-text-v1.5"}, {"id": "whisper-1"}, {"id": "qwen3"}]);
    let (_, ended, calls) = run_as(&["task", "run", "say hi"], respond(models));
    answered(&ended, "hi\n");
    assert_eq!(calls[0]["model"], "qwen3");
    let (_, ended, calls) =
        run_as(&["task", "run", "say hi"], respond(json!([{"id": "nomic-embed-text-v1.5"}])));
    assert_eq!((ended.code, calls.len()), (Some(69), 0), "{ended:?}");
    let why = "offers no model that chats, only nomic-embed-text-v1.5";
    assert!(ended.stderr.contains(why), "{ended:?}");
}

#[test]
fn a_call_that_is_written_as_text_is_made_and_is_not_the_answer() {
    let json = r#"{"name": "filesystem_read", "arguments": {"path": "a.txt"}}"#;
    for written in [
        json.to_owned(),
        format!("I will read it.\n```json\n{json}\n```"),
        format!("<think>a file</think><tool_call>\n{json}\n</tool_call>"),
    ] {
        let (_, ended, calls) = run("read a.txt", move |request, number| match number {
            _ if request.line.starts_with("GET ") => not_found(),
            0 => says(&written),
            _ => says("<think>I have it</think>\nit is read"),
        });
        answered(&ended, "it is read\n");
        assert_eq!(calls.len(), 2, "{ended:?}");
        let last = calls[1]["messages"].as_array().unwrap().last().unwrap();
        assert!(last["role"] == "tool" && last.to_string().contains("the text of a"), "{last}");
    }
}

#[test]
fn a_call_of_a_tool_that_does_not_exist_is_refused_with_a_hint() {
    let (_, ended, calls) = run("read a.txt", |request, number| match number {
        _ if request.line.starts_with("GET ") => not_found(),
        0 => says(r#"{"name": "read_file", "arguments": {"path": "a.txt"}}"#),
        _ => says("I cannot read it"),
    });
    answered(&ended, "I cannot read it\n");
    let told = calls[1]["messages"].to_string();
    assert!(told.contains("there is no tool") && told.contains("filesystem.read"), "{told}");
}

#[test]
fn a_text_for_a_number_is_read_and_the_model_is_told() {
    let first = r#"{"name": "filesystem.read", "arguments": {"path": "a.txt"}}"#;
    let call = r#"{"name": "output.read", "arguments": {"call": "t0.0", "limit": "5"}}"#;
    let (_, ended, calls) = run("read a.txt", move |request, number| match number {
        _ if request.line.starts_with("GET ") => not_found(),
        0 => says(first),
        1 => says(call),
        _ => says("it is read"),
    });
    answered(&ended, "it is read\n");
    let told = calls[2]["messages"].to_string();
    let note = "the argument `limit` was a text and was read as 5; send it as a number";
    assert!(told.contains(note), "{told}");
}

#[test]
fn a_small_window_that_the_server_lists_limits_the_reply() {
    let (_, ended, calls) = run("Say hi", |request, _| match request.line.as_str() {
        "GET /v1/models" => lists(&json!([{"id": "m", "owned_by": "vllm", "max_model_len": 4096}])),
        _ => says("hi"),
    });
    answered(&ended, "hi\n");
    let reply = calls[0]["max_tokens"].as_u64().unwrap();
    assert!((256..3_000).contains(&reply), "{reply}");
}

#[test]
fn a_window_that_a_refusal_states_is_remembered() {
    let (_, ended, calls) = run("Say hi", |request, number| match number {
        _ if request.line.starts_with("GET ") => not_found(),
        0 => refuses(
            "400 Bad Request",
            "request (5000 tokens) exceeds the available context size (4096 tokens)",
        ),
        _ => says("hi"),
    });
    answered(&ended, "hi\n");
    assert_eq!(calls.len(), 2);
    assert!(calls[1]["max_tokens"].as_u64() < Some(3_000), "{}", calls[1]["max_tokens"]);
    told_once(&ended, "m of openai has a context window of 4096 tokens");
}

#[test]
fn a_server_that_loads_its_model_is_waited_for() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let loading = || refuses("503 Service Unavailable", "Loading model");
    let (_, ended, calls) = run_as(&["task", "run", "Say hi"], move |request, number| {
        let listing = request.line == "GET /v1/models";
        match number {
            _ if listing && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
                loading()
            }
            _ if listing => lists(&json!([{"id": "m", "owned_by": "llamacpp"}])),
            _ if request.line.starts_with("GET ") => answer("200 OK", "", "{}"),
            0 => loading(),
            _ => says("hi"),
        }
    });
    answered(&ended, "hi\n");
    assert_eq!(calls.len(), 2, "{ended:?}");
    told_once(&ended, "is loading its model; waiting for up to 120 s");
    told_once(&ended, "the server of m of openai is loading the model (Loading model)");
}

#[test]
fn a_server_whose_listing_is_ready_before_its_model_is_waited_for() {
    let (_, ended, calls) = run("Say hi", |request, number| match number {
        _ if request.line.starts_with("GET ") => lists(&json!([{"id": "m"}])),
        0..3 => refuses("503 Service Unavailable", "Loading model"),
        _ => says("hi"),
    });
    answered(&ended, "hi\n");
    assert_eq!(calls.len(), 4, "{ended:?}");
    told_once(&ended, "the server of m of openai is loading the model (Loading model)");
    told_once(&ended, "m of openai is loaded after");
}

#[test]
fn a_server_that_loads_for_too_long_is_an_error_and_not_replaced() {
    let (address, _) = serve(|_| refuses("503 Service Unavailable", "Loading model"));
    let az = Az::new().with_var("OPENAI_BASE_URL", address);
    az.file("config.toml", "[llm]\ntimeouts = { loading_seconds = 1 }\n");
    let az_config = az.work().join("config.toml");
    let az = az.with_var("AZ_CONFIG", az_config.to_str().unwrap());
    for args in [&["task", "run", "Say hi"][..], &["task", "run", "Say hi", "--model", "openai/m"]]
    {
        let ended = az.az(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:?}");
        assert!(ended.stderr.contains("Loading model"), "{ended:?}");
        assert!(ended.stderr.contains("llm.timeouts.loading_seconds"), "{ended:?}");
    }
}

#[test]
fn a_server_that_is_busy_is_not_taken_for_one_that_loads_its_model() {
    let (address, requests) = serve(|_| refuses("503 Service Unavailable", "server busy"));
    let az = Az::new().with_var("OPENAI_BASE_URL", address);
    let az = az.with_var("AZ_LLM_TIMEOUTS_LOADING_SECONDS", "2");
    let ended = az.az(&["task", "run", "Say hi"]);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(!ended.stderr.contains("is loading its model"), "{ended:?}");
    assert_eq!(requests.lock().unwrap().len(), 1, "{ended:?}");
}

#[test]
fn an_unknown_model_is_reported_with_near_names() {
    for status in ["400 Bad Request", "404 Not Found"] {
        let (_, ended, calls) = run("hi", move |request, _| match request.line.as_str() {
            "GET /v1/models" => lists(&json!([{"id": "m-large"}, {"id": "m-small"}, {"id": "x"}])),
            _ if request.line.starts_with("GET ") => not_found(),
            _ => refuses(status, "Model not found: m"),
        });
        assert_eq!((ended.code, calls.len()), (Some(78), 1), "{ended:?}");
        assert!(ended.stderr.contains("m-large") && ended.stderr.contains("m-small"), "{ended:?}");
    }
}
