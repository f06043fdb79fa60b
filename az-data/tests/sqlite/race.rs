//! Budgets used by concurrent processes, and the holds of killed ones.

use std::collections::BTreeMap;
use std::process::Child;
use std::thread;
use std::time::Duration;

use az_core::cost::{
    Budget, BudgetKeeper, CostTracker, Hold, Payer, Period, Scope, Settlement, TimeRange,
};
use az_core::testing::sample::{DAY, always, at, budget, hold, paid};
use az_core::{CallId, Error, Usd};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

use crate::child::{self, Dice, Part, lines, say};
use crate::support::Home;

/// The number of processes, and of holders in each.
const PROCESSES: u64 = 4;
const HOLDERS: u64 = 32;

/// The budget of each of two days, in nano-dollars.
const CAP: i64 = 300_000_000;
/// The number of attempts of each holder.
const TRIES: u64 = 80;
/// The smallest hold of the race.
const SMALLEST: i64 = 1_000;
/// Minutes just before and just after midnight.
const DAYS: [i64; 2] = [DAY - 1, DAY + 1];

/// Opens the store of a child, with a long timeout for a slow disk that all children use.
fn store_of(told: &Part) -> SqliteStore {
    let patient = SqliteOptions::default().with_busy_timeout(Duration::from_secs(120));
    SqliteStore::open(&told.path, patient).unwrap()
}

/// Returns a hold of one of the holders of one of the processes.
fn wanted(process: u64, holder: u64, n: u64, nanos: i64, minute: i64) -> Hold {
    hold(&format!("t{process}.{holder}"), &format!("m{n}"), nanos, minute)
}

/// Takes a hold and settles it, unless it is refused; prints its alerts.
async fn try_once(store: &SqliteStore, wanted: &Hold, settlement: &Settlement) -> bool {
    let mut alerts = match store.hold(wanted).await {
        Ok(alerts) => alerts,
        Err(Error::BudgetExceeded { .. }) => return false,
        Err(other) => panic!("{other:?}"),
    };
    alerts.extend(store.settle(&wanted.payer, &wanted.call, settlement).await.unwrap());
    for alert in alerts {
        say(&format!("alert {} of {}", alert.percent, wanted.at));
    }
    true
}

/// Takes random holds, then the rest in ever smaller ones; returns the number of attempts.
async fn compete(store: SqliteStore, process: u64, holder: u64) -> u64 {
    let mut dice = Dice(process * HOLDERS + holder);
    let mut tries = 0;
    while tries < TRIES {
        let amount = 1 + dice.below(400_000);
        let minute = DAYS[usize::from(dice.below(2) == 1)];
        let settlement = match dice.below(10) {
            0 => Settlement::Nothing,
            1 => Settlement::Full,
            _ => paid(dice.below(amount + 1)),
        };
        try_once(&store, &wanted(process, holder, tries, amount, minute), &settlement).await;
        tries += 1;
    }
    for minute in DAYS {
        for amount in (0..=8).rev().map(|doubled| SMALLEST << doubled) {
            loop {
                tries += 1;
                let wanted = wanted(process, holder, tries, amount, minute);
                if !try_once(&store, &wanted, &Settlement::Full).await {
                    break;
                }
            }
        }
    }
    tries
}

