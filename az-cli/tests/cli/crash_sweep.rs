//! The real binary, killed at every point of a run and at pairs of points: after resuming, no step
//! is lost, nothing unsafe was done twice, no money is held or forgotten. And mutants that break
//! one rule each, to prove that the sweep would notice.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use az_cli::Wiring;
use az_cli::config::Env;

use crate::mutants;
use crate::support::{Az, Ended};
use crate::world::World;

/// How the binary is started: as it is, or as a mutant of it.
#[derive(Debug, Clone, Copy)]
enum Binary {
    Az,
    Mutant(&'static str),
}

impl Binary {
    fn world(self) -> World {
        World::new(match self {
            Self::Az => Az::new(),
            Self::Mutant(name) => {
                Az::of(std::env::current_exe().unwrap()).with_var("AZ_TEST_MUTANT", name)
            }
        })
    }

    /// Runs a command, to be killed at this passage of a crash point.
    fn run(self, world: &World, args: &[String], kill_at: Option<usize>) -> Ended {
        let mut command = match self {
            Self::Az => world.az.command(args),
            Self::Mutant(_) => {
                let mut command = world.az.command(["crash_sweep::act_as_a_mutant", "--exact"]);
                command.env("AZ_TEST_ARGS", serde_json::to_string(args).unwrap());
                command
            }
        };
        if let Some(passage) = kill_at {
            command.env("AZ_FAILPOINT", passage.to_string());
        }
        command.output().unwrap().into()
    }

    /// Runs the task, killing it at these passages one after another, then lets it end.
    fn survive(self, kills: &[usize]) -> Vec<String> {
        let world = self.world();
        let mut before = Vec::new();
        let mut begun = false;
        for kill in kills {
            self.run(&world, &next_args(&world, begun), Some(*kill));
            if let Some((_, events)) = world.record() {
                begun = true;
                before.push(events);
            }
        }
        let last = self.run(&world, &next_args(&world, begun), None);
        let mut wrong = world.violations(&before);
        if !wrong.is_empty() {
            wrong.push(format!("killed at {kills:?}; the last run said {}", last.stderr));
        }
        wrong
    }
}

fn next_args(world: &World, begun: bool) -> Vec<String> {
    match world.record().filter(|_| begun) {
        Some((task, _)) => ["task", "resume", task.id.as_str()].map(str::to_owned).to_vec(),
        None => world.run_args(),
    }
}

/// Returns how many crash points an uninterrupted run passes.
fn passages() -> usize {
    let world = Binary::Az.world();
    let mut command = world.az.command(world.run_args());
    let output = command.env("AZ_FAILPOINT", "trace").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(world.violations(&[]), [] as [String; 0]);
    stderr.lines().filter(|line| line.starts_with("point ")).count()
}

/// Runs all cases on all cores; returns what was wrong in any of them.
fn sweep(cases: Vec<Vec<usize>>) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let (cases, next) = (Arc::new(cases), Arc::new(AtomicUsize::new(0)));
    let workers = (0..cores).map(|_| {
        let (cases, next) = (Arc::clone(&cases), Arc::clone(&next));
        std::thread::spawn(move || {
            let mut wrong = Vec::new();
            while let Some(kills) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                wrong.extend(Binary::Az.survive(kills));
            }
            wrong
        })
    });
    let workers: Vec<_> = workers.collect();
    workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
}

#[test]
fn no_work_is_lost_or_repeated_wherever_the_process_is_killed() {
    const { assert!(az_core::failpoint::AVAILABLE, "tests are built with crash points") };
    let passages = passages();
    assert!(passages >= 70, "only {passages} crash points");
    let once: Vec<_> = (1..=passages).map(|at| vec![at]).collect();
    // The second kill is counted from where the resumed run begins; strides that share no divisor
    // spread the pairs over both.
    let twice: Vec<_> = (0..200).map(|i| vec![1 + i * 7 % passages, 1 + i * 11 % 60]).collect();
    eprintln!("{} crashes, {} double crashes", once.len(), twice.len());
    let wrong = sweep(once.into_iter().chain(twice).collect());
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn every_seeded_mutant_is_caught() {
    let passages = passages();
    for name in mutants::NAMES {
        let caught = (1..=passages).find(|at| !Binary::Mutant(name).survive(&[*at]).is_empty());
        assert!(caught.is_some(), "nothing noticed the mutant {name}");
        eprintln!("the mutant {name} is caught at crash point {}", caught.unwrap());
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
