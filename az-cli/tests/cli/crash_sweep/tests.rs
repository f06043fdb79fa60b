use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use az_cli::Wiring;
use az_cli::config::Env;

use super::document::{self, FULL, crash_points};
use super::elsewhere;
use super::mutants;
use super::play::{Binary, Played, play};
use super::scenario::{Scenario, sample};
use super::table::Table;
use super::world::World;
use crate::support::in_threads;

/// How many scenarios there are unless `AZ_SWEEP` says otherwise, which is a number of scenarios, or
/// scenarios themselves, separated by blanks.
const SCENARIOS: usize = 400;

/// From so many scenarios on, every crash point is one at which a process was stopped.
const EVERY_POINT: usize = 2_000;

/// How many failed scenarios end the sweep.
const MAX_FAILURES: usize = 20;

/// Returns the names of the crash points that an uninterrupted run passes, in their order.
pub(super) fn passages() -> Vec<String> {
    let world = World::new();
    let mut command = world.az.command(world.next_args());
    let output = command.env("AZ_FAILPOINT", "trace").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let points = stderr.lines().filter_map(|line| line.strip_prefix("point ")?.split_once(' '));
    points.map(|(_, name)| name.to_owned()).collect()
}

/// Returns the scenarios to play.
fn scenarios(passages: usize) -> Vec<Scenario> {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse().ok());
    let seed = number("AZ_SWEEP_SEED").unwrap_or(1);
    match std::env::var("AZ_SWEEP") {
        Ok(text) if text.contains('@') => {
            text.split_whitespace().map(|scenario| scenario.parse().unwrap()).collect()
        }
        _ => sample(number("AZ_SWEEP").map_or(SCENARIOS, |n| n as usize), passages, seed),
    }
}

/// The results of the scenarios that were played.
#[derive(Default)]
struct Results {
    played: usize,
    table: Table,
    /// The crash points at which a process was stopped.
    points: BTreeSet<String>,
    /// What was wrong in each scenario that failed.
    failed: Vec<String>,
}

impl Results {
    fn add(&mut self, scenario: &Scenario, played: &Played) {
        self.played += 1;
        self.table.add(scenario, played);
        self.points.extend(played.points.iter().cloned());
        if self.played.is_multiple_of(1000) {
            eprintln!("{} scenarios played", self.played);
        }
        if played.violations.is_empty() {
            return;
        }
        let wrong: Vec<_> = played.violations.iter().map(|wrong| wrong.text.as_str()).collect();
        let command = "cargo test --workspace --test cli crash_sweep::tests::nothing";
        let text = format!("{}\nplay it again: AZ_SWEEP={scenario} {command}", wrong.join("\n"));
        eprintln!("{text}");
        self.failed.push(text);
    }
}

/// Plays all scenarios, several at once: they wait for processes most of the time.
fn sweep(scenarios: &[Scenario]) -> Results {
    let threads = 5 * std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Results::default());
    in_threads(threads, |_| {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut played = play(Binary::Az, scenario);
            if played.hung {
                // Perhaps only because the machine is busy.
                played = play(Binary::Az, scenario);
            }
            let mut results = results.lock().unwrap();
            results.add(scenario, &played);
            if results.failed.len() >= MAX_FAILURES {
                break;
            }
        }
    });
    results.into_inner().unwrap()
}

#[test]
fn nothing_is_lost_or_repeated_or_unpaid_however_the_process_dies() {
    const { assert!(az_core::failpoint::AVAILABLE, "tests are built with crash points") };
    let passages = passages().len();
    assert!(passages >= 300, "only {passages} crash points are passed");
    let scenarios = scenarios(passages);
    let begun = Instant::now();
    let Results { played, table, points, failed } = sweep(&scenarios);
    let (took, table) = (begun.elapsed().as_secs(), table.markdown());
    eprintln!("{played} scenarios over {passages} passages in {took} s\n{table}");
    assert_eq!(failed, [] as [String; 0]);
    let mut missed = crash_points();
    missed.retain(|point| !points.contains(point) && !elsewhere::POINTS.contains(&point.as_str()));
    eprintln!("crash points at which no process was stopped: {missed:?}");
    assert!(missed.is_empty() || scenarios.len() < EVERY_POINT, "no scenario stops at {missed:?}");
    if scenarios.len() >= FULL && std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        document::hold("sweep", &format!("\n{table}"));
    }
}

#[test]
fn every_seeded_mutant_is_caught() {
    let passages = passages();
    for mutant in mutants::MUTANTS {
        let caught = mutant.scenarios(&passages).into_iter().find_map(|scenario| {
            let wrong =
                play(Binary::Mutant(mutant.name), &scenario).violations.into_iter().next()?;
            Some(format!("{scenario}: {}", wrong.text))
        });
        let caught = caught.unwrap_or_else(|| panic!("nothing noticed the mutant {}", mutant.name));
        eprintln!("the rule that {} is broken in {}: {caught}", mutant.rule, mutant.name);
    }
}

/// Not a test of its own: this test binary, started as `az` with one rule broken.
#[test]
fn act_as_a_mutant() {
    let (Ok(name), Ok(args)) = (std::env::var("AZ_TEST_MUTANT"), std::env::var("AZ_TEST_ARGS"))
    else {
        return;
    };
    let args: Vec<String> = serde_json::from_str(&args).unwrap();
    let args = std::iter::once("az".to_owned()).chain(args).map(OsString::from);
    let wiring: Wiring = mutants::wiring(&name);
    let code = az_cli::run_wired(args, &Env::read(), &wiring);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}
