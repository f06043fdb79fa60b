//! Budgets: concurrent holds, and a comparison with the reference implementation.

use az_core::cost::{
    Budget, BudgetKeeper, Calendar, CostTracker, Decision, Grouping, Limit, Period, Reconciliation,
    Scope, Settlement, TimeRange, Usage,
};
use az_core::journal::RunStore;
use az_core::log::{Level, LogQuery, LogRecord, LogStore};
use az_core::memory::MemoryStore;
use az_core::task::TaskRepository;
use az_core::testing::sample::{
    DAY, always, at, budget, call_id, entry, hold, paid, task, task_id,
};
use az_core::{Error, Usd};
use az_data::sqlite::SqliteOptions;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::support::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_holds_never_overspend_a_budget() {
    const CAP: i64 = 1_000;
    let home = Home::new();
    let handles = [home.open(), home.open()];
    let cap = budget(Scope::Global, Period::Daily, CAP);
    handles[0].set_budget(&cap, at(0)).await.unwrap();
    let racers = (0..16).map(|racer: usize| {
        let store = handles[racer % 2].clone();
        tokio::spawn(async move {
            for n in 0..20 {
                let wanted = hold(&format!("t{racer}"), &format!("m{n}"), 13, 1);
                match store.hold(&wanted).await {
                    Ok(_) => {}
                    Err(Error::BudgetExceeded { .. }) => continue,
                    Err(other) => panic!("{other:?}"),
                }
                let status = store.budgets(at(1)).await.unwrap().remove(0);
                assert!(status.spent.plus(status.held) <= cap_of(CAP), "{status:?}");
                let settlement = if n % 3 == 0 { Settlement::Full } else { paid(11) };
                store.settle(&wanted.payer, &wanted.call, &settlement).await.unwrap();
            }
        })
    });
    for racer in futures_util::future::join_all(racers).await {
        racer.unwrap();
    }
    let status = handles[1].budgets(at(1)).await.unwrap().remove(0);
    let booked = handles[1].entries(always(), None).await.unwrap();
    let sum: Usd = booked.iter().filter_map(|entry| entry.charge.cost).sum();
    assert_eq!((status.spent, status.held), (sum, Usd::ZERO));
    assert!(sum <= cap_of(CAP) && sum > cap_of(CAP - 13), "{sum}");
}

#[tokio::test]
async fn a_change_of_the_calendar_keeps_spent_amounts() {
    let home = Home::new();
    let day = budget(Scope::Global, Period::Daily, 100);
    let greenwich = home.open();
    let zone = TimeZone::fixed(jiff::tz::offset(-8));
    let pacific = home.open_with(SqliteOptions::default().with_calendar(Calendar::new(zone)));
    greenwich.set_budget(&day, at(0)).await.unwrap();
    // Both days contain these minutes, and both are counted from now on.
    let minute = 9 * 60;
    let stores = [&greenwich, &pacific, &greenwich, &pacific];
    for (n, store) in stores.into_iter().enumerate() {
        let taken = hold("t", &format!("m{n}"), 20, minute);
        store.hold(&taken).await.unwrap();
        for store in [&greenwich, &pacific] {
            let status = store.budgets(at(minute)).await.unwrap().remove(0);
            let used = 10 * i64::try_from(n).unwrap() + 20;
            assert_eq!(status.used(), cap_of(used), "{n}");
        }
        store.settle(&taken.payer, &taken.call, &paid(10)).await.unwrap();
    }
    for store in [&greenwich, &pacific] {
        let status = store.budgets(at(minute)).await.unwrap().remove(0);
        assert_eq!((status.spent, status.held), (cap_of(40), Usd::ZERO));
        let refused = store.hold(&hold("t", "m9", 61, minute)).await;
        assert!(matches!(refused, Err(Error::BudgetExceeded { .. })), "{refused:?}");
    }
}

