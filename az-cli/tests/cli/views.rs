//! Every view as whole JSON, in `snapshots/`; a change of one is a change of the public interface, and
//! belongs into `CHANGELOG.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use az_ai::pricing::{Features, Rates, TokenPrice};
use az_cli::views::{
    BudgetView, CheckView, CommandRunView, CostSumView, DoctorView, EventView, LedgerEntryView,
    LeftoverView, LogRecordView, LongRequestView, McpServerView, McpTestView, McpToolView,
    ModelSummaryView, ModelView, NoticeView, SpanView, StoreStatusView, TaskSummaryView, TaskView,
    ToolSummaryView, ToolUsageView, ToolView, VerdictView, WaitingView, WorkerReportView,
    feature_names,
};
use az_core::content::ImageContent;
use az_core::cost::{
    Alert, BudgetStatus, CacheUse, Charge, CostSum, Period, Scope, TimeRange, Usage,
};
use az_core::engine::{RecordedEvent, RunEvent, RunEventKind, WorkerReport};
use az_core::error::ErrorKind;
use az_core::journal::{
    ChildTotals, ContextChange, ContextCut, Event, EventBody, Hint, History, ModelChoice,
    ModelOutcome, ModelReply, ModelResult, NewEvent, Prompt, Protocol, RunTotals, ToolCallSummary,
    ToolOutcome, fold, tool_usage,
};
use az_core::log::{CommandRun, Level, LogRecord};
use az_core::store::{Leftover, StoreStatus};
use az_core::task::{
    Failure, FailureDetail, GoalCheck, Outcome, OutputSchema, ReasoningEffort, Spawned, TaskImage,
    TaskInstructions, TaskOptions, TaskOrigin,
};
use az_core::testing::sample;
use az_core::tool::{
    Access, BackgroundProcess, EffectClass, Invocation, PreparedCall, Progress, ToolDefinition,
    ToolScope, ToolSpec,
};
use az_core::trace::TraceFold;
use az_core::{Error, TaskPriority, Usd};
use az_mcp::client::{Listing, changes};
use az_mcp::policy::{Rule, RuleAction, RuleFile, RulePolicy};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::Az;

/// The views that only appear inside of others.
const NESTED: &[&str] = &[
    "ContextChangeView",
    "BudgetAlertView",
    "CacheUseView",
    "PrefixChangeView",
    "ChargeView",
    "CheckView",
    "ChildTaskView",
    "ChildTotalsView",
    "CostPartView",
    "EventBodyView",
    "FailureDetailView",
    "FailureView",
    "InstructionsView",
    "LeftoverView",
    "LongRequestView",
    "McpDifferenceView",
    "McpLeftOutView",
    "McpToolView",
    "ConfigProblemView",
    "ModelIntentView",
    "ModelResultView",
    "OutcomeView",
    "PricesView",
    "RouteCandidateView",
    "RouteStepView",
    "RunTotalsView",
    "SpanRowView",
    "StepHealthView",
    "StepOutcomeView",
    "TaskImageView",
    "TaskOptionsView",
    "TaskOriginView",
    "ToolOutcomesView",
    "ToolResultView",
    "UsageView",
    "WorkerReportView",
];

#[test]
fn every_view_has_a_snapshot() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = fs::read_to_string(root.join("tests/cli/views.rs")).unwrap();
    for file in fs::read_dir(root.join("src/views")).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        let names = source.split("pub struct ").chain(source.split("pub enum ")).skip(1);
        let names = names.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
        for name in names.filter(|name| name.ends_with("View")) {
            let shown = NESTED.contains(&name) || tests.contains(&format!("// {name}"));
            assert!(shown, "{name} has no snapshot");
        }
    }
}

/// Returns a charge with every kind of token.
fn charge() -> Charge {
    let mut usage = Usage::tokens(10, 5);
    (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) = (100, 20, 30);
    (usage.tool_input, usage.audio_input, usage.reasoning, usage.audio_output) = (1, 2, 3, 4);
    (usage.server_tool_calls, usage.service_tier) = (1, Some("batch".to_owned()));
    Charge::new(usage, Some(Usd::from_nanos(1_234_567)))
        .with_computed(Some(Usd::from_nanos(1)))
        .with_saved(Some(Usd::from_nanos(-5)))
}

