//! Output schemas: the answer of a task is JSON that fits the schema, or the task fails.

use serde_json::{Value, json};

use crate::support::{Az, Ended, script};

const SCHEMA: &str = r#"{
  "title": "Count",
  "type": "object",
  "properties": {"files": {"type": "integer"}},
  "required": ["files"],
  "additionalProperties": false
}"#;

fn says(text: &str) -> Value {
    json!({"text": text})
}

/// Runs a task with the schema and scripted replies.
fn run(az: &Az, options: &[&str], replies: &[Value]) -> Ended {
    // Some editors begin a file with a byte order mark.
    az.file("count.schema.json", &format!("\u{feff}{SCHEMA}"));
    let model = script(az, replies);
    let args = ["task", "run", "count", "--output-schema", "count.schema.json", "--model", &model];
    az.az(&[&args, options].concat())
}

/// Returns the texts that the engine told the model.
fn told(az: &Az) -> Vec<String> {
    let events = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = events.filter(|event| event["event"] == "observation");
    told.map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_answer_that_fits_is_printed_as_json_alone() {
    let az = Az::new();
    let ended = run(&az, &[], &[says("```json\n{\"files\": 3}\n```\n")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "{\"files\": 3}\n"), "{ended:?}");
    let shown = az.shown(&az.only_id());
    assert_eq!(shown["answer"], "{\"files\": 3}");
    assert_eq!(shown["options"]["output_schema"], serde_json::from_str::<Value>(SCHEMA).unwrap());
    assert!(
        az.ok(&["task", "show", &az.only_id()]).contains("schema     {\"additional"),
        "{ended:?}"
    );

    let az = Az::new();
    let ended = run(&az, &["--json"], &[says("{\"files\": 3}")]);
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "run_finished");
    assert_eq!(last["outcome"], json!({"status": "completed", "answer": "{\"files\": 3}"}));
}

#[test]
fn the_model_corrects_its_answer_once_and_is_told_what_does_not_fit() {
    let az = Az::new();
    let ended = run(&az, &[], &[says("There are 3."), says("{\"files\": 3}")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "{\"files\": 3}\n"), "{ended:?}");
    let expected = "The answer does not fit the output schema:\n\
        - answer: not JSON: expected value at line 1 column 1\n\
        Reply with the corrected JSON value and with nothing else.";
    assert_eq!(told(&az), [expected]);
}

#[test]
fn a_second_answer_that_does_not_fit_fails_the_task_with_the_place() {
    let az = Az::new();
    let replies = [says("3"), says("{\"files\": \"3\"}"), says("{}"), says("{\"files\": 3}")];
    let ended = run(&az, &[], &replies);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    let reason = "the answer does not fit the output schema, nor did the one before it: \
        answer.files: must be an integer, got \"3\"";
    assert!(ended.stderr.contains(reason), "{ended:?}");
    assert!(ended.stderr.contains("az task resume"), "{ended:?}");
    let failure = &az.shown(&az.only_id())["failure"];
    assert_eq!(failure["kind"], "agent");
    let problems = json!(["answer.files: must be an integer, got \"3\""]);
    assert_eq!(failure["detail"], json!({"type": "output_schema", "problems": problems}));
    // A resumed task gets one more attempt, for the answer that did not fit.
    let resumed = az.az(&["task", "resume", &az.only_id()]);
    assert_eq!(resumed.code, Some(1), "{resumed:?}");
    assert!(resumed.stderr.contains("answer.files: is missing; must be an integer"), "{resumed:?}");
    assert_eq!(told(&az).len(), 2);
    let resumed = az.az(&["task", "resume", &az.only_id()]);
    assert_eq!(
        (resumed.code, resumed.stdout.as_str()),
        (Some(0), "{\"files\": 3}\n"),
        "{resumed:?}"
    );
}

#[test]
fn checks_are_run_only_for_an_answer_that_fits_and_both_have_to_hold() {
    let az = Az::new();
    az.file("rounds", "");
    let check = "echo x >> rounds; [ $(wc -l < rounds) -ge 2 ] || { wc -l < rounds; false; }";
    let fits = says("{\"files\": 3}");
    let replies = [says("done"), fits.clone(), says("done"), fits];
    let ended = run(&az, &["--until", check], &replies);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "{\"files\": 3}\n"), "{ended:?}");
    assert_eq!(az.read("rounds"), "x\nx\n");
    let told = told(&az);
    let begins = |begin: &str| told.iter().filter(|text| text.starts_with(begin)).count();
    assert_eq!(
        (begins("The answer does not fit"), begins("The task is not done")),
        (2, 1),
        "{told:?}"
    );
}