fn cap_of(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

/// An operation that changes amounts.
#[derive(Debug, Clone)]
enum Step {
    Set(Budget),
    Clear(Scope, Period),
    Hold { task: usize, call: u8, model: &'static str, amount: Option<i64>, minute: i64 },
    Settle { task: usize, call: u8, settlement: Settlement },
    Track { task: usize, call: u8, cost: i64, minute: i64 },
    Sweep(i64),
    Reconcile { task: usize, call: u8, decision: Decision },
    Delete(usize),
}

/// A task, a part of it, a part of that, and an unrelated one.
const TASKS: [(&str, Option<&str>); 4] =
    [("a", None), ("b", Some("a")), ("c", Some("b")), ("d", None)];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let scope = prop_oneof![
        Just(Scope::Global),
        Just(Scope::Model("m".to_owned())),
        (0..4_usize).prop_map(|task| Scope::task(task_id(TASKS[task].0))),
    ];
    let period = prop::sample::select(Period::ALL);
    let limit = prop_oneof![Just(Limit::Hard), Just(Limit::Soft)];
    let set = (scope.clone(), period.clone(), 1..60_i64, limit).prop_map(
        |(scope, period, nanos, limit)| Budget {
            alerts: vec![50, 80, 100],
            limit,
            ..budget(scope, period, nanos)
        },
    );
    let (task, call, minute) = (0..4_usize, 0..6_u8, -1..2_i64);
    let minute = minute.prop_map(|day| day * DAY + 30);
    let amount = prop::option::weighted(0.9, 0..20_i64);
    let model = prop::sample::select(vec!["m", "n"]);
    let settlement = prop_oneof![
        (0..25_i64).prop_map(paid),
        Just(Settlement::paid(None, Usage::tokens(1, 1))),
        Just(Settlement::Full),
        Just(Settlement::Nothing),
    ];
    let decision = prop_oneof![
        Just(Decision::Released),
        Just(Decision::Confirmed(None)),
        (-1..25_i64).prop_map(|nanos| Decision::Confirmed(Some(Usd::from_nanos(nanos)))),
    ];
    let step = prop_oneof![
        3 => set.prop_map(Step::Set),
        1 => (scope, period).prop_map(|(scope, period)| Step::Clear(scope, period)),
        6 => (task.clone(), call.clone(), model, amount, minute.clone()).prop_map(
            |(task, call, model, amount, minute)| Step::Hold { task, call, model, amount, minute }
        ),
        5 => (task.clone(), call.clone(), settlement).prop_map(
            |(task, call, settlement)| Step::Settle { task, call, settlement }
        ),
        4 => (task.clone(), call.clone(), decision).prop_map(
            |(task, call, decision)| Step::Reconcile { task, call, decision }
        ),
        2 => (task.clone(), call, 0..9_i64, minute.clone()).prop_map(
            |(task, call, cost, minute)| Step::Track { task, call, cost, minute }
        ),
        1 => minute.prop_map(Step::Sweep),
        // Only one without parts: a new part of a deleted task has no parent.
        1 => (2..4_usize).prop_map(Step::Delete),
    ];
    prop::collection::vec(step, 1..30)
}

async fn take(store: &dyn RunStore, step: &Step) -> String {
    let result = match step.clone() {
        Step::Set(budget) => format!("{:?}", store.set_budget(&budget, at(0)).await),
        Step::Clear(scope, period) => format!("{:?}", store.clear_budget(&scope, period).await),
        Step::Hold { task, call, model, amount, minute } => {
            let mut wanted = hold(TASKS[task].0, &format!("m{call}"), 0, minute);
            wanted.amount = amount.map(Usd::from_nanos);
            wanted.model = model.to_owned();
            format!("{:?}", store.hold(&wanted).await)
        }
        Step::Settle { task, call, settlement } => {
            let (task, call) = (task_id(TASKS[task].0), call_id(&format!("m{call}")));
            format!("{:?}", store.settle(&task.into(), &call, &settlement).await)
        }
        Step::Track { task, call, cost, minute } => {
            let booked = entry(TASKS[task].0, &format!("m{call}"), cost, minute);
            format!("{:?}", store.book(&booked).await)
        }
        Step::Reconcile { task, call, decision } => {
            let (task, call) = (task_id(TASKS[task].0), call_id(&format!("m{call}")));
            let decided = Reconciliation::new(task.into(), call, decision, at(DAY));
            format!("{:?}", store.reconcile(&decided).await)
        }
        Step::Sweep(minute) => format!("{:?}", store.sweep(at(minute)).await),
        Step::Delete(task) => {
            format!("{:?}", store.delete(&task_id(TASKS[task].0), at(DAY)).await)
        }
    };
    let day = TimeRange { start: at(0), end: at(DAY) };
    let mut sums = Vec::new();
    for by in [Grouping::All, Grouping::Model, Grouping::Task, Grouping::Day(Calendar::default())] {
        sums.push(store.sums(always(), &by).await);
    }
    let mut tasks = Vec::new();
    for (id, _) in TASKS {
        tasks.push((store.get(&task_id(id)).await, store.cost_by_task(&task_id(id)).await));
    }
    format!(
        "{result}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{tasks:?}\n{sums:?}",
        store.budgets(at(30)).await,
        store.budgets(at(30 - DAY)).await,
        store.open_holds().await,
        store.uncertain(always(), None).await,
        store.total_in(day).await,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn amounts_agree_with_the_reference_implementation(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let (reference, mut store) = (MemoryStore::new(), home.open());
            for (id, parent) in TASKS {
                let mut task = task(id, 0);
                task.parent_task_id = parent.map(task_id);
                reference.create(&task).await.unwrap();
                store.create(&task).await.unwrap();
            }
            let mut deleted = Vec::new();
            for (n, step) in steps.iter().enumerate() {
                match step {
                    // A deleted task spends nothing more; its earlier spending still counts.
                    Step::Hold { task, .. } | Step::Track { task, .. } if deleted.contains(task) => continue,
                    Step::Delete(task) => deleted.push(*task),
                    _ => {}
                }
                if n % 7 == 6 {
                    drop(store);
                    store = home.open();
                }
                assert_eq!(take(&store, step).await, take(&reference, step).await, "{step:?}");
            }
        });
    }
}