fn child_totals() -> ChildTotals {
    ChildTotals { tasks: 2, cost: Usd::from_nanos(5), unpriced: true }
}

/// Returns the failure of a task whose next call was refused by a budget.
fn over_budget() -> Failure {
    Failure::from(&Error::BudgetExceeded {
        budget: "global daily".to_owned(),
        scope: Scope::Global,
        period: Period::Daily,
        amount: Usd::from_nanos(60_000_000),
        left: Usd::from_nanos(40_000_000),
        held: Usd::from_nanos(5_000_000),
        uncertain: Usd::from_nanos(2_000_000),
        needed: Usd::from_nanos(50_000_000),
    })
}

/// Returns the events of a run in which everything happens once.
fn events() -> Vec<Event> {
    let reply = ModelReply::text("done");
    let failed = ModelResult {
        outcome: ModelOutcome::Failed {
            kind: ErrorKind::Unavailable,
            message: "over capacity".to_owned(),
        },
        settlement: az_core::cost::Settlement::Nothing,
        millis: 7,
    };
    let asked = EventBody::ApprovalAsked {
        tool: "echo".to_owned(),
        digest: "d1".to_owned(),
        reason: "it prints".to_owned(),
        arguments: json!({"text": "hi"}),
        deny_at: None,
    };
    let given = EventBody::ApprovalGiven {
        digest: "d1".to_owned(),
        granted: true,
        by: "the person at the terminal".to_owned(),
        tool: None,
        reason: None,
    };
    let totals = RunTotals {
        cost: Usd::from_nanos(1_234_567),
        unpriced: false,
        tokens: 172,
        steps: 1,
        millis: 1500,
        cache: Some(CacheUse {
            input_tokens: 163,
            cached_tokens: 100,
            saved: Usd::from_nanos(-5),
            ..CacheUse::default()
        }),
        children: Some(child_totals()),
    };
    let finished = |outcome| EventBody::RunFinished { outcome, totals: Some(totals) };
    let about = |body| NewEvent::about(sample::call_id("c3"), body);
    let context = |change| NewEvent::new(EventBody::Context(change));
    let tool = ToolDefinition::new("echo", "Echoes.", json!({"type": "object"}));
    let bodies = [
        sample::run_started("w1"),
        sample::llm_intent("m1", Some(5_000_000), 60),
        NewEvent::about(sample::call_id("m1"), EventBody::LlmResult(failed)),
        sample::llm_intent("m2", None, 60),
        sample::llm_result("m2", reply, az_core::cost::Settlement::Paid(charge())),
        about(asked),
        about(given),
        sample::tool_intent("c3"),
        sample::tool_result("c3"),
        NewEvent::about(sample::call_id("h"), EventBody::Hint { text: "look".to_owned() }),
        context(ContextChange::Prompt(Prompt::new(Protocol::Native, "be brief", [tool]))),
        context(ContextChange::ToolsAdded {
            tools: vec!["web".to_owned()],
            text: "new".to_owned(),
        }),
        context(ContextChange::Cut(ContextCut::before(("p", "m"), 3, 400).with_tokens(900, 500))),
        context(ContextChange::Model(ModelChoice::new("fast", Some("it is short".to_owned())))),
        sample::copied(sample::tool_result("t0.0")),
        sample::note("falling back to m"),
        NewEvent::new(EventBody::Snapshot { history: Box::new(History::default()) }),
        NewEvent::new(finished(sample::completed("done"))),
        NewEvent::new(finished(Outcome::Failed { failure: over_budget() })),
    ];
    let event = |(seq, event): (u64, NewEvent)| Event {
        task: sample::task_id("t"),
        seq,
        epoch: 1,
        at: sample::at(1),
        event,
    };
    (0..).zip(bodies).map(event).collect()
}

#[test]
fn events_of_journals() {
    let events = events();
    let views: Vec<_> = events.iter().map(EventView::recorded).collect();
    assert_json_snapshot!("events", views); // EventView
}

