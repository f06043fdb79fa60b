//! `docs/schemas/` has a JSON Schema of everything that commands print as JSON, and their output fits it.

mod check;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use az_cli::views::{
    BudgetView, CheckedFileView, CommandRunView, ConfigFileView, CostSumView, DoctorView,
    EventView, LedgerEntryView, LogRecordView, McpServerView, McpTestView, ModelSummaryView,
    ModelView, NoticeView, RouteView, SettingView, SpanView, StoreStatusView, TaskSummaryView,
    TaskView, ToolSummaryView, ToolUsageView, ToolView, UsageCostView, VerdictView,
};
use az_mcp::McpToolResult;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::support::Az;

use Form::{Array, Lines, Object};

/// How a command prints its views.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// One document.
    Object,
    /// A document with an array of them.
    Array,
    /// Each on a line.
    Lines,
}

/// The name of a schema, and what makes it.
type View = (&'static str, fn() -> Schema);

/// The views that commands print.
const VIEWS: &[View] = &[
    ("budget", of::<BudgetView>),
    ("checked-file", of::<CheckedFileView>),
    ("command-run", of::<CommandRunView>),
    ("config-file", of::<ConfigFileView>),
    ("cost-sum", of::<CostSumView>),
    ("doctor", of::<DoctorView>),
    ("event", of::<EventView<'static>>),
    ("ledger-entry", of::<LedgerEntryView>),
    ("log-record", of::<LogRecordView>),
    ("mcp-server", of::<McpServerView>),
    ("mcp-test", of::<McpTestView>),
    ("model", of::<ModelView>),
    ("model-summary", of::<ModelSummaryView>),
    ("notice", of::<NoticeView>),
    ("route", of::<RouteView>),
    ("setting", of::<SettingView>),
    ("store-status", of::<StoreStatusView>),
    ("span", of::<SpanView>),
    ("task", of::<TaskView>),
    ("task-summary", of::<TaskSummaryView>),
    ("tool", of::<ToolView>),
    ("tool-result", of::<McpToolResult>),
    ("tool-summary", of::<ToolSummaryView>),
    ("tool-usage", of::<ToolUsageView>),
    ("verdict", of::<VerdictView>),
    ("usage-cost", of::<UsageCostView>),
];

/// What each command with `--format` prints, and where in the document the rows of its CSV are; `None` for
/// CSV of another view.
const LISTINGS: &[(&str, Form, &str, Option<&str>)] = &[
    ("task list", Array, "task-summary", Some("")),
    ("task show", Object, "task", Some("/entries")),
    ("task logs", Lines, "event", None),
    ("task watch", Lines, "event", None),
    ("task trace", Object, "span", None),
    ("models list", Array, "model-summary", Some("")),
    ("models show", Object, "model", None),
    ("models price", Object, "usage-cost", Some("/parts")),
    ("models route", Object, "route", Some("/candidates")),
    ("tools list", Array, "tool-summary", Some("")),
    ("tools info", Array, "tool", None),
    ("tools policy check", Object, "verdict", None),
    ("tools usage", Array, "tool-usage", Some("")),
    ("mcp list", Array, "mcp-server", Some("")),
    ("cost show", Array, "cost-sum", Some("")),
    ("cost budget show", Array, "budget", Some("")),
    ("cost export", Array, "ledger-entry", Some("")),
    ("cost reconcile", Array, "ledger-entry", Some("")),
    ("config get", Array, "setting", Some("")),
    ("config path", Array, "config-file", Some("")),
    ("config validate", Array, "checked-file", None),
    ("log show", Array, "log-record", Some("")),
    ("log export", Array, "log-record", Some("")),
    ("log commands", Array, "command-run", Some("")),
    ("doctor", Object, "doctor", None),
    ("db status", Object, "store-status", None),
];

fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

fn schema(name: &str) -> Value {
    let (_, schema) = VIEWS.iter().find(|(view, _)| *view == name).unwrap();
    schema().to_value()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas")
}

#[test]
fn the_schemas_in_the_documents_are_those_of_the_views() {
    let of_view = |(name, schema): &View| {
        (format!("{name}.json"), serde_json::to_string_pretty(&schema()).unwrap() + "\n")
    };
    let mut files: Vec<_> = VIEWS.iter().map(of_view).collect();
    files.push(("README.md".to_owned(), overview()));
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::remove_dir_all(directory()).ok();
        fs::create_dir(directory()).unwrap();
        for (name, text) in &files {
            fs::write(directory().join(name), text).unwrap();
        }
    }
    for (name, text) in &files {
        let kept = fs::read_to_string(directory().join(name)).unwrap_or_default();
        assert_eq!(&kept, text, "{name} is out of date: AZ_UPDATE_DOCS=1 writes it anew");
    }
    let kept = fs::read_dir(directory()).unwrap().map(|file| file.unwrap().file_name());
    let kept: BTreeSet<_> = kept.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(kept, files.into_iter().map(|(name, _)| name).collect());
}

fn overview() -> String {
    let mut text = String::from(
        "# JSON Schemas\n\nThe output of `--json` and `--format json` is described by these schemas. Later \
         versions may add fields; a field that is removed or renamed is in the changelog. A test writes \
         this directory: `AZ_UPDATE_DOCS=1 cargo test -p az-cli --test cli schemas`.\n\n\
         | command | prints | schema |\n|---|---|---|\n",
    );
    for (command, form, name, _) in LISTINGS {
        let form = match form {
            Object => "one object",
            Array => "an array",
            Lines => "one object per line",
        };
        writeln!(text, "| `az {command}` | {form} | [{name}]({name}.json) |").unwrap();
    }
    for (commands, name) in [
        ("`az task run`, `az task resume`, `az task retry`, `az worker run`, `az demo`", "event"),
        ("all commands that change something, and every error", "notice"),
    ] {
        writeln!(text, "| {commands} | one object per line | [{name}]({name}.json) |").unwrap();
    }
    text.push_str("| `az tools call` | one object | [tool-result](tool-result.json) |\n");
    text.push_str(
        "\n`az config get KEY` and `az config path` print one object for one key or file. `az log show --follow` and \
         `az log export --format ndjson` print one object per line.\n",
    );
    text
}

#[test]
fn every_command_with_a_format_has_a_schema() {
    let mut command = az_cli::cli::command();
    command.build();
    let mut found = BTreeSet::new();
    with_format(&command, "", &mut found);
    let listed = LISTINGS.iter().map(|(command, ..)| (*command).to_owned()).collect();
    assert_eq!(found, listed);
}

fn with_format(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    if command.get_arguments().any(|arg| arg.get_long() == Some("format")) {
        found.insert(name.trim().to_owned());
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        with_format(sub, &format!("{name} {}", sub.get_name()), found);
    }
}

#[test]
fn the_complete_examples_of_views_fit_their_schemas() {
    for (snapshot, form, name) in [
        ("budget", Object, "budget"),
        ("checked_files", Array, "checked-file"),
        ("command_run", Object, "command-run"),
        ("config_files", Array, "config-file"),
        ("config_withheld", Object, "notice"),
        ("cost_sum", Object, "cost-sum"),
        ("doctor", Object, "doctor"),
        ("events", Array, "event"),
        ("ledger_entry", Object, "ledger-entry"),
        ("live_events", Array, "event"),
        ("log_record", Object, "log-record"),
        ("mcp_server", Object, "mcp-server"),
        ("mcp_test", Object, "mcp-test"),
        ("model", Object, "model"),
        ("model_summaries", Array, "model-summary"),
        ("notices", Array, "notice"),
        ("route", Object, "route"),
        ("setting", Object, "setting"),
        ("store_status", Object, "store-status"),
        ("task", Object, "task"),
        ("tool", Object, "tool"),
        ("tool_summary", Object, "tool-summary"),
        ("tool_usage", Array, "tool-usage"),
        ("verdict", Object, "verdict"),
        ("trace", Object, "span"),
        ("task_summary", Object, "task-summary"),
        ("usage_cost", Object, "usage-cost"),
    ] {
        let file = format!("tests/cli/snapshots/cli__views__{snapshot}.snap");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let (_, text) = text.trim_start_matches("---\n").split_once("---\n").unwrap();
        let document: Value = serde_json::from_str(text).unwrap();
        let views =
            if form == Array { document.as_array().unwrap().clone() } else { vec![document] };
        for view in &views {
            if let Err(problem) = check::check(&schema(name), view) {
                panic!("{snapshot}: {problem}");
            }
        }
    }
}

const SCRIPTED: [&str; 5] = ["task", "run", "read it, twice", "--model", "scripted:x.jsonl"];

/// Returns an `az` with two tasks, a budget, and a model with prices.
fn used() -> (Az, String) {
    let config = "[[llm.providers]]\nname = \"mine\"\nprovider = \"openai-compatible\"\n\
                  base_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\ncost_per_token = 0.0005\n\
                  [[llm.routing_rules]]\ncondition = \"tokens < 500\"\nprovider = \"mine\"\n\
                  [mcp.servers.time]\ncommand = \"mcp-server-time\"\nenabled = false\n";
    let call = json!({"name": "filesystem.read", "arguments": {"path": "x.jsonl"}});
    let steps = [json!({"calls": [call], "cost_nanos": 9}), json!({"text": "x", "cost_nanos": 7})];
    let steps: String = steps.iter().map(|step| format!("{step}\n")).collect();
    let az = Az::new();
    az.file("config.toml", config).file("x.jsonl", &steps);
    let path = az.work().join("config.toml").to_str().unwrap().to_owned();
    let az = az.with_var("AZ_CONFIG", path);
    az.ok(&["cost", "budget", "set", "--amount", "5", "--period", "total"]);
    az.ok(&SCRIPTED);
    let id = az.only_id();
    az.ok(&[&SCRIPTED[..], &["--detach"]].concat());
    (az, id)
}

const USAGE: &str = r#"{"prompt_tokens": 3, "completion_tokens": 1}"#;

/// Returns the arguments that make a listing print something.
fn arguments<'a>(command: &str, id: &'a str) -> Vec<&'a str> {
    match command {
        "task show" | "task logs" | "task watch" | "task trace" => vec![id],
        "models show" => vec!["mine"],
        "tools info" => vec!["filesystem"],
        "tools policy check" => vec!["filesystem.write", "path=az.toml", "content=x"],
        "models price" => vec!["--model", "mine", "--usage", USAGE],
        "models route" => vec!["hello"],
        "config get" | "config path" => vec!["--all"],
        // Listing adds to all commands.
        "log commands" => vec!["--command", "task run"],
        "log show" | "log export" => vec!["--task", id],
        _ => vec![],
    }
}

