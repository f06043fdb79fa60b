//! The reasoning effort of a task.

use serde_json::Value;

use crate::server::{Request, not_found, says, serve};
use crate::support::{Az, Ended};

#[test]
fn the_effort_is_stored_with_the_task_and_sent_with_every_request() {
    let (address, requests) = serve(|request: &Request| match request.line.starts_with("GET ") {
        true => not_found(),
        false => says("done"),
    });
    let az = Az::new().with_var("OPENAI_BASE_URL", address).with_var("OPENAI_API_KEY", "k");
    az.ok(&["task", "run", "think", "--model", "openai/gpt-5.2", "--effort", "high"]);
    let id = az.only_id();
    assert_eq!(az.shown(&id)["options"]["effort"], "high");
    assert!(az.ok(&["task", "show", &id]).contains("effort     high"));
    az.ok(&["task", "run", "again", "--continue", &id]);
    az.ok(&["task", "run", "again", "--continue", &id, "--effort", "low"]);
    let requests = requests.lock().unwrap();
    let calls = requests.iter().filter(|request| request.line.starts_with("POST "));
    let efforts: Vec<Value> = calls.map(|call| call.body["reasoning_effort"].clone()).collect();
    assert_eq!(efforts, ["high", "high", "low"]);
}

#[test]
fn what_continues_a_task_on_a_model_that_does_not_reason_leaves_its_effort_out() {
    let (address, _) = serve(|request: &Request| match request.line.starts_with("GET ") {
        true => not_found(),
        false => says("done"),
    });
    let az = Az::new().with_var("OPENAI_BASE_URL", address).with_var("OPENAI_API_KEY", "k");
    az.ok(&["task", "run", "think", "--model", "openai/gpt-5.2", "--effort", "high"]);
    let id = az.only_id();
    for command in [
        &["task", "run", "again", "--continue", &id][..],
        &["task", "fork", &id, "again"],
        &["task", "retry", &id],
    ] {
        let ended = az.az(&[command, &["--model", "openai/gpt-4o"]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
        let said = "openai/gpt-4o does not reason: the effort high of the task before is left out";
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    let queued = az.ok(&["task", "run", "think", "--detach", "--effort", "high"]);
    let mut worker = az.command(["worker", "run", "--until-idle"]);
    assert!(worker.env("AZ_MODEL", "openai/gpt-5.2").output().unwrap().status.success());
    for command in
        [["run", "again", "--continue", queued.trim()], ["fork", queued.trim(), "again", "now"]]
    {
        let mut command = az.command([&["task"], &command[..]].concat());
        let ended: Ended = command
            .env_remove("OPENAI_API_KEY")
            .env_remove("OPENAI_BASE_URL")
            .output()
            .unwrap()
            .into();
        let said = "offline does not reason: the effort high of the task before is left out";
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    let command =
        ["task", "run", "again", "--continue", &id, "--model", "offline", "--effort", "low"];
    let ended = az.az(&command);
    assert!(ended.stderr.contains("offline does not reason; leave out --effort"), "{ended:?}");
}

#[test]
fn a_model_that_is_known_not_to_reason_is_refused() {
    let az = Az::new().with_var("OPENAI_API_KEY", "k");
    for model in ["offline", "openai/gpt-4o"] {
        let ended = az.az(&["task", "run", "think", "--model", model, "--effort", "low"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let reason =
            format!("{model} does not reason; leave out --effort, or choose another model");
        assert!(ended.stderr.contains(&reason), "{ended:?}");
    }
    assert_eq!(az.ok(&["task", "list", "--json"]).trim(), "[]");
    let ended = az.az(&["task", "run", "think", "--effort", "max"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("[possible values: low, medium, high]"), "{ended:?}");
}