async fn race(told: &Part) {
    let store = store_of(told);
    let holders = (0..HOLDERS).map(|n| tokio::spawn(compete(store.clone(), told.number, n)));
    let tries: u64 = join_all(holders).await.into_iter().map(Result::unwrap).sum();
    say(&format!("tries {tries}"));
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for those who run it with --nocapture")]
fn processes_that_race_for_a_budget_never_overspend_it() {
    const NAME: &str = "race::processes_that_race_for_a_budget_never_overspend_it";
    let runtime = Runtime::new().unwrap();
    if let Some(told) = child::part() {
        return runtime.block_on(race(&told));
    }
    let home = Home::new();
    let store = home.open();
    let cap = Budget { alerts: vec![50, 80], ..budget(Scope::Global, Period::Daily, CAP) };
    runtime.block_on(store.set_budget(&cap, at(0))).unwrap();
    let children: Vec<_> = (0..PROCESSES).map(|n| child::start(NAME, n, &home.path())).collect();
    let listeners = children.into_iter().map(|child| thread::spawn(|| listen(child)));
    let said = listeners.collect::<Vec<_>>().into_iter().flat_map(|child| child.join().unwrap());
    let (mut alerts, tries): (Vec<_>, Vec<_>) = said.partition(|line| line.starts_with("alert"));
    let tries: u64 = tries.iter().map(|line| line["tries ".len()..].parse::<u64>().unwrap()).sum();

    assert!(tries >= 10_000, "{tries}");
    alerts.sort();
    let once = [50, 80].map(|mark| DAYS.map(|day| format!("alert {mark} of {}", at(day))));
    assert_eq!(alerts, once.concat(), "each mark is reported once on each day");
    runtime.block_on(async {
        assert_eq!(store.open_holds().await.unwrap(), []);
        for (n, minute) in DAYS.into_iter().enumerate() {
            let status = store.budgets(at(minute)).await.unwrap().remove(0);
            let booked = store.entries(status.span, None).await.unwrap();
            let rows: Usd = booked.iter().filter_map(|entry| entry.charge.cost).sum();
            let total = store.total_in(status.span).await.unwrap();
            assert_eq!((status.spent, rows, status.held), (total, total, Usd::ZERO), "day {n}");
            let left = CAP - total.nanos();
            assert!((0..SMALLEST).contains(&left), "{left} of day {n} are left");
            println!(
                "day {n}: {} calls, {total} of {} spent, {left} nano-dollars left ({:.5} % used)",
                booked.len(),
                Usd::from_nanos(CAP),
                100.0 * total.nanos() as f64 / CAP as f64,
            );
        }
    });
    println!("{PROCESSES} processes of {HOLDERS} holders: {tries} tries, alerts {alerts:?}");
}

/// Returns the lines of a child that must end successfully.
fn listen(mut child: Child) -> Vec<String> {
    let said = lines(&mut child).collect();
    assert!(child.wait().unwrap().success());
    said
}

/// Takes holds and settles half of them, until it is killed.
async fn hold_on(store: SqliteStore, process: u64, holder: u64) {
    let mut dice = Dice(process * HOLDERS + holder);
    for n in 0.. {
        let taken = wanted(process, holder, n, 1 + dice.below(1_000), 1);
        store.hold(&taken).await.unwrap();
        let Hold { payer, call, amount, .. } = &taken;
        let name = format!("{payer} {call}");
        say(&format!("taken {name} {}", amount.unwrap().nanos()));
        if dice.below(2) == 1 {
            let cost = dice.below(1_000);
            say(&format!("settling {name} {cost}"));
            store.settle(payer, call, &paid(cost)).await.unwrap();
            say(&format!("settled {name} {cost}"));
        }
    }
}

async fn hold_all(told: &Part) {
    let store = store_of(told);
    let holders = (0..HOLDERS).map(|n| tokio::spawn(hold_on(store.clone(), told.number, n)));
    join_all(holders).await;
}

/// The amounts that a child printed for one of its calls, in nano-dollars.
#[derive(Debug, Default)]
struct Said {
    taken: i64,
    settling: Option<i64>,
    settled: Option<i64>,
}

/// Reads the lines of a child, and kills it once this number of its calls are open.
fn kill_at(mut child: Child, open: usize) -> BTreeMap<(Payer, CallId), Said> {
    let mut calls: BTreeMap<_, Said> = BTreeMap::new();
    for line in lines(&mut child) {
        let words: Vec<_> = line.split(' ').collect();
        let key = (words[1].parse().unwrap(), CallId::new(words[2]).unwrap());
        let nanos: i64 = words[3].parse().unwrap();
        let call = calls.entry(key).or_default();
        match words[0] {
            "taken" => call.taken = nanos,
            "settling" => call.settling = Some(nanos),
            _ => call.settled = Some(nanos),
        }
        if calls.values().filter(|call| call.settling.is_none()).count() == open {
            // The child cannot handle or delay SIGKILL.
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    calls
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for those who run it with --nocapture")]
fn holds_of_killed_processes_are_booked_in_full() {
    const NAME: &str = "race::holds_of_killed_processes_are_booked_in_full";
    let runtime = Runtime::new().unwrap();
    if let Some(told) = child::part() {
        // It ends when it is killed, or when its parent has ended.
        runtime.block_on(hold_all(&told));
        return;
    }
    let home = Home::new();
    let store = home.open();
    let cap = budget(Scope::Global, Period::Total, 1_000_000_000);
    runtime.block_on(store.set_budget(&cap, at(0))).unwrap();
    let mut dice = Dice(PROCESSES);
    let killers: Vec<_> = (0..PROCESSES)
        .map(|n| {
            let child = child::start(NAME, n, &home.path());
            let open = 30 + usize::try_from(dice.below(60)).unwrap();
            thread::spawn(move || kill_at(child, open))
        })
        .collect();
    let said: BTreeMap<_, _> = killers.into_iter().flat_map(|k| k.join().unwrap()).collect();
    runtime.block_on(async {
        let open = store.open_holds().await.unwrap().len();
        assert!(open >= 100, "only {open} holds were open");
        assert_eq!(store.sweep(at(60)).await.unwrap(), 0, "their time is not over");
        assert_eq!(store.sweep(at(61)).await.unwrap(), open);
        assert_eq!(store.open_holds().await.unwrap(), []);

        let entries = store.entries(always(), None).await.unwrap();
        let rows: Usd = entries.iter().filter_map(|entry| entry.charge.cost).sum();
        let booked: BTreeMap<_, _> = entries
            .into_iter()
            .map(|e| ((e.payer, e.call), e.charge.cost.unwrap().nanos()))
            .collect();
        for (call, Said { taken, settling, settled }) in &said {
            let cost = booked.get(call).copied();
            let expected = match (settled, settling) {
                (Some(settled), _) => cost == Some(*settled),
                // It was killed before it printed whether the settlement was made.
                (None, Some(settling)) => cost == Some(*settling) || cost == Some(*taken),
                (None, None) => cost == Some(*taken),
            };
            assert!(expected, "{call:?} is booked as {cost:?}: {settled:?} {settling:?} {taken}");
        }
        let status = store.budgets(at(61)).await.unwrap().remove(0);
        let total = store.total_in(TimeRange::ALL).await.unwrap();
        assert_eq!((status.spent, rows, status.held), (total, total, Usd::ZERO));
        let heard = said.values().filter(|call| call.settled.is_some()).count();
        println!(
            "{PROCESSES} processes killed with {open} holds open: {} calls taken, {heard} settled, \
             {} booked, {total} in the ledger, 0 under-counted",
            said.len(),
            booked.len(),
        );
    });
}