#[test]
fn every_listing_fits_its_schema_and_has_the_same_rows_in_every_format() {
    let (az, id) = used();
    for (command, form, name, rows) in LISTINGS {
        let mut args: Vec<_> = command.split(' ').collect();
        args.extend(arguments(command, &id));
        // The doctor may find errors, which its exit code says.
        let print = |format| az.az(&[&args[..], &["--format", format]].concat()).stdout;
        let text = print("json");
        let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        let documents: Vec<_> = documents.map(Result::unwrap).collect();
        let views = match form {
            Array => documents[0].as_array().unwrap().clone(),
            Object | Lines => documents.clone(),
        };
        assert_eq!(documents.len() == 1, *form != Lines, "az {command}: {text}");
        for view in &views {
            if let Err(problem) = check::check(&schema(name), view) {
                panic!("az {command}: {problem}");
            }
        }
        if *command == "task watch" {
            continue;
        }
        let csv = print("csv");
        if let Some(rows) = rows {
            let rows = documents[0].pointer(rows).unwrap().as_array().unwrap();
            let csv = cells(&csv);
            let expected = csv.first().map_or_else(Vec::new, |header| in_csv(rows, header));
            assert_eq!(csv, expected, "az {command}");
            assert_eq!(rows.is_empty(), csv.is_empty(), "az {command}");
        } else if *command == "task logs" {
            assert_eq!(cells(&csv).len(), views.len() + 1, "az {command}");
        }
        // What is exported is for programs only.
        let is_table = !["config validate", "tools info"].contains(command);
        if *form == Array && !command.ends_with("export") && is_table {
            let table = print("table");
            assert_eq!(table.lines().count(), views.len() + 1, "az {command}: {table}");
        }
    }
}

