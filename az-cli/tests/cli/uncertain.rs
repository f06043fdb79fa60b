//! Calls that failed and may have cost something: they count, are shown apart, and can be reconciled.

use serde_json::{Value, json};

use crate::server::{Answer, answer, server, sse};
use crate::support::{Az, Ended};

/// The failure of a server that may have worked before.
fn broken() -> Answer {
    answer("500 Internal Server Error", "", r#"{"error":{"message":"something broke"}}"#)
}

fn good() -> Answer {
    sse(&[
        r#"{"choices":[{"index":0,"delta":{"content":"all is well"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#,
        "[DONE]",
    ])
}

/// Returns an `az` whose provider fails four times, which is as often as a call is attempted.
fn az() -> Az {
    let mut answers = vec![broken(); 4];
    answers.push(good());
    let (address, _) = server(answers);
    Az::new().with_var("OPENAI_BASE_URL", address).with_var("OPENAI_API_KEY", "sk-test-0123456789")
}

fn run(az: &Az) -> Ended {
    az.az(&["task", "run", "how is it?", "--model", "openai/gpt-5.6"])
}

fn rows(az: &Az, args: &[&str]) -> Vec<Value> {
    serde_json::from_str(&az.ok(&[args, &["--json"]].concat())).unwrap()
}

fn total(az: &Az) -> [Value; 3] {
    let row = rows(az, &["cost", "show", "--period", "total"]).remove(0);
    ["cost_nanos", "uncertain_nanos", "uncertain_calls"].map(|name| row[name].clone())
}

/// Four failed attempts fill the budget; the refusal names what releases it, and the task goes on.
#[test]
fn an_outage_does_not_use_up_a_hard_budget_for_good() {
    let az = az();
    let failed = run(&az);
    assert_eq!(failed.code, Some(69), "{failed:?}");
    let [cost, uncertain, calls] = total(&az);
    assert_eq!((&cost, calls), (&uncertain, json!(4)));
    assert!(cost.as_i64().unwrap() > 0, "{cost}");
    let shown = az.az(&["cost", "show", "--by", "model"]);
    assert!(shown.stdout.contains("UNCERTAIN"), "{shown:?}");
    assert!(shown.stderr.contains("`az cost reconcile`"), "{shown:?}");

    assert!(failed.stderr.contains("of the cost is uncertain: 4 calls failed"), "{failed:?}");
    let spent = rows(&az, &["cost", "show", "--period", "total"]).remove(0)["cost_usd"].clone();
    let spent = spent.as_str().unwrap().to_owned();
    az.ok(&["cost", "budget", "set", "--amount", &spent]);
    let budget = rows(&az, &["cost", "budget", "show"]).remove(0);
    assert_eq!(budget["uncertain_nanos"], cost);
    let id = az.only_id();
    let refused = az.az(&["task", "resume", &id]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    for text in ["spent on failed calls that may have cost nothing", "`az cost reconcile` lists"] {
        assert!(refused.stderr.contains(text), "{text:?} is not in {refused:?}");
    }

    let released = az.ok(&["cost", "reconcile", "--task", &id, "--release"]);
    assert_eq!(released, format!("released ${spent} of 4 calls\n"));
    assert_eq!(total(&az), [json!(0), json!(0), json!(0)]);
    let resumed = az.az(&["task", "resume", &id]);
    assert_eq!((resumed.code, resumed.stdout.as_str()), (Some(0), "all is well\n"), "{resumed:?}");
    let log = az.ok(&["task", "show", &id, "--json"]);
    let task: Value = serde_json::from_str(&log).unwrap();
    assert!(task["cost_nanos"].as_i64().unwrap() < cost.as_i64().unwrap(), "{task}");
}

#[test]
fn uncertain_costs_are_listed_and_decided_about_one_by_one_or_together() {
    let az = az();
    run(&az);
    let listed = rows(&az, &["cost", "reconcile"]);
    let calls: Vec<_> = listed.iter().map(|row| row["call"].as_str().unwrap()).collect();
    assert!(listed.iter().all(|row| row["uncertain"] == json!(true)), "{listed:?}");
    let before = total(&az);
    assert_eq!(before[2], json!(4), "a listing changes nothing");

    let id = az.only_id();
    let entry = format!("task:{}/{}", &id[..12], calls[0]);
    az.ok(&["cost", "reconcile", "--entry", &entry, "--confirm", "0.001"]);
    let again = az.az(&["cost", "reconcile", "--entry", &entry, "--release"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("has a cost that is certain"), "{again:?}");
    az.ok(&["cost", "reconcile", "--provider", "another", "--release"]);
    let csv = az.ok(&["cost", "reconcile", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 4, "{csv}");
    az.ok(&["cost", "reconcile", "--all", "--confirm"]);
    let each = before[0].as_i64().unwrap() / 4;
    assert_eq!(total(&az), [json!(each * 3 + 1_000_000), json!(0), json!(0)]);
}

#[test]
fn a_decision_names_its_calls() {
    let az = Az::new();
    assert_eq!(az.ok(&["cost", "reconcile", "--format", "csv"]), "");
    az.ok(&["db", "init"]);
    for (args, expected) in [
        (&["--release"][..], "choose the calls: --task, --payer, --entry"),
        (&["--confirm"], "choose the calls: --task, --payer, --entry"),
        (&["--entry", "m1", "--release"], "must be PAYER/CALL, such as task:4f2a9c81d0e7/m7"),
        (&["--entry", "key:k/m1", "--release"], "is not in the ledger"),
        (&["--all", "--confirm", "-1"], "unexpected argument '-1'"),
        (&["--all", "--confirm", "much"], "must be an amount of US dollars"),
        (&["--all", "--release", "--confirm"], "cannot be used with"),
        (&["--all", "--task", "x", "--release"], "cannot be used with"),
    ] {
        let refused = az.az(&[&["cost", "reconcile"], args].concat());
        assert_eq!(refused.code, Some(2), "{args:?}: {refused:?}");
        assert!(refused.stderr.contains(expected), "{args:?}: {refused:?}");
    }
}
