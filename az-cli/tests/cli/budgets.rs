//! Budgets at the command line: they hold, say so, and can be raised.

use serde_json::{Value, json};

use crate::support::Az;

/// A script of one answer that costs two cents, and is expected to cost five at most.
const DEAR: &str = r#"{"text": "dear", "usage": {"input": 10, "output": 5},
    "cost_nanos": 20000000, "price_nanos": 50000000}"#;

fn az() -> Az {
    let az = Az::new();
    az.file("dear.jsonl", &DEAR.replace('\n', " "));
    az
}

const RUN: [&str; 5] = ["task", "run", "spend", "--model", "scripted:dear.jsonl"];

fn costs(az: &Az) -> Value {
    serde_json::from_str(&az.ok(&["cost", "show", "--period", "total", "--json"])).unwrap()
}

#[test]
fn a_hard_budget_refuses_what_could_exceed_it_and_says_how_to_raise_it() {
    let az = az();
    az.ok(&["cost", "budget", "set", "--amount", "0.06", "--alert", "30"]);
    az.ok(&RUN);
    let refused = az.az(&RUN);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(3), ""), "{refused:?}");
    for text in [
        "global monthly budget: $0.05 needed, $0.04 of $0.06 left",
        "az cost budget set --amount 0.12 --period monthly --alert 30`",
        "az task resume",
    ] {
        assert!(refused.stderr.contains(text), "{text:?} is not in {refused:?}");
    }
    assert_eq!(
        costs(&az)[0]["cost_nanos"],
        json!(20_000_000),
        "nothing was spent on what was refused"
    );
    az.ok(&["cost", "budget", "set", "--amount", "0.12", "--period", "monthly"]);
    let failed: Value =
        serde_json::from_str(&az.ok(&["task", "list", "-s", "failed", "--json"])).unwrap();
    az.ok(&["task", "resume", failed[0]["id"].as_str().unwrap()]);
    assert_eq!(costs(&az)[0]["cost_nanos"], json!(40_000_000));
}

#[test]
fn an_alert_is_reported_once_in_a_period() {
    let az = az();
    az.ok(&["cost", "budget", "set", "--amount", "0.10", "--alert", "30", "--soft"]);
    let alerts =
        |ended: &crate::support::Ended| ended.stderr.matches("30% of $0.10 reached").count();
    let runs: Vec<_> = (0..4).map(|_| az.az(&RUN)).collect();
    assert_eq!(runs.iter().map(alerts).sum::<usize>(), 1, "{runs:?}");
    assert!(runs.iter().all(|run| run.code == Some(0)), "a soft budget stops nothing: {runs:?}");
    let events = az.ok(&["cost", "budget", "show", "--format", "json"]);
    let shown: Value = serde_json::from_str(&events).unwrap();
    assert_eq!(
        (&shown[0]["spent_nanos"], &shown[0]["limit"]),
        (&json!(80_000_000), &json!("soft"))
    );
}

#[test]
fn an_alert_is_an_event_too() {
    let az = az();
    az.ok(&["cost", "budget", "set", "--amount", "0.10", "--alert", "30"]);
    let events = az.ok(&["task", "run", "spend", "--model", "scripted:dear.jsonl", "--json"]);
    let alerts = events.lines().filter(|line| line.contains("\"event\":\"budget_alert\"")).count();
    assert_eq!(alerts, 1, "{events}");
}

