//! A task that does everything, and what must be true of the world afterwards, however often the
//! process was killed on the way.

use az_core::cost::{Budget, BudgetKeeper, CostTracker, Limit, Period, Scope};
use az_core::journal::{
    CallState, Event, EventBody, History, Journal, ModelOutcome, ToolOutcome, fold,
};
use az_core::task::{TaskFilter, TaskRepository};
use az_core::testing::sample::always;
use az_core::{Clock, Task, TaskStatus, Usd};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::support::{Az, script};

/// What a model call costs, and what it may cost at most.
const COST: i64 = 1_000_000;
const MOST: i64 = 5_000_000;

/// How many shell commands there are; each writes a line of its own.
const SHELLS: usize = 3;

/// The task's script: turns of the model with their calls. Every effect class is in it, most of
/// them more than once.
fn turns() -> Vec<Value> {
    let turn = |calls: Vec<(&str, Value)>| {
        let calls: Vec<_> = calls
            .into_iter()
            .map(|(name, arguments)| json!({"name": name, "arguments": arguments}))
            .collect();
        json!({"calls": calls, "usage": {"input": 100, "output": 10},
               "cost_nanos": COST, "price_nanos": MOST})
    };
    let shell = |n: usize| {
        let command = format!("echo shell-{n} >> effects.txt");
        turn(vec![("shell.execute", json!({ "command": command }))])
    };
    let append = |text: &str| {
        let arguments = json!({"path": "log.txt", "content": text, "append": true});
        turn(vec![("filesystem.write", arguments)])
    };
    let write = |path: &str, text: &str| {
        turn(vec![("filesystem.write", json!({"path": path, "content": text}))])
    };
    let look = || {
        turn(vec![
            ("filesystem.list", json!({"path": "."})),
            ("filesystem.read", json!({"path": "a.txt"})),
        ])
    };
    vec![
        write("a.txt", "first"),
        look(),
        shell(0),
        append("one "),
        shell(1),
        append("two "),
        write("b.txt", "second"),
        look(),
        append("three"),
        shell(2),
        json!({"text": "all done", "usage": {"input": 100, "output": 10},
               "cost_nanos": COST, "price_nanos": MOST}),
    ]
}

/// A home with the task's script and a hard budget.
pub(crate) struct World {
    pub(crate) az: Az,
    model: String,
}

impl World {
    pub(crate) fn new(az: Az) -> Self {
        let model = script(&az, &turns());
        let world = Self { az, model };
        let budget = Budget {
            scope: Scope::Global,
            period: Period::Total,
            amount: Usd::from_dollars(1),
            alerts: vec![80],
            limit: Limit::Hard,
        };
        let now = az_core::clock::SystemClock.now();
        block_on(world.store().set_budget(&budget, now)).unwrap();
        world
    }

    pub(crate) fn run_args(&self) -> Vec<String> {
        let args = ["task", "run", "do all", "--allow", "shell.execute", "--model", &self.model];
        args.map(str::to_owned).to_vec()
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(self.az.database(), SqliteOptions::default()).unwrap()
    }

    /// Returns the task and its record, if it was made.
    pub(crate) fn record(&self) -> Option<(Task, Vec<Event>)> {
        let store = self.store();
        let task = block_on(store.list(&TaskFilter::default())).unwrap().pop()?;
        let events = block_on(store.read(&task.id, 0, 10_000)).unwrap();
        Some((task, events))
    }

    /// Returns what is wrong with the world once the task was resumed to its end. `before` are the
    /// records found after each crash.
    pub(crate) fn violations(&self, before: &[Vec<Event>]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut check = |is_so: bool, what: String| {
            if !is_so {
                wrong.push(what);
            }
        };
        let Some((task, events)) = self.record() else { return vec!["no task".to_owned()] };
        check(task.status == TaskStatus::Completed, format!("the task is {}", task.status));
        check(task.answer.as_deref() == Some("all done"), format!("it says {:?}", task.answer));
        for found in before {
            check(events.starts_with(found), "a step that was on record is lost".to_owned());
        }
        let history = match fold(&events) {
            Ok(history) => history,
            Err(error) => return vec![error.to_string()],
        };
        check(history.turns.len() == turns().len(), format!("{} turns", history.turns.len()));
        check(history.pending_calls().next().is_none(), "a call has no result".to_owned());
        self.check_effects(&history, &mut check);
        self.check_money(&task, &events, &mut check);
        wrong
    }

    /// Effects happened as the record says: done is once, unknown is at most once.
    fn check_effects(&self, history: &History, check: &mut impl FnMut(bool, String)) {
        let effects = self.az.read("effects.txt");
        let outcomes = history.calls.values().filter_map(|call| match &call.state {
            CallState::Ended { outcome, text, .. } => Some((*outcome, text)),
            CallState::Waiting | CallState::Begun { .. } => None,
        });
        let unknown = outcomes.filter(|(outcome, _)| *outcome == ToolOutcome::Unknown).count();
        let mut missing = 0;
        for n in 0..SHELLS {
            let times = effects.matches(&format!("shell-{n}\n")).count();
            check(times <= 1, format!("shell command {n} ran {times} times"));
            missing += usize::from(times == 0);
        }
        check(
            missing <= unknown,
            format!("{missing} shell commands are missing, {unknown} unknown"),
        );
        for (file, text) in [("a.txt", "first"), ("b.txt", "second"), ("log.txt", "one two three")]
        {
            let found = self.az.read(file);
            check(found == text, format!("{file} says {found:?}"));
        }
    }

    /// The ledger equals what the record says was paid or may have been; nothing is held.
    fn check_money(&self, task: &Task, events: &[Event], check: &mut impl FnMut(bool, String)) {
        let paid = |event: &Event| match &event.event.body {
            EventBody::LlmResult(result) => match result.outcome {
                ModelOutcome::Replied { .. } => COST,
                // It is unknown whether it was sent: the whole hold is booked.
                ModelOutcome::Interrupted => MOST,
                ModelOutcome::Failed { .. } => 0,
            },
            _ => 0,
        };
        let expected = Usd::from_nanos(events.iter().map(paid).sum());
        let store = self.store();
        let entries = block_on(store.entries(always(), None)).unwrap();
        let booked: Usd = entries.iter().filter_map(|entry| entry.charge.cost).sum();
        let intents = events.iter().filter(|e| e.event.body.name() == "llm_intent").count();
        check(entries.len() == intents, format!("{} entries, {intents} calls", entries.len()));
        check(booked == expected, format!("{booked} booked, {expected} expected"));
        check(task.cost == expected, format!("the task says {}", task.cost));
        let holds = block_on(store.open_holds()).unwrap();
        check(holds.is_empty(), format!("{} holds are left", holds.len()));
        let now = az_core::clock::SystemClock.now();
        for status in block_on(store.budgets(now)).unwrap() {
            check(status.spent == expected, format!("the budget says {}", status.spent));
            check(status.held == Usd::ZERO, format!("{} is held", status.held));
        }
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