#[tokio::test]
async fn an_alert_is_logged_each_time_it_is_reported() {
    let home = Home::new();
    let store = home.open();
    let cap = Budget { alerts: vec![50], ..budget(Scope::Global, Period::Daily, 100) };
    store.set_budget(&cap, at(0)).await.unwrap();
    let mut reported = Vec::new();
    for n in 0..3 {
        let taken = hold("t", &format!("m{n}"), 30, 1);
        reported.extend(store.hold(&taken).await.unwrap());
        reported.extend(store.settle(&taken.payer, &taken.call, &paid(30)).await.unwrap());
    }
    let query = LogQuery { text: Some("budget".to_owned()), ..LogQuery::default() };
    let logged = home.open().query(&query).await.unwrap();
    let record = LogRecord {
        at: at(1),
        level: Level::Warn,
        target: "budget".to_owned(),
        task: Some(task_id("t")),
        message: "budget global daily: 50% of $0.0000001 reached ($0.00000006 used or held)"
            .to_owned(),
    };
    assert_eq!((reported.len(), logged), (1, vec![record]));
}

#[tokio::test]
async fn a_decision_about_an_uncertain_entry_is_logged() {
    let home = Home::new();
    let store = home.open();
    let taken = hold("t", "m0", 30, 1);
    store.hold(&taken).await.unwrap();
    store.settle(&taken.payer, &taken.call, &Settlement::Full).await.unwrap();
    let released = Reconciliation::new(taken.payer, taken.call, Decision::Released, at(2));
    for _ in 0..2 {
        store.reconcile(&released).await.unwrap();
    }
    let record = LogRecord {
        at: at(2),
        level: Level::Info,
        target: "ledger".to_owned(),
        task: Some(task_id("t")),
        message: "$0.00000003 of task:t/m0 (m of p), which was uncertain, is released".to_owned(),
    };
    assert_eq!(home.open().query(&LogQuery::default()).await.unwrap(), [record]);
}