#[test]
fn an_unknown_price_is_refused_under_a_hard_budget() {
    let az = Az::new();
    az.file("free.jsonl", r#"{"text": "who knows", "usage": {"input": 10, "output": 5}}"#);
    az.ok(&["cost", "budget", "set", "--amount", "5"]);
    let refused = az.az(&["task", "run", "spend", "--model", "scripted:free.jsonl"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("the price of scripted:free.jsonl is unknown"), "{refused:?}");
}

#[test]
fn costs_are_shown_by_model_provider_task_and_day() {
    let az = az();
    az.ok(&RUN);
    az.ok(&RUN);
    for (by, key) in [("model", "scripted:dear.jsonl"), ("provider", "scripted")] {
        let shown = az.ok(&["cost", "show", "--by", by, "--format", "json"]);
        let rows: Value = serde_json::from_str(&shown).unwrap();
        let row = (&rows[0]["key"], &rows[0]["calls"], &rows[0]["cost_nanos"]);
        assert_eq!(row, (&json!(key), &json!(2), &json!(40_000_000)), "{shown}");
    }
    let tasks = az.ok(&["cost", "show", "--by", "task", "--format", "csv"]);
    assert_eq!(tasks.lines().count(), 3, "{tasks}");
    let days = az.ok(&["cost", "show", "--since", "2d", "--by", "day"]);
    assert!(days.contains("$0.04"), "{days}");
    let none = az.ok(&["cost", "show", "--until", "2020-01-01", "--by", "model"]);
    assert_eq!(none.lines().count(), 1, "{none}");
    let exported = az.ok(&["cost", "export", "--format", "jsonl"]);
    let entries: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["cost_nanos"], json!(20_000_000), "{exported}");
}

#[test]
fn the_budget_of_a_task_covers_its_parts() {
    let az = az();
    az.ok(&RUN);
    let id = az.only_id();
    let of = ["--period", "total", "--scope", "task", "--of", &id];
    az.ok(&[&["cost", "budget", "set", "--amount", "0.08"], &of[..]].concat());
    az.ok(&[&RUN[..], &["--parent", &id]].concat());
    let refused = az.az(&[&RUN[..], &["--parent", &id]].concat());
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(
        refused.stderr.contains("total budget: $0.05 needed, $0.04 of $0.08 left"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains(&format!("--payer task:{id}")), "{refused:?}");
    az.ok(&RUN);
}

#[test]
fn invalid_budgets_are_refused_and_change_nothing() {
    let az = Az::new();
    let set = |args: &[&str]| {
        let all: Vec<&str> = ["cost", "budget", "set"].iter().chain(args).copied().collect();
        let ended = az.az(&all);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}: {ended:?}");
        ended.stderr
    };
    assert!(
        set(&["--amount", "0"])
            .contains("must be greater than 0; use `az cost budget clear` to remove a budget")
    );
    assert!(
        set(&["--amount=-5"])
            .contains("must be greater than 0; use `az cost budget clear` to remove a budget")
    );
    assert!(
        set(&["--amount", "-5"])
            .contains("must be greater than 0; use `az cost budget clear` to remove a budget")
    );
    assert!(set(&["--amount", "much"]).contains("must be an amount of US dollars, such as 12.50"));
    for alert in ["150", "0", "-1", "80.5", "80,,90", "", "%"] {
        let error = set(&["--amount", "5", "--alert", alert]);
        assert!(error.contains("percentages from 1 to 100, such as 80 or 50,90"), "{error}");
    }
    assert!(
        set(&["--amount", "5", "--period", "hourly"]).contains("daily, weekly, monthly, total")
    );
    assert!(set(&["--amount", "5", "--scope", "model"]).contains("--of"));
    assert!(set(&["--amount", "5", "--of", "x"]).contains("--scope task or --scope model"));
    assert_eq!(az.ok(&["cost", "budget", "show", "--format", "json"]).trim(), "[]");
}

#[test]
fn a_budget_of_a_model_or_a_task_is_cleared_by_the_name_it_was_set_by() {
    let az = az();
    az.ok(&RUN);
    let id = az.only_id();
    let scopes = [vec!["--scope", "model", "--of", "claude"], vec!["--scope", "task", "--of", &id]];
    for scope in &scopes {
        let with = |verb: &[&str]| az.ok(&[verb, scope.as_slice()].concat());
        with(&["cost", "budget", "set", "--amount", "1", "--period", "total"]);
        with(&["cost", "budget", "clear", "--period", "total"]);
    }
    let missing = az.az(&["cost", "budget", "clear"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("there is no global monthly budget"), "{missing:?}");
}

/// A budget of a model is a matter of names: nothing is looked for, whether or not it is known.
#[test]
fn a_budget_of_an_unknown_model_is_kept_with_a_warning() {
    let az = az();
    let set = |name: &str| {
        az.az(&["cost", "budget", "set", "--amount", "5", "--scope", "model", "--of", name])
    };
    let unknown = set("clade");
    assert_eq!(unknown.code, Some(0), "{unknown:?}");
    assert!(unknown.stdout.contains("model clade monthly $5.00 hard"), "{unknown:?}");
    assert!(unknown.stderr.contains("\"clade\""), "{unknown:?}");
    assert!(unknown.stderr.contains("did you mean claude"), "{unknown:?}");
    az.ok(&["cost", "budget", "clear", "--scope", "model", "--of", "clade"]);
    for (name, booked) in [
        ("local/qwen3", "qwen3"),
        ("openai/gpt-5.6", "gpt-5.6"),
        ("scripted:dear.jsonl", "scripted:dear.jsonl"),
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
    ] {
        let known = set(name);
        assert_eq!((known.code, known.stderr.as_str()), (Some(0), ""), "{name}: {known:?}");
        assert!(known.stdout.contains(&format!("model {booked} monthly")), "{name}: {known:?}");
    }
    for (name, says) in [
        ("ollama", "as in ollama/MODEL"),
        ("auto", "more than one model"),
        ("offline", "it is not a model"),
        ("demo", "it is not a model"),
        ("", "it is empty"),
    ] {
        let refused = set(name);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{name}: {refused:?}");
        assert!(refused.stderr.contains(says), "{name}: {refused:?}");
        let none = az.az(&["cost", "budget", "clear", "--scope", "model", "--of", name]);
        assert_eq!(none.code, Some(2), "{name}: {none:?}");
        assert!(none.stderr.contains("there is no model"), "{name}: {none:?}");
    }
}

#[test]
fn the_advice_for_an_unknown_price_is_not_a_larger_budget() {
    let az = Az::new();
    az.file("free.jsonl", r#"{"text": "who knows", "usage": {"input": 10, "output": 5}}"#);
    az.file("config.toml", "");
    let path = az.work().join("config.toml");
    let az = az.with_var("AZ_CONFIG", path.to_str().unwrap());
    az.ok(&["cost", "budget", "set", "--amount", "5"]);
    let run = ["task", "run", "spend", "--model", "scripted:free.jsonl"];
    let refused = az.az(&run);
    assert!(refused.stderr.contains("give the model a price"), "{refused:?}");
    assert!(!refused.stderr.contains("--amount"), "{refused:?}");
    az.file("config.toml", "[llm]\ncost_tracking = false\n");
    let refused = az.az(&run);
    assert!(refused.stderr.contains("llm.cost_tracking is false"), "{refused:?}");
}

#[test]
fn the_suggested_command_raises_the_budget_far_enough() {
    let az = az();
    az.ok(&["cost", "budget", "set", "--amount", "0.01", "--alert", "50,90%", "--period", "daily"]);
    let refused = az.az(&RUN);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let command = "cost budget set --amount 0.05 --period daily --alert 50,90";
    assert!(refused.stderr.contains(&format!("`az {command}`")), "{refused:?}");
    let raised = az.ok(&command.split(' ').collect::<Vec<_>>());
    assert!(raised.contains("global daily $0.05 hard, alerts at 50%, 90%"), "{raised}");
    az.ok(&["task", "resume", &az.only_id()]);
    let lowered = az.az(&["cost", "budget", "set", "--amount", "0.01", "--period", "daily"]);
    assert!(lowered.stderr.contains("every call that it covers is refused"), "{lowered:?}");
    assert!(lowered.stdout.contains("$0.02 used so far"), "{lowered:?}");
}

#[test]
fn an_empty_export_has_the_requested_format() {
    let az = az();
    let header = az.ok(&["cost", "export"]);
    assert!(
        header.starts_with("booked_at,payer,task,call,provider,model,cost_nanos,cost_usd,"),
        "{header}"
    );
    assert_eq!(header.lines().count(), 1, "{header}");
    assert_eq!(az.ok(&["cost", "export", "--json"]).trim(), "[]");
    az.ok(&RUN);
    let rows: Value = serde_json::from_str(&az.ok(&["cost", "export", "--json"])).unwrap();
    assert_eq!(rows[0]["cost_nanos"], json!(20_000_000));
    assert!(az.ok(&["cost", "export"]).starts_with(&header));
    az.ok(&["cost", "export", "-o", "costs.csv"]);
    let again = az.az(&["cost", "export", "-o", "costs.csv"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("costs.csv exists already; choose another file, or replace it"));
    az.ok(&["cost", "export", "-o", "costs.csv", "--force", "--format", "json"]);
    assert!(az.read("costs.csv").starts_with('['), "{}", az.read("costs.csv"));
}

#[test]
fn shares_are_those_of_the_sum_and_tasks_have_short_names() {
    let az = az();
    az.ok(&RUN);
    let id = az.only_id();
    az.ok(&RUN);
    let shares = az.ok(&["cost", "show", "--by", "task"]);
    assert_eq!(shares.matches(" 50%").count(), 2, "{shares}");
    let of = ["--period", "total", "--scope", "task", "--of", &id];
    az.ok(&[&["cost", "budget", "set", "--amount", "1"], &of[..]].concat());
    let table = az.ok(&["cost", "budget", "show"]);
    assert!(table.contains("task ") && !table.contains(&id), "{table}");
    assert!(az.ok(&["cost", "budget", "show", "--format", "json"]).contains(&id));
}