#[test]
fn an_answer_whose_check_has_no_end_fails_the_task() {
    let az = Az::new();
    az.file("any.json", r##"{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}"##);
    let model = script(&az, &[says("1"), says("2")]);
    let ended = az.az(&["task", "run", "count", "--output-schema", "any.json", "--model", &model]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    let reason = "answer: is nested too deeply for this schema to check";
    assert!(ended.stderr.contains(reason), "{ended:?}");
}

#[test]
fn problems_do_not_quote_all_of_a_large_schema() {
    let az = Az::new();
    let choices: Vec<String> = (0..6_000).map(|number| format!("c{number:04}")).collect();
    az.file("choices.json", &json!({"items": {"enum": choices}}).to_string());
    let answer = says(&json!(vec!["x"; 50]).to_string());
    let model = script(&az, &[answer.clone(), answer]);
    let args = ["task", "run", "choose", "--output-schema", "choices.json", "--model", &model];
    let ended = az.az(&args);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (told, reported) = (told(&az).concat(), ended.stderr);
    assert!(told.contains("\n- and 40 more\n") && told.len() < 6_000, "{told}");
    assert!(reported.contains("and 40 more") && reported.len() < 12_000, "{reported}");
}

#[test]
fn a_schema_with_a_key_is_refused_and_the_key_is_not_shown() {
    let az = Az::new().with_var("MY_API_KEY", "sk-example-0123456789");
    for schema in [
        r#"{"type": "sk-example-0123456789"}"#,
        r#"{"title": "s\u006b-example-0123456789"}"#,
        r#"{"properties": {"sk-exampl\u0065-0123456789": {}}}"#,
    ] {
        az.file("key.json", schema);
        let ended = az.az(&["task", "run", "count", "--output-schema", "key.json"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let reason = "--output-schema key.json: contains a key or password, and would be recorded";
        assert!(ended.stderr.contains(reason), "{ended:?}");
        assert!(!ended.stderr.contains("sk-example"), "{ended:?}");
    }
    az.file("key.json", r#"{"sk-exampl\u0065-0123456789": 1}"#);
    let ended = az.az(&["task", "run", "count", "--output-schema", "key.json"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(!ended.stderr.contains("sk-example"), "{ended:?}");
}

#[test]
fn a_file_that_is_no_schema_is_refused_before_anything_is_done() {
    let az = Az::new();
    for (name, content, reason) in [
        ("no.json", "{", "not a JSON Schema, because not JSON: EOF while parsing an object"),
        ("list.json", "[]", "schema: must be a JSON object, got an array"),
        ("type.json", r#"{"type": "text"}"#, "schema.type: \"text\" is none of the types null,"),
        (
            "pattern.json",
            r#"{"pattern": "a"}"#,
            "schema: has the keyword `pattern`, which is not checked",
        ),
        ("empty.json", "", "not a JSON Schema, because not JSON: EOF while parsing a value"),
    ] {
        az.file(name, content);
        let ended = az.az(&["task", "run", "count", "--output-schema", name]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(&format!("--output-schema {name}: {reason}")), "{ended:?}");
    }
    az.file("large.json", &" ".repeat((64 << 10) + 1));
    for (name, reason) in [
        ("large.json", "larger than 64 KiB; shorten it"),
        ("gone.json", "No such file"),
        (".", "not a regular file"),
    ] {
        let ended = az.az(&["task", "run", "count", "--output-schema", name]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(&format!("--output-schema {name}: {reason}")), "{ended:?}");
    }
    az.file("schema.json", SCHEMA);
    let ended =
        az.az(&["task", "run", "list", "--output-schema", "schema.json", "--model", "offline"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let reason = "offline is a planner and does not answer in JSON, as the output schema of the task demands; choose \
                  a model with --model, or start a task without --output-schema";
    assert!(ended.stderr.contains(reason), "{ended:?}");
    assert_eq!(az.ok(&["task", "list", "--json"]).trim(), "[]");
    let model = script(&az, &[json!({"text": "{\"files\": 1}"})]);
    az.ok(&["task", "run", "count", "--output-schema", "schema.json", "--model", &model]);
    let ended = az.az(&["task", "fork", &az.only_id(), "again", "--model", "offline"]);
    assert!(ended.code == Some(2) && ended.stderr.contains(reason), "{ended:?}");
}