#[test]
fn live_events() {
    let call = sample::call_id("c1");
    let kinds = [
        RunEventKind::Recorded(Box::new(RecordedEvent::new(4, sample::tool_intent("c1")))),
        RunEventKind::ReasoningDelta { text: "hm".to_owned() },
        RunEventKind::TextDelta { text: "he".to_owned() },
        RunEventKind::RetryScheduled {
            call: call.clone(),
            kind: ErrorKind::RateLimited,
            message: "slow down".to_owned(),
            in_millis: 1000,
        },
        RunEventKind::ToolProgress {
            call,
            tool: "echo".to_owned(),
            progress: Progress::message("copying").with_count(12, Some(40)),
        },
        RunEventKind::Parked(Box::new(sample::waiting())),
        RunEventKind::BudgetAlert(Alert {
            budget: "global daily".to_owned(),
            percent: 80,
            used: Usd::from_nanos(81_000_000),
            amount: Usd::from_nanos(100_000_000),
        }),
    ];
    let event = |kind| RunEvent::new(sample::task_id("t"), sample::at(1), kind);
    let events = kinds.map(event);
    let views: Vec<_> = events.iter().map(|event| EventView::live(event).unwrap()).collect();
    assert_json_snapshot!("live_events", views); // EventView
}

#[test]
fn lines_of_logs() {
    let lines: Vec<_> = events().iter().map(az_cli::output::EventText::line).collect();
    assert_json_snapshot!("log_lines", lines); // LogLineView
}

#[test]
fn a_trace() {
    let mut fold = TraceFold::new();
    events().iter().for_each(|event| fold.add(event));
    let mut task = sample::task("t", 0);
    (task.status, task.completed_at) = (az_core::TaskStatus::Completed, Some(sample::at(60)));
    assert_json_snapshot!("trace", SpanView::from(&fold.finish(&task))); // SpanView
}

#[test]
fn the_log() {
    let record = LogRecord {
        at: sample::at(1),
        level: Level::Warn,
        target: "az_core::engine".to_owned(),
        task: Some(sample::task_id("t")),
        message: "slow down".to_owned(),
    };
    assert_json_snapshot!("log_record", LogRecordView::from(record)); // LogRecordView
    let run = CommandRun::new(sample::at(1), "task list", 2345, 0);
    assert_json_snapshot!("command_run", CommandRunView::from(run)); // CommandRunView
}

fn image() -> TaskImage {
    let content = ImageContent { mime_type: "image/png".to_owned(), data: "aGVsbG8=".to_owned() };
    TaskImage::new("page.png", content)
}

