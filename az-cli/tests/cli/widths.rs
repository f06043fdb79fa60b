//! Tables and texts at terminals of 40, 80 and 200 columns, with texts from all over the world and with
//! texts that would move the cursor: aligned, on their lines, and without a raw escape.

use az_ai::pricing::Rates;
use az_cli::output::{
    EventText, Style, Table, budget_in_words, budget_table, commands_table, cost_table,
    model_table, models_table, price_table, store_table, task_in_words, tasks_table,
    uncertain_table,
};
use az_cli::views::{
    BudgetView, CommandRunView, CostSumView, LedgerEntryView, ModelSummaryView, ModelView,
    StoreStatusView, TaskView, UsageCostView,
};
use az_core::Usd;
use az_core::cost::{BudgetStatus, CostSum, Period, Scope, TimeRange, Usage};
use az_core::error::ErrorKind;
use az_core::journal::{Event, EventBody, Hint, History, ModelOutcome, ModelReply, NewEvent};
use az_core::log::CommandRun;
use az_core::store::StoreStatus;
use az_core::task::{Failure, Outcome, TaskOptions};
use az_core::testing::sample;
use az_core::tool::BackgroundProcess;
use serde_json::json;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::support::Az;
use crate::terminal::at_terminal_of_width;

const TEXTS: &[&str] = &[
    "plain",
    "مرحبا بالعالم، لا إله",
    "日本語のコマンド、한국어 명령",
    "👩‍🔬 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ e\u{301}",
    "a\tb\tc",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31mred\u{1b}[0m",
    "first\nsecond\r\nthird\u{2028}fourth",
    "\u{202e}gnp.exe\u{61c}\u{200b}\u{feff}",
    "a text that is far longer than any terminal is wide, and goes on, and on, and on, and on, and on, \
     until it has two hundred columns and more, because nothing keeps a model from writing such a text",
];

/// Asserts that a text moves no cursor and reorders nothing.
#[track_caller]
fn assert_harmless(text: &str, what: &str) {
    for c in text.chars().filter(|c| *c != '\n') {
        assert!(!c.is_control(), "{what}: {text:?}");
        let hidden = matches!(c, '\u{200b}' | '\u{61c}' | '\u{2028}' | '\u{202e}' | '\u{feff}');
        assert!(!hidden, "{what}: {text:?}");
    }
}

/// Returns what a terminal shows in each of its columns; a wide character is followed by nothing.
fn on_screen(line: &str) -> Vec<&str> {
    let mut columns = Vec::new();
    for grapheme in line.graphemes(true) {
        columns.push(grapheme);
        columns.extend(std::iter::repeat_n("", grapheme.width().saturating_sub(1)));
    }
    columns
}

/// Returns where the columns of a table begin by its header, without one of which only `…` is shown.
fn begins(header: &str) -> Vec<usize> {
    let columns = on_screen(header);
    let is_begin = |at: &usize| {
        *at >= 2 && columns[at - 2..*at] == [" ", " "] && ![" ", "…"].contains(&columns[*at])
    };
    (0..columns.len()).filter(is_begin).collect()
}

#[track_caller]
fn check(table: &Table, rows: usize, what: &str) {
    for terminal in [Some(40), Some(80), Some(200), None] {
        let text = table.text(terminal);
        assert_harmless(&text, what);
        assert_eq!(text.lines().count(), rows + 1, "{what}: {text}");
        let begins = begins(text.lines().next().unwrap());
        for line in text.lines() {
            let columns = on_screen(line);
            let width = terminal.map_or(usize::MAX, usize::from);
            assert!(columns.len() <= width, "{what} at {terminal:?}: {line}");
            for at in begins.iter().filter(|at| **at < columns.len()) {
                assert_eq!(columns[at - 2..*at], [" ", " "], "{what} at {terminal:?}:\n{text}");
            }
        }
    }
}

fn all<T>(view: impl Fn(&str) -> T) -> Vec<T> {
    TEXTS.iter().map(|text| view(text)).collect()
}

fn task(text: &str) -> TaskView {
    let mut task = sample::task("t", 0).with_model(text);
    text.clone_into(&mut task.command);
    task.options = TaskOptions::default().with_workspace(text);
    (task.answer, task.damage) = (Some(text.to_owned()), Some(text.to_owned()));
    task.failure = Some(Failure::new(ErrorKind::Agent, text));
    let entries = vec![sample::entry("t", "m2", 1_234_567, 1)];
    let history = History::default();
    let hint = Hint::new(sample::call_id("h"), text).unwrap();
    TaskView::new(task, &history, entries)
        .with_background(vec![BackgroundProcess::new(7, text)])
        .with_hints(vec![hint])
}

fn budget(text: &str) -> BudgetView {
    let scope = Scope::Model(text.to_owned());
    let budget = sample::budget(scope, Period::Daily, 100_000_000);
    let span = TimeRange { start: sample::at(0), end: sample::at(1440) };
    let (spent, held, uncertain) = (Usd::from_nanos(2), Usd::from_nanos(5), Usd::from_nanos(1));
    (&BudgetStatus { budget, span, spent, held, uncertain }).into()
}

fn entry(text: &str) -> LedgerEntryView {
    let mut entry = sample::entry("t", "m1", 1_000, 1);
    text.clone_into(&mut entry.provider);
    text.clone_into(&mut entry.model);
    entry.into()
}

fn model(text: &str) -> ModelView {
    let mut view = ModelView::default();
    (view.name, view.provider, view.model) = (text.into(), text.into(), text.into());
    (view.key, view.address) = (Some(text.into()), Some(text.into()));
    (view.prices_from, view.tiers) = (Some(text.into()), vec![text.into(), text.into()]);
    view
}

fn store(text: &str) -> StoreStatusView {
    let address = "sqlite:/x".parse().unwrap();
    let status =
        StoreStatus { schema: Some(8), bytes: None, tasks: 1, events: 2, entries: 3, holds: 4 };
    let mut view = StoreStatusView::new(&address, Some(&status), Some(&[text.to_owned()]), &[]);
    text.clone_into(&mut view.store);
    view
}

#[test]
fn every_table_is_aligned_and_harmless_at_every_width() {
    let summaries = all(|text| task(text).summary);
    check(&tasks_table(&summaries, sample::at(9)), TEXTS.len(), "tasks");
    check(&budget_table(&all(budget)), TEXTS.len(), "budgets");
    let sum = |text: &str| {
        let mut sum = CostSum::new(text);
        sum.add(&sample::entry("t", "m1", 1_000, 1));
        CostSumView::new(text.to_owned(), Some(&sum), None)
    };
    check(&cost_table(&all(sum), "model"), TEXTS.len(), "costs");
    let run = |text: &str| CommandRunView::from(CommandRun::new(sample::at(1), text, 2345, 0));
    check(&commands_table(&all(run), sample::at(9)), TEXTS.len(), "commands");
    check(&uncertain_table(&all(entry)), TEXTS.len(), "uncertain costs");
    let summary = |text: &str| {
        let mut view = ModelSummaryView::new(text, (text, text), &Rates::default());
        view.key = Some(text.to_owned());
        view
    };
    check(&models_table(&all(summary), false), TEXTS.len(), "models");
    check(&models_table(&all(summary), true), TEXTS.len(), "all models");
    for text in TEXTS {
        let table = model_table(&model(text));
        check(&table, table.text(None).lines().count() - 1, "model");
        let table = store_table(&store(text));
        check(&table, table.text(None).lines().count() - 1, "store");
        let cost = UsageCostView::new(text, &Usage::tokens(1, 1), None, None);
        check(&price_table(&cost), 1, "prices");
    }
}

#[test]
fn texts_about_tasks_budgets_and_routes_are_harmless() {
    for text in TEXTS {
        assert_harmless(&task_in_words(&task(text), Style::plain(), sample::at(9)), "task");
        assert_harmless(&az_cli::output::printable(&budget_in_words(&budget(text))), "budget");
    }
    let az = Az::new();
    let hostile = "\\u001b[2J\\u202ex";
    let provider = |name: &str| {
        format!(
            "[[llm.providers]]\nname = \"{name}\"\nprovider = \"openai-compatible\"\n\
             base_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m{hostile}\"\n"
        )
    };
    let rule = format!(
        "[[llm.routing_rules]]\ncondition = \"tokens < 500\"\nprovider = \"mine\"\nreason = \"{hostile}\"\n"
    );
    az.file("config.toml", &(provider("mine") + &rule));
    let path = az.work().join("config.toml").to_str().unwrap().to_owned();
    let az = az.with_var("AZ_CONFIG", path);
    for args in [
        &["models", "route", "hello"][..],
        &["models", "list"],
        &["models", "show", "mine"],
        &["config", "get", "--all", "--origin"],
    ] {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_harmless(&ended.stdout, &args.join(" "));
        assert_harmless(&ended.stderr, &args.join(" "));
        assert!(ended.stdout.contains("\\u{202e}") || args[1] == "show", "{ended:?}");
    }
}

/// Returns events that a model, a tool and a person wrote this text into.
fn events(text: &str) -> Vec<Event> {
    let text = || text.to_owned();
    let call = |body| NewEvent::about(sample::call_id("c"), body);
    let mut replied = sample::llm_result(
        "m",
        ModelReply::text(text()).with_call(text(), json!({text(): text()})),
        az_core::cost::Settlement::Nothing,
    );
    let mut failed = replied.clone();
    if let EventBody::LlmResult(result) = &mut failed.body {
        result.outcome = ModelOutcome::Failed { kind: ErrorKind::Unavailable, message: text() };
    }
    replied.call = Some(sample::call_id("r"));
    let mut intent = sample::tool_intent("i");
    if let EventBody::ToolIntent(intent) = &mut intent.body {
        (intent.tool, intent.arguments) = (text(), json!({text(): text()}));
    }
    let mut result = sample::tool_result("i");
    if let EventBody::ToolResult(result) = &mut result.body {
        result.tool = text();
    }
    let failure = Failure::new(ErrorKind::Agent, text());
    let asked = EventBody::ApprovalAsked {
        tool: text(),
        digest: text(),
        reason: text(),
        arguments: json!({text(): text()}),
        deny_at: None,
    };
    let bodies = [
        replied,
        failed,
        intent,
        result,
        call(asked),
        call(EventBody::ApprovalGiven {
            digest: text(),
            granted: true,
            by: text(),
            tool: Some(text()),
            reason: Some(text()),
        }),
        NewEvent::new(EventBody::Observation { text: text() }),
        sample::note(&text()),
        NewEvent::new(EventBody::RunFinished {
            outcome: Outcome::Failed { failure: failure.clone() },
            totals: None,
        }),
        NewEvent::new(EventBody::RunFinished {
            outcome: Outcome::Cancelled { failure },
            totals: None,
        }),
        NewEvent::new(EventBody::RunFinished { outcome: sample::completed(&text()), totals: None }),
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
fn events_in_words_are_harmless() {
    for text in TEXTS {
        for full in [false, true] {
            let words = EventText::new(Style::plain(), full, sample::at(0));
            for event in events(text) {
                assert_harmless(&words.in_words(&event), event.event.body.name());
            }
        }
    }
}

#[test]
fn a_listing_at_a_terminal_is_as_wide_as_the_terminal() {
    let az = Az::new();
    for text in TEXTS {
        let ended = az.az(&["task", "run", "--detach", "--model", "offline", text]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    for columns in [40, 80, 200] {
        let Some(ended) = at_terminal_of_width(&az, &["task", "list"], columns) else { return };
        let text = ended.stdout.replace("\r\n", "\n");
        assert_harmless(&text, "task list");
        assert_eq!(text.lines().count(), TEXTS.len() + 1, "{text}");
        let widths = text.lines().map(|line| on_screen(line).len());
        assert!(widths.clone().all(|width| width <= columns.into()), "{columns}: {text}");
        assert!(widths.max().unwrap() > usize::from(columns) / 2, "{columns}: {text}");
    }
}