/// Returns the header and the records of comma-separated values.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    let record = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(|it| record(it.unwrap())).collect()
}

/// Returns the header and the records that rows have, with the columns in this order.
fn in_csv(rows: &[Value], header: &[String]) -> Vec<Vec<String>> {
    let record = |row: &Value| {
        let fields = row.as_object().unwrap();
        assert_eq!(fields.keys().collect::<BTreeSet<_>>(), header.iter().collect());
        header.iter().map(|name| cell(&fields[name])).collect()
    };
    std::iter::once(header.to_vec()).chain(rows.iter().map(record)).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[test]
fn events_and_notices_of_commands_fit_their_schemas() {
    let (az, id) = used();
    for args in [
        &[&SCRIPTED[..], &["--json"]].concat()[..],
        &["worker", "run", "--until-idle", "--json"],
        &["demo", "--speed", "1000", "--json"],
        &["task", "cancel", &id, "--json"],
        &["task", "delete", &id, "--json"],
        &["task", "show", "nothing", "--json"],
        &["db", "init", "--json"],
        &["config", "set", "llm.model=offline", "--json"],
        &["cost", "budget", "clear", "--period", "total", "--json"],
    ] {
        let text = az.az(args).stdout;
        assert!(!text.is_empty(), "az {args:?} prints nothing");
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let event = check::check(&schema("event"), &line);
            let notice = check::check(&schema("notice"), &line);
            assert!(event.is_ok() != notice.is_ok(), "az {args:?}: {event:?} {notice:?}: {line}");
        }
    }
}

#[test]
fn documents_that_do_not_fit_are_found() {
    let good =
        json!({"key": "a", "value": [1], "layer": "user", "source": null, "line": 1, "column": 1});
    let wrong = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        check::check(&schema("setting"), &document).unwrap_err()
    };
    assert_eq!(check::check(&schema("setting"), &good), Ok(()));
    assert_eq!(wrong("more", json!(1)), "/more is not in the schema");
    assert_eq!(wrong("line", json!(-1)), "/line: not of minimum 0: -1");
    assert_eq!(wrong("key", json!(null)), "/key: not of type \"string\": null");
    assert!(wrong("layer", json!("mine")).starts_with("/layer: 0 of anyOf fit: "));
    let missing = check::check(&schema("setting"), &json!({"key": "a"})).unwrap_err();
    assert!(missing.contains("not of required"), "{missing}");
    let time = json!({"event": "note", "text": "", "task": "t", "occurred_at": "today"});
    assert!(check::check(&schema("event"), &time).unwrap_err().contains("date-time"));
}
