//! Tasks that wait for an answer, and the commands that give it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Az, script, until};
use crate::terminal::at_terminal;

/// The call, as it is shown.
const CALL: &str = r#"shell.execute command="echo x >> out""#;

/// Returns a model that makes a call that needs approval, and then answers.
fn model(az: &Az) -> String {
    let call = json!({"name": "shell.execute", "arguments": {"command": "echo x >> out"}});
    script(az, &[json!({"calls": [call]}), json!({"text": "done"})])
}

/// Parks a task; returns its id.
fn park(az: &Az) -> String {
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    ended.stdout.trim().to_owned()
}

fn waiting(az: &Az) -> Vec<Value> {
    serde_json::from_str(&az.ok(&["task", "list", "--waiting", "--format", "json"])).unwrap()
}

/// Returns the last result of a tool in the journal.
fn last_result(az: &Az, id: &str) -> String {
    let events = az.ok(&["task", "logs", id, "--format", "json"]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let result = events.iter().rev().find(|event| event["event"] == "tool_result").unwrap();
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_foreground_run_parks_its_task_and_says_how_to_go_on() {
    let az = Az::new();
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    let id = az.only_id();
    let short = &id[id.len() - 12..];
    assert_eq!((ended.code, ended.stdout.trim()), (Some(75), id.as_str()));
    assert!(
        ended.stderr.contains(&format!(
            "task {short} waits for approval of shell.execute; `az task approve {short}` approves \
             it, `az task deny {short}` denies it; then `az worker run` or `az task resume {short}` \
             continues it"
        )),
        "{ended:?}"
    );
    let shown = az.shown(&id);
    assert_eq!(shown["status"], "pending");
    let wait = &shown["waiting"];
    assert_eq!((&wait["call"], &wait["tool"]), (&json!("t0.0"), &json!("shell.execute")));
    assert_eq!(shown["waiting_arguments"], json!({"command": "echo x >> out"}));
    let text = az.ok(&["task", "show", &id]);
    assert!(text.contains(CALL), "{text}");
    assert!(az.ok(&["task", "list", "--waiting"]).contains("shell.execute"));

    let resumed = az.az(&["task", "resume", &id]);
    assert_eq!(resumed.code, Some(75), "{resumed:?}");
    assert!(resumed.stderr.contains("waits for approval of shell.execute"), "{resumed:?}");
    let worked = az.az(&["worker", "run", "--until-idle"]);
    assert_eq!(worked.code, Some(0), "{worked:?}");
    assert_eq!(az.read("out"), "");
}

#[test]
fn an_approved_call_is_made_by_any_worker() {
    let az = Az::new();
    let id = park(&az);
    let approved = az.az(&["task", "approve", &id]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert!(approved.stderr.contains(CALL), "the call: {approved:?}");
    assert_eq!(waiting(&az), [json!(null); 0]);
    az.ok(&["worker", "run", "--until-idle"]);
    let shown = az.shown(&id);
    assert_eq!((&shown["status"], &shown["waiting"]), (&json!("completed"), &Value::Null));
    assert_eq!(az.read("out"), "x\n");
}

#[test]
fn a_worker_that_waits_runs_an_approved_task_within_a_second() {
    let az = Az::new();
    let id = park(&az);
    let worker = az.start(&["worker", "run"]);
    az.ok(&["task", "approve", &id]);
    let begun = Instant::now();
    until("the task is done", || az.read("out") == "x\n");
    let took = begun.elapsed();
    worker.kill();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[test]
fn the_model_sees_the_reason_for_a_denial() {
    let az = Az::new();
    let id = park(&az);
    az.ok(&["task", "deny", &id, "--reason", "use the staging server"]);
    az.ok(&["task", "resume", &id]);
    assert_eq!(last_result(&az, &id), "not approved: use the staging server");
    assert_eq!(az.read("out"), "");
}

#[test]
fn an_answer_that_a_task_does_not_wait_for_is_refused() {
    let az = Az::new();
    let id = park(&az);
    let short = &id[id.len() - 12..];
    let refused = |args: &[&str], reason: &str| {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    };
    let this = |reason: &str| format!("task {short} does not wait for this answer: {reason}");
    refused(
        &["task", "approve", &id, "--digest", "0123456789ab"],
        &this("its call of shell.execute has another digest than 0123456789ab"),
    );
    refused(&["task", "approve", &id, "--digest", "01"], "must have at least 8 characters");
    refused(
        &["task", "answer", &id, "yes"],
        &this("the call of shell.execute needs an approval and not an answer"),
    );
    let digest = az.shown(&id)["waiting"]["digest"].as_str().unwrap()[..12].to_owned();
    az.ok(&["task", "approve", &id, "--digest", &digest]);
    for args in [["task", "approve", &id], ["task", "deny", &id]] {
        refused(&args, &this("it was answered already"));
    }
    az.ok(&["task", "resume", &id]);
    refused(&["task", "approve", &id], &this("it is completed"));
    let unknown = az.az(&["task", "approve", "nothing"]);
    assert_eq!(unknown.code, Some(66), "{unknown:?}");
}

#[test]
fn a_parked_task_is_cancelled_at_once() {
    let az = Az::new();
    let id = park(&az);
    az.ok(&["task", "cancel", &id]);
    let shown = az.shown(&id);
    assert_eq!((&shown["status"], &shown["waiting"]), (&json!("cancelled"), &Value::Null));
}

#[test]
fn the_task_the_configuration_and_the_worker_decide_in_this_order() {
    let az = Az::new();
    let model = model(&az);
    let run = |args: &[&str]| {
        let mut all = vec!["task", "run", "once", "--model", &model];
        all.extend(args);
        az.az(&all).code
    };
    assert_eq!(run(&[]), Some(77), "by default it fails");
    az.ok(&["config", "set", "tools.unattended", "wait"]);
    assert_eq!(run(&[]), Some(75));
    assert_eq!(run(&["--ask", "deny"]), Some(77));
    az.ok(&["config", "unset", "tools.unattended"]);

    assert_eq!(run(&["--detach"]), Some(0));
    az.ok(&["worker", "run", "--until-idle", "--ask", "wait"]);
    assert_eq!(waiting(&az).len(), 2);
    assert_eq!(run(&["--detach", "--ask", "deny"]), Some(0));
    az.ok(&["worker", "run", "--until-idle", "--ask", "wait"]);
    assert_eq!(waiting(&az).len(), 2, "the mode of the task counts");
}

#[test]
fn events_say_that_a_task_was_parked() {
    let az = Az::new();
    let ended = az.az(&["--json", "task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["waiting"]["tool"]),
        (&json!("parked"), &json!("shell.execute"))
    );
    let id = az.only_id();
    let answered: Value =
        serde_json::from_str(&az.ok(&["--json", "task", "approve", &id])).unwrap();
    let expected = json!({
        "event": "task_answered", "task": id, "call": "t0.0", "tool": "shell.execute",
        "answer": "approved",
    });
    assert_eq!(answered, expected);
}

/// Returns a model that asks a question, and then answers.
fn asking(az: &Az) -> String {
    let arguments = json!({"question": "left or right?", "options": ["left", "right"]});
    let call = json!({"name": "person.ask", "arguments": arguments});
    script(az, &[json!({"calls": [call]}), json!({"text": "done"})])
}

#[test]
fn a_question_is_answered_by_a_person_who_comes_later() {
    let az = Az::new();
    let model = asking(&az);
    let ended = az.az(&["task", "run", "ask", "--ask", "wait", "--model", &model]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let id = az.only_id();
    let shown = az.shown(&id);
    let wait = &shown["waiting"];
    assert_eq!((&wait["kind"], &wait["reason"]), (&json!("question"), &json!("left or right?")));
    assert_eq!(shown["waiting_options"], json!(["left", "right"]));
    for (args, reason) in [
        (&["task", "answer", &id, "up"][..], r#""up" is none of the answers: left, right"#),
        (&["task", "answer", &id, " "], "the answer must not be empty"),
        (&["task", "approve", &id], "the call of person.ask needs an answer and not an approval"),
    ] {
        let refused = az.az(args);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(reason), "{refused:?}");
    }
    az.ok(&["task", "answer", &id, "left"]);
    az.ok(&["worker", "run", "--until-idle"]);
    assert_eq!(last_result(&az, &id), "left");
}

#[test]
fn the_model_sees_that_a_question_is_not_answered() {
    let az = Az::new();
    let ended = az.az(&["task", "run", "ask", "--ask", "wait", "--model", &asking(&az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let id = az.only_id();
    az.ok(&["task", "deny", &id, "--reason", "decide yourself"]);
    az.ok(&["task", "resume", &id]);
    assert_eq!(last_result(&az, &id), "not answered: decide yourself");
}

#[test]
fn a_question_that_no_one_can_answer_is_not_offered() {
    let az = Az::new();
    az.ok(&["task", "run", "ask", "--model", &asking(&az)]);
    let refused = last_result(&az, &az.only_id());
    assert!(
        refused.starts_with("invalid tool: person.ask asks a question, and no one can"),
        "{refused}"
    );
}

#[test]
fn a_command_is_told_once_of_a_parked_task_without_secrets() {
    let az = Az::new().with_var("DEPLOY_TOKEN", "hunter2-hunter2");
    let seen = az.beside("seen");
    let command = format!(
        r#"["sh", "-c", "cat >> {0}; echo \"token=$DEPLOY_TOKEN\" >> {0}"]"#,
        seen.display()
    );
    az.ok(&["config", "set", "notify.command", &command]);
    let call = json!({"command": "deploy --token sk-0123456789abcdef0123"});
    let call = json!({"name": "shell.execute", "arguments": call});
    let model = script(&az, &[json!({"calls": [call]}), json!({"text": "done"})]);
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let seen = std::fs::read_to_string(seen).unwrap();
    let (payload, rest) = seen.split_once('\n').unwrap();
    assert_eq!(rest, "token=\n", "the command sees no secret");
    let payload: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(payload["event"], "task_waiting");
    assert_eq!(payload["task"], json!(az.only_id()));
    assert_eq!(payload["arguments"], json!({"command": "deploy --token [redacted]"}));
    assert_eq!(payload["waiting"]["tool"], "shell.execute");
}

#[test]
fn a_command_that_fails_is_a_warning() {
    let az = Az::new();
    az.ok(&["config", "set", "notify.command", r#"["sh", "-c", "echo broken >&2; exit 3"]"#]);
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(
        ended.stderr.contains("notify.command: sh ended with exit status: 3: broken"),
        "{ended:?}"
    );
}

#[test]
fn a_project_cannot_set_where_people_are_notified() {
    let az = Az::new();
    let seen = az.beside("seen");
    let text = format!("[notify]\ncommand = [\"touch\", \"{}\"]\n", seen.display());
    az.file("az.toml", &text);
    az.ok(&["config", "trust", "--yes"]);
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(!seen.exists());
}

#[test]
fn a_server_is_sent_a_signed_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut bytes = [0; 4096];
        loop {
            let read = stream.read(&mut bytes).unwrap();
            request.extend_from_slice(&bytes[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if body.len() >= length.unwrap_or(usize::MAX) {
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
                return text;
            }
        }
    });
    let az = Az::new();
    let key = az.beside("key");
    std::fs::write(&key, "a key\n").unwrap();
    az.ok(&["config", "set", "notify.url", &format!("http://{address}/hook")]);
    let refused = az.az(&["task", "run", "once", "--model", &model(&az)]);
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.stderr.contains("requests are signed: set notify.key_file"), "{refused:?}");
    az.ok(&["config", "set", "notify.key_file", key.to_str().unwrap()]);
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let request = server.join().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    let signature = head.lines().find_map(|line| line.strip_prefix("az-signature: ")).unwrap();
    let (time, tag) = signature.split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a key");
    let tag: Vec<u8> = (0..tag.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap())
        .collect();
    ring::hmac::verify(&key, format!("{time}.{body}").as_bytes(), &tag).unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["event"], "task_waiting");
}

#[test]
fn an_approval_for_always_adds_a_rule() {
    let az = Az::new();
    let id = park(&az);
    let approved = az.az(&["task", "approve", &id, "--always"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert!(approved.stderr.contains("the rule that allows such calls is in"), "{approved:?}");
    az.ok(&["task", "resume", &id]);
    az.ok(&["task", "run", "again", "--model", &model(&az)]);
    assert_eq!(az.read("out"), "x\nx\n");
}

#[test]
fn a_task_whose_time_to_answer_has_ended_is_not_offered_for_approval() {
    let az = Az::new();
    let shift = az.beside("shift");
    std::fs::write(&shift, "0").unwrap();
    let az = az.with_var("AZ_CLOCK_SHIFT", shift.to_str().unwrap());
    let config = az.beside("home/.config/az/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let rule =
        "[[tools.rules]]\naction = \"ask\"\ntool = \"shell.execute\"\ndeny_after = \"60s\"\n";
    std::fs::write(config, rule).unwrap();
    let id = park(&az);
    let short = &id[id.len() - 12..];
    let shown = az.ok(&["task", "show", &id]);
    assert!(shown.contains(&format!("`az task approve {short}` approves it")), "{shown}");

    std::fs::write(&shift, "61").unwrap();
    let shown = az.ok(&["task", "show", &id]);
    assert!(shown.contains("the call counts as denied"), "{shown}");
    assert!(shown.contains(&format!("`az task resume {short}` continues the task")), "{shown}");
    assert!(!shown.contains("az task approve"), "{shown}");
    let listed = az.ok(&["task", "list", "--waiting"]);
    assert!(listed.contains("the time to answer ended: it counts as denied"), "{listed}");
    az.ok(&["task", "resume", &id]);
    assert_eq!(last_result(&az, &id), "not approved: there was no answer in time");
}

#[test]
fn the_trace_of_a_parked_task_says_what_it_waits_for() {
    let az = Az::new();
    let id = park(&az);
    let trace = az.ok(&["task", "trace", &id]);
    assert!(trace.contains("waits for approval") && !trace.contains("interrupted"), "{trace}");
    az.ok(&["task", "approve", &id]);
    az.ok(&["task", "resume", &id]);
    let trace = az.ok(&["task", "trace", &id]);
    assert!(trace.contains("waits for approval") && !trace.contains("interrupted"), "{trace}");

    let az = Az::new();
    let asked = az.az(&["task", "run", "ask", "--ask", "wait", "--model", &asking(&az)]);
    let trace = az.ok(&["task", "trace", asked.stdout.trim()]);
    assert!(trace.contains("waits for an answer") && trace.contains("person.ask"), "{trace}");
}

#[test]
fn a_question_is_answered_at_a_terminal() {
    let again = "it is none of the answers\r\none of: left, right\r\nanswer:";
    let answers: [(&[(&str, &str)], &str); 3] = [
        (&[("answer:", "up\n"), (again, "left\n")], "left"),
        (&[("answer:", "\n")], "not answered: continue without an answer"),
        (&[("answer:", "left \n")], "left"),
    ];
    for (dialog, result) in answers {
        let az = Az::new();
        let args = ["task", "run", "ask", "--model", &asking(&az)];
        let Some(ended) = at_terminal(&az, &args, dialog) else { return };
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for shown in ["> left or right?", "one of: left, right"] {
            assert!(ended.stdout.contains(shown), "{shown}: {ended:?}");
        }
        assert_eq!(last_result(&az, &az.only_id()), result);
    }
}

#[test]
fn the_end_of_the_input_is_no_answer() {
    for (ask, code) in [(&[][..], 77), (&["--ask", "wait"], 75)] {
        let az = Az::new();
        let model = asking(&az);
        let args = [&["task", "run", "ask", "--model", &model], ask].concat();
        let Some(ended) = at_terminal(&az, &args, &[("answer:", "\u{4}")]) else { return };
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let shown = az.shown(&az.only_id());
        assert_eq!(shown["waiting"].is_object(), code == 75, "{shown}");
    }
}