#[test]
fn tasks() {
    let mut task = sample::task("t", 0).with_priority(TaskPriority::High).with_model("m");
    task.cost = Usd::from_nanos(1_234_567);
    assert_json_snapshot!("task_summary", TaskSummaryView::new(task.clone(), true)); // TaskSummaryView
    let wait = sample::waiting().with_deny_at(Some(sample::at(9)));
    assert_json_snapshot!("waiting", WaitingView::from(&wait)); // WaitingView
    let options = TaskOptions::default()
        .with_tools(["echo"])
        .with_allow(["echo"])
        .with_max_steps(7)
        .with_max_calls(70)
        .with_timeout(Duration::from_secs(90))
        .with_workspace("/work")
        .with_env(["SSH_AUTH_SOCK"])
        .with_input("some input")
        .with_instructions(TaskInstructions::new("use tabs", vec!["AGENTS.md".to_owned()]))
        .with_until([GoalCheck::new("cargo test").unwrap()])
        .with_output_schema(OutputSchema::parse(r#"{"type": "object"}"#).unwrap())
        .with_effort(ReasoningEffort::High)
        .with_images([image()]);
    task = task.with_options(options);
    let (origin, _) = TaskOrigin::new(&sample::task("other", 0), 3, 17, None);
    task.options.origin = Some(origin);
    task.failure = Some(over_budget());
    task.started_at = Some(sample::at(1));
    let events = events();
    let history = fold(&events[..events.len() - 2]).unwrap();
    let entries = vec![sample::entry("t", "m2", 1_234_567, 1)];
    let spawned = Spawned::at_level(1).with_budget(Some(Usd::from_nanos(5)));
    let options = TaskOptions::default().with_spawned(spawned);
    let mut child = sample::task("c", 0).with_options(options).with_parent(task.id.clone());
    child.waiting = Some(Box::new(sample::waiting()));
    assert_json_snapshot!(
        "task",
        TaskView::new(task, &history, entries)
            .with_children([child.clone()], &BTreeSet::from([child.id]), Some(child_totals()))
            .with_background(vec![BackgroundProcess::new(7, "sleep 9")])
            .with_hints(vec![Hint::new(sample::call_id("h"), "look").unwrap()])
    ); // TaskView
}

#[test]
fn details_of_failures() {
    let details = [
        FailureDetail::Unpriced {
            scope: Scope::Model("m".to_owned()),
            period: Period::Total,
            model: "m".to_owned(),
        },
        FailureDetail::Approval { tool: "echo".to_owned(), reason: "it prints".to_owned() },
        FailureDetail::ModelCall {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            retry_after_millis: Some(2000),
        },
        FailureDetail::StepLimit { limit: 50 },
        FailureDetail::CallLimit { limit: 500 },
        FailureDetail::TimedOut { limit_millis: 90_000 },
        FailureDetail::OutputSchema { problems: vec!["answer: not JSON".to_owned()] },
        FailureDetail::Unknown,
    ];
    let failure = |detail| Failure::new(ErrorKind::Agent, "why").with_detail(Some(detail));
    let views = details.map(|detail| az_cli::views::FailureView::from(&failure(detail)));
    assert_json_snapshot!("failures", views); // FailureView
}

fn budget_status() -> BudgetStatus {
    let task = Scope::task(sample::task_id("t"));
    let mut budget = sample::budget(task, Period::Daily, 100_000_000);
    budget.alerts = vec![50, 90];
    BudgetStatus {
        budget,
        span: TimeRange { start: sample::at(0), end: sample::at(1440) },
        spent: Usd::from_nanos(20_000_000),
        held: Usd::from_nanos(5_000_000),
        uncertain: Usd::from_nanos(2_000_000),
    }
}

#[test]
fn money() {
    let status = budget_status();
    assert_json_snapshot!("budget", BudgetView::from(&status)); // BudgetView
    let mut sum = CostSum::new("claude");
    let mut entry = sample::entry("t", "m1", 0, 1);
    sum.add(&entry);
    entry.charge = charge();
    sum.add(&entry);
    let view = CostSumView::new("claude".to_owned(), Some(&sum), Some(&status));
    assert_json_snapshot!("cost_sum", view); // CostSumView
    assert_json_snapshot!("ledger_entry", LedgerEntryView::from(entry)); // LedgerEntryView
}

#[test]
fn tools() {
    let schema = json!({"type": "object", "required": ["path"], "properties": {
        "path": {"type": "string", "description": "File path"},
        "encoding": {"type": "string", "default": "utf-8"},
    }});
    let spec = ToolSpec::new("filesystem.read", "Read file contents", schema)
        .with_category("filesystem")
        .with_effect(EffectClass::Read)
        .with_scope(ToolScope::Workspace)
        .with_timeout(Some(Duration::from_secs(5)))
        .with_output_schema(Some(json!({"type": "string"})));
    assert_json_snapshot!("tool_summary", ToolSummaryView::from(&spec)); // ToolSummaryView
    let example = Some(json!({"path": "README.md"}));
    let tool = ToolView::new(&spec, None, example).with_policy(Some("allowed".to_owned()));
    assert_json_snapshot!("tool", tool); // ToolView
    let calls = [3, 5, 900].map(|millis| ToolCallSummary::new("t", ToolOutcome::Done, millis));
    let usage: Vec<_> = tool_usage(calls).into_iter().map(ToolUsageView::from).collect();
    assert_json_snapshot!("tool_usage", usage); // ToolUsageView
    let mut rule = Rule::new(RuleAction::Ask, "az.toml:3:1").with_tool("t").with_path("secrets/**");
    rule.deny_after = Some(Duration::from_secs(60));
    rule.reason = Some("it is private".to_owned());
    let invocation = Invocation::bare("t", json!({})).unwrap();
    let access = Access::Read { path: "secrets/key".to_owned() };
    let call = PreparedCall::new(invocation, EffectClass::Read).with_accesses(vec![access]);
    let policy = RulePolicy::new(vec![RuleFile(vec![rule])]);
    let verdict =
        policy.explain(&sample::task("t", 0), &ToolSpec::new("t", "Does", json!({})), &call);
    assert_json_snapshot!("verdict", VerdictView::new("t", &verdict)); // VerdictView
}

#[test]
fn mcp_servers() {
    let tool = |name: &str, about: &str| {
        let schema = json!({"type": "object"});
        json!({"name": name, "description": about, "inputSchema": schema})
    };
    let listing = |tools: Value| -> Listing {
        serde_json::from_value(json!({
            "server": {
                "name": "time", "version": "1.0", "protocol": "2026-07-28", "era": "modern",
                "instructions": "Use it for times",
            },
            "tools": tools,
            "left_out": [{"tool": "large", "reason": "its schema has 70000 bytes"}],
        }))
        .unwrap()
    };
    let before = listing(json!([tool("now", "Returns the time"), tool("gone", "x")]));
    let after = listing(json!([tool("now", "Returns the time, and more")]));
    let view = McpServerView::new(("time", "mcp-server-time".to_owned()), true, Some(&before));
    assert_json_snapshot!("mcp_server", view); // McpServerView
    let found = changes(&before.tools, &after.tools);
    let suspicions = vec!["its name is that of a tool of az".to_owned()];
    let tools = vec![
        McpToolView::new(&after.tools[0], found.first(), suspicions),
        McpToolView::new(&before.tools[1], found.last(), Vec::new()),
    ];
    assert_json_snapshot!("mcp_test", McpTestView::new("time", &after, tools)); // McpTestView
}

#[test]
fn models() {
    let price = |pico| Some(TokenPrice::from_pico(pico));
    let rates = Rates {
        input: price(3_000_000),
        output: price(15_000_000),
        cache_read: price(300_000),
        cache_write_5m: price(3_750_000),
        cache_write_1h: price(6_000_000),
        audio_input: price(1),
        audio_output: price(2),
        reasoning: price(15_000_001),
    };
    let mut summary = ModelSummaryView::new("claude", ("anthropic", "claude-sonnet"), &rates);
    summary.context_window_tokens = Some(200_000);
    summary.key = Some("set $ANTHROPIC_API_KEY".to_owned());
    let unpriced = ModelSummaryView::new("mine", ("local", "m"), &Rates::default());
    assert_json_snapshot!("model_summaries", [summary, unpriced]); // ModelSummaryView
    let features = Features { tools: true, vision: true, reasoning: true, formats: true };
    let mut model = ModelView::default();
    (model.name, model.provider, model.model) = ("claude".into(), "anthropic".into(), "c".into());
    model.features = Some(feature_names(features));
    model.prices_from = Some("your configuration".to_owned());
    model.prices = (&rates).into();
    model.long_requests = vec![LongRequestView::new(200_000, &rates)];
    model.tiers = vec!["batch".to_owned()];
    assert_json_snapshot!("model", model); // ModelView
}

#[test]
fn stores_and_notices() {
    let address = "sqlite:/home/me/az.db".parse().unwrap();
    let status = StoreStatus {
        schema: Some(5),
        bytes: Some(4096),
        tasks: 1,
        events: 2,
        entries: 3,
        holds: 4,
    };
    let view = StoreStatusView::new(&address, Some(&status), Some(&[]), &[]);
    assert_json_snapshot!("store_status", view); // StoreStatusView
    let checks = vec![
        CheckView::ok("disk", "12 GiB free").about("/home/me/.local/share/az"),
        CheckView::warning("key", "missing").about("claude").with_remedy("set $ANTHROPIC_API_KEY"),
        CheckView::error("clock", "it shows 1970-01-01T00:00:00Z").with_remedy("set the clock"),
    ];
    assert_json_snapshot!("doctor", DoctorView::new("0.1.0", checks)); // DoctorView
    let task = sample::task_id("t");
    let report = WorkerReport {
        completed: 1,
        failed: 2,
        cancelled: 3,
        parked: 4,
        released: 5,
        lost: 6,
        unreleased: 7,
    };
    let notices = [
        NoticeView::TaskQueued { task: task.clone(), priority: TaskPriority::Urgent },
        NoticeView::TaskEnded { task: task.clone(), status: "cancelled".to_owned() },
        NoticeView::HintSent { task: task.clone(), call: sample::call_id("h") },
        NoticeView::TaskAnswered {
            task: task.clone(),
            call: sample::call_id("t0.0"),
            tool: "echo".to_owned(),
            answer: "approved".to_owned(),
        },
        NoticeView::TaskDeleted { task },
        NoticeView::WorkerFinished(WorkerReportView::new(&report, 1500)),
        NoticeView::BudgetSet(BudgetView::from(&budget_status())),
        NoticeView::BudgetCleared { scope: "global".to_owned(), period: Period::Daily },
        NoticeView::CostsReconciled {
            released: true,
            calls: 4,
            before_nanos: 270_000_000,
            before_usd: "0.27".to_owned(),
            after_nanos: 0,
            after_usd: "0.00".to_owned(),
        },
        NoticeView::StoreReady { store: address.to_string(), created: true, replaced: None },
        NoticeView::StoreCleaned {
            removed: vec![LeftoverView::from(&Leftover::new("a.tmp".to_owned(), 7))],
            kept: Vec::new(),
        },
        NoticeView::ConfigSet { key: "llm.model".to_owned(), source: "/c.toml".to_owned() },
        NoticeView::ConfigUnset { key: "llm.model".to_owned(), source: "/c.toml".to_owned() },
        NoticeView::ConfigEdited { source: "/c.toml".to_owned() },
        NoticeView::ConfigTrusted { path: "/az.toml".to_owned(), trusted: true },
        NoticeView::Error { message: "no task".to_owned(), help: None, exit_code: 66 },
    ];
    assert_json_snapshot!("notices", notices); // NoticeView
}

#[test]
fn settings_and_files() {
    let az = Az::new();
    az.file("az.toml", "[llm]\nmodel = \"offline\"\nmodle = 1\n");
    let json = |args: &[&str]| -> Value {
        let shown = az.az(args).stdout;
        let mut read = serde_json::Deserializer::from_str(&shown).into_iter();
        let text = read.next().unwrap().map(|value: Value| value.to_string()).unwrap();
        let root = az.work().parent().unwrap().to_str().unwrap().to_owned();
        serde_json::from_str(&text.replace(&root, "/root")).unwrap()
    };
    let checked = json(&["config", "validate", "az.toml", "--json"]);
    assert_json_snapshot!("checked_files", checked); // CheckedFileView
    az.file("az.toml", "[llm]\nmodel = \"offline\"\n[shell]\nenv = [\"A=1\"]\n");
    let withheld = json(&["config", "trust", "--json"]);
    assert_json_snapshot!("config_withheld", withheld);
    let setting = json(&["config", "get", "llm.model", "--json"]);
    assert_json_snapshot!("setting", setting); // SettingView
    let files = json(&["config", "path", "--all", "--json"]);
    assert_json_snapshot!("config_files", files); // ConfigFileView
}

/// A model with prices of its own, and rules that lead to it.
const CONFIG: &str = r#"
[[llm.providers]]
name = "mine"
provider = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
model = "m"
cost_per_token = 0.0005

[[llm.routing_rules]]
condition = "tokens < 500"
provider = "mine"
reason = "cheap"

[[llm.routing_rules]]
condition = "complexity == 'code'"
provider = "mine"
"#;

/// Returns an `az` with the model `mine`, and with a task whose calls have a price.
fn az() -> Az {
    let az = Az::new();
    az.file("config.toml", CONFIG).file("x.jsonl", r#"{"text": "x", "cost_nanos": 7}"#);
    let path = az.work().join("config.toml");
    az.with_var("AZ_CONFIG", path.to_str().unwrap())
}

const USAGE: &str = r#"{"prompt_tokens": 3, "completion_tokens": 1}"#;

#[test]
fn costs_of_usage_and_routes() {
    let az = az();
    let json = |args: &[&str]| serde_json::from_str::<Value>(&az.ok(args)).unwrap();
    let cost = json(&["models", "price", "--model", "mine", "--json", "--usage", USAGE]);
    assert_json_snapshot!("usage_cost", cost); // UsageCostView
    let sizes = ["--tokens", "10", "--request-tokens", "20"];
    let route = json(&[&["models", "route", "hello", "--json"], &sizes[..]].concat());
    assert_json_snapshot!("route", route); // RouteView
}

/// The names of fields that do not say their unit.
const BARE: &[&str] = &[
    "amount",
    "at",
    "budget",
    "computed",
    "cost",
    "held",
    "hold",
    "left",
    "millis",
    "needed",
    "price",
    "reported",
    "spent",
    "timeout",
    "total_cost",
    "until",
    "used",
];

/// The fields whose content comes from models and tools, and may be anything.
const FOREIGN: &[&str] = &["arguments", "content", "data", "reply", "witness"];

/// Returns what is wrong with the names of the fields in a document.
fn without_units(value: &Value, path: &str) -> Vec<String> {
    let fields = match value {
        Value::Array(items) => {
            return items.iter().flat_map(|it| without_units(it, path)).collect();
        }
        Value::Object(fields) => fields,
        _ => return Vec::new(),
    };
    let mut wrong = Vec::new();
    for (name, value) in fields.iter().filter(|(name, _)| !FOREIGN.contains(&name.as_str())) {
        let path = format!("{path}.{name}");
        let scalar = value.is_number() || value.is_string();
        let bare = BARE.contains(&name.as_str()) || name.ends_with("_pico");
        if scalar && (bare || name.ends_with("_millis")) {
            wrong.push(format!("{path} does not say its unit"));
        }
        for (unit, other, is_it) in [
            ("_nanos", "_usd", value.is_i64() || value.is_null()),
            ("_pico_per_token", "_usd_per_million", value.is_u64() || value.is_null()),
        ] {
            let Some(what) = name.strip_suffix(unit) else { continue };
            let text = fields.get(&format!("{what}{other}"));
            let pair =
                text.is_some_and(|text| text.is_null() == value.is_null() && !text.is_number());
            if !(is_it && pair) {
                wrong.push(format!("{path} has no {other} beside it"));
            }
        }
        wrong.extend(without_units(value, &path));
    }
    wrong
}

#[test]
fn all_json_says_its_units() {
    let az = az();
    let scripted = ["task", "run", "x", "--model", "scripted:x.jsonl"];
    az.ok(&["cost", "budget", "set", "--amount", "5", "--period", "total"]);
    az.ok(&scripted);
    let id = az.only_id();
    let commands: &[&[&str]] = &[
        &["db", "init", "--json"],
        &["db", "status", "--json"],
        &[&scripted[..], &["--json"]].concat(),
        &[&scripted[..], &["--detach", "--json"]].concat(),
        &["worker", "run", "--until-idle", "--json"],
        &["demo", "--speed", "1000", "--json"],
        &["task", "list", "--json"],
        &["task", "show", &id, "--json"],
        &["task", "logs", &id, "--json"],
        &["task", "cancel", &id, "--json"],
        &["cost", "show", "--json"],
        &["cost", "show", "--by", "model", "--json"],
        &["cost", "export", "--json"],
        &["cost", "budget", "set", "--amount", "1", "--alert", "1,99", "--json"],
        &[&scripted[..], &["--json"]].concat(),
        &["cost", "budget", "show", "--json"],
        &["cost", "budget", "clear", "--json"],
        &["models", "list", "--json"],
        &["models", "list", "--all", "--json"],
        &["models", "show", "mine", "--json"],
        &["models", "show", "claude", "--json"],
        &["models", "price", "--model", "mine", "--usage", USAGE, "--json"],
        &["models", "route", "hello", "--json"],
        &["task", "delete", &id, "--json"],
        &["task", "show", "nothing", "--json"],
    ];
    for args in commands {
        let ended = az.az(args);
        let documents = serde_json::Deserializer::from_str(&ended.stdout).into_iter::<Value>();
        let documents: Vec<Value> = documents.map(Result::unwrap).collect();
        assert!(!documents.is_empty(), "az {args:?} prints nothing: {ended:?}");
        let wrong = without_units(&Value::Array(documents), "");
        assert_eq!(wrong, [] as [String; 0], "az {args:?}");
    }
}

#[test]
fn a_field_without_its_unit_is_found() {
    let wrong = |value: Value| without_units(&value, "");
    assert_eq!(wrong(json!([{"a": {"cost": 1}}])), [".a.cost does not say its unit"]);
    assert_eq!(wrong(json!({"cost_nanos": 1})), [".cost_nanos has no _usd beside it"]);
    assert_eq!(wrong(json!({"cost_nanos": "1", "cost_usd": "1"})).len(), 1);
    assert_eq!(wrong(json!({"cost_nanos": 1, "cost_usd": "0.00"})), [] as [String; 0]);
    assert_eq!(wrong(json!({"arguments": {"cost": 1}})), [] as [String; 0]);
}
