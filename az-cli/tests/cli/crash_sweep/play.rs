//! Plays a scenario on the real binary.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use az_core::TaskStatus;
use az_core::journal::Event;
use rustix::process::Signal;

use super::process::{HUNG, PATIENCE, Process, Reached};
use super::scenario::{Crash, Death, Scenario, Trouble};
use super::trouble::{self, BUSY_MILLIS, Edit, Twin};
use super::verdict::{Violation, ViolationKind, violations};
use super::world::{EFFECTS, Effect, World};

/// The lease of a process whose task is taken over.
const LEASE: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);

/// The crash points at which a process has a result that is not on record yet.
const RESULT_IN_HAND: [&str; 4] = ["model.called", "model.result", "tool.called", "tool.result"];

/// How the binary is started: as it is, or as a mutant of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Binary {
    Az,
    Mutant(&'static str),
}

/// What a scenario showed.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// How many of its crashes happened; a run that ends before the second crash point has only one.
    pub(super) crashes: usize,
    /// The crash points at which a process was stopped.
    pub(super) points: BTreeSet<String>,
    /// How many calls have an unknown outcome.
    pub(super) unknown: usize,
    /// Whether a process took too long.
    pub(super) hung: bool,
    pub(super) violations: Vec<Violation>,
}

/// A process that is stopped while its task is taken over.
#[derive(Debug)]
struct Stopped {
    process: Process,
    epoch: i64,
    /// The number of edits before those that were made while it was stopped.
    edits: usize,
}

/// What happened while a scenario was played.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) world: World,
    binary: Binary,
    stopped: Option<Stopped>,
    /// Processes without a lease that wait for a lock which another stopped process holds.
    waiting: Vec<Process>,
    pub(super) twins: Vec<Twin>,
    pub(super) edits: Vec<Edit>,
    locks: Vec<JoinHandle<()>>,
    /// Whether something may have been interrupted: a process ended, other than with a result in hand that
    /// it has to keep until the database is unlocked.
    pub(super) interrupted: bool,
    /// Whether files may be lost that no one has synced, such as those of shell commands.
    pub(super) power_was_cut: bool,
    /// The record as it was found after each crash.
    pub(super) before: Vec<Vec<Event>>,
    hung: bool,
    points: BTreeSet<String>,
    wrong: Vec<Violation>,
}

impl Binary {
    pub(super) fn command(self, world: &World, args: &[String]) -> Command {
        let mut command = match self {
            Self::Az => world.az.command(args),
            Self::Mutant(name) => {
                let itself = std::env::current_exe().unwrap();
                let test = ["crash_sweep::tests::act_as_a_mutant", "--exact", "--nocapture"];
                let mut command = world.az.command_of(&itself, test);
                command.env("AZ_TEST_MUTANT", name);
                // A command that begins in a sandbox may be stopped before it does anything, so that no
                // outcome would be wrong.
                command.env("AZ_SANDBOX_TIER", "off");
                command.env("AZ_TEST_ARGS", serde_json::to_string(args).unwrap());
                command
            }
        };
        command.env("AZ_CLOCK_SHIFT", world.clock_shift());
        command
    }
}

/// Plays a scenario; returns what was wrong afterwards.
pub(super) fn play(binary: Binary, scenario: &Scenario) -> Played {
    let mut play = Play::new(World::new(), binary);
    let crashes = scenario.0.iter().filter(|crash| play.crash(**crash)).count();
    play.finish();
    let mut played = violations(&play);
    played.crashes = crashes;
    played.hung = play.hung;
    played.points = play.points;
    played.violations.append(&mut play.wrong);
    if !played.violations.is_empty() {
        let said = fs::read_to_string(play.world.stderr()).unwrap_or_default();
        let detail = Violation::new(ViolationKind::Detail, format!("{scenario}: {said}"));
        played.violations.push(detail);
    }
    played
}

impl Play {
    pub(super) const fn new(world: World, binary: Binary) -> Self {
        Self {
            world,
            binary,
            stopped: None,
            waiting: Vec::new(),
            twins: Vec::new(),
            edits: Vec::new(),
            locks: Vec::new(),
            interrupted: false,
            power_was_cut: false,
            before: Vec::new(),
            hung: false,
            points: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    fn start(&self, crash: Option<Crash>) -> Process {
        let mut command = self.binary.command(&self.world, &self.world.next_args());
        if let Some(crash) = crash {
            command.env("AZ_FAILPOINT", format!("stop:{}", crash.passage));
            if crash.death == Death::Takeover {
                command.env("AZ_LEASE_MS", LEASE.as_millis().to_string());
            }
            if crash.trouble == Trouble::LockedDatabase && crash.death != Death::Kill {
                command.env("AZ_DB_BUSY_MS", BUSY_MILLIS);
            }
        }
        Process::start(command, &self.world.stderr())
    }

    /// Runs the task up to a crash; returns `false` if the run ended before its crash point.
    fn crash(&mut self, crash: Crash) -> bool {
        let process = self.start(Some(crash));
        let mut reached = process.wait_for(if self.stopped.is_some() { PATIENCE } else { LONG });
        // A process that was taken over continues now; if the new one waits for its lock, beside it.
        self.continue_stopped(reached);
        if reached == Reached::Nothing {
            reached = process.wait_for(LONG);
        }
        if reached != Reached::Point {
            // On a busy machine, it may have lost its lease.
            self.interrupted = true;
            self.end(process);
            return false;
        }
        let stopped_at = Instant::now();
        let point = self.world.point();
        self.points.insert(point.clone());
        let is_in_hand = RESULT_IN_HAND.contains(&point.as_str()) && crash.death != Death::Kill;
        self.interrupted |= !is_in_hand || crash.trouble != Trouble::LockedDatabase;
        let edits = self.edits.len();
        self.make_trouble(crash, process.id());
        match crash.death {
            Death::Kill => process.signal(Signal::KILL),
            Death::Terminate => {
                process.signal(Signal::TERM);
                process.signal(Signal::CONT);
            }
            Death::Takeover => {
                std::thread::sleep(LEASE.saturating_sub(stopped_at.elapsed()));
                self.leave(process, crash, edits);
                return true;
            }
        }
        self.end(process);
        self.end_others();
        if crash.death == Death::Kill {
            self.settle_edits(edits);
        }
        self.before.extend(self.world.record().map(|(_, events)| events));
        true
    }

    /// Leaves a stopped process for the next one to take its task over. Without a record, and with a
    /// locked database, there is nothing to take over: the process continues with an expired lease.
    fn leave(&mut self, process: Process, crash: Crash, edits: usize) {
        match self.world.progress() {
            Some(at) if crash.trouble != Trouble::LockedDatabase => {
                self.stopped = Some(Stopped { process, epoch: at.epoch, edits });
            }
            _ => {
                if crash.trouble == Trouble::LockedDatabase {
                    self.locks.push(trouble::lock_database(&self.world));
                }
                process.signal(Signal::CONT);
                self.end(process);
            }
        }
    }

    /// Lets the process continue whose task was taken over. It may change nothing, which is checked unless
    /// the process that has the task (`owner`) may change something meanwhile.
    fn continue_stopped(&mut self, owner: Reached) {
        let Some(Stopped { process, epoch, edits }) = self.stopped.take() else { return };
        let progress = self.world.progress();
        let taken_over = progress.is_some_and(|at| at.epoch > epoch);
        // The command of a stopped process continues.
        let has_command =
            progress.is_some_and(|at| at.begun && matches!(EFFECTS[at.effect], Effect::Shell(_)));
        let is_quiet = owner == Reached::End || owner == Reached::Point && !has_command;
        let alone = is_quiet && !self.twins.iter().any(Twin::is_running);
        let before = self.world.files();
        process.signal(Signal::CONT);
        let ended = process.wait_for(PATIENCE) == Reached::End;
        let after = self.world.files();
        if ended {
            self.end(process);
        } else {
            self.waiting.push(process);
        }
        if taken_over && alone && after != before {
            let text = format!("a process without a lease acted: {before:?} became {after:?}");
            self.wrong.push(Violation::new(ViolationKind::Twice, text));
        }
        if taken_over {
            self.settle_edits(edits);
        }
        if ended {
            self.end_others();
        }
        self.before.extend(self.world.record().map(|(_, events)| events));
    }

    fn make_trouble(&mut self, crash: Crash, process: u32) {
        let at = self.world.progress();
        match (crash.trouble, at) {
            (Trouble::SameBytes, Some(at)) => {
                let mut twin = Twin::start(&self.world, self.twins.len(), at);
                if !trouble::is_locked(&self.world, at) {
                    self.note(twin.join());
                }
                self.twins.push(twin);
            }
            (Trouble::OtherEdit, Some(at)) => {
                self.edits.push(Edit::make(&self.world, self.edits.len(), at));
            }
            // Not yet: the process stays stopped until its lease has expired.
            (Trouble::LockedDatabase, _) if crash.death == Death::Takeover => {}
            (Trouble::LockedDatabase, _) => {
                self.locks.push(trouble::lock_database(&self.world));
            }
            (Trouble::ClockJump, _) => {
                trouble::jump_clock(&self.world, !crash.passage.is_multiple_of(4));
                if crash.death != Death::Takeover {
                    self.try_to_steal(process);
                }
            }
            (Trouble::Alone | Trouble::SameBytes | Trouble::OtherEdit, _) => {}
        }
    }

    /// Lets a worker look for tasks while a process has the task; it must not claim it.
    fn try_to_steal(&mut self, owner: u32) {
        if !self.world.is_owner(owner) {
            return;
        }
        let args = ["worker", "run", "--until-idle"].map(str::to_owned);
        let mut command = self.binary.command(&self.world, &args);
        command.env("AZ_DB_BUSY_MS", BUSY_MILLIS);
        let process = Process::start(command, &self.world.stderr());
        self.end(process);
        if !self.world.is_owner(owner) {
            let text = "a worker claimed the task of a living one".to_owned();
            self.wrong.push(Violation::new(ViolationKind::Other, text));
        }
    }

    /// Resumes the task until it is completed.
    fn finish(&mut self) {
        self.resume();
        self.locks.drain(..).for_each(|lock| lock.join().unwrap());
    }

    fn resume(&mut self) {
        for _attempt in 0..8 {
            let process = self.start(None);
            let reached = process.wait_for(if self.stopped.is_some() { PATIENCE } else { LONG });
            self.continue_stopped(reached);
            self.end(process);
            self.end_others();
            if self.is_completed() {
                return;
            }
        }
    }

    fn is_completed(&self) -> bool {
        self.world.record().is_some_and(|(task, _)| task.status == TaskStatus::Completed)
    }

    /// Waits for the end of a process, and notes an exit that it should not have.
    fn end(&mut self, process: Process) {
        let code = process.wait();
        self.hung |= code == Some(HUNG);
        let is_usual = match code {
            // A test's process does not pass the exit code on.
            _ if matches!(self.binary, Binary::Mutant(_)) => true,
            // Ended by a signal, done, or to be tried again.
            None | Some(0 | 75) => true,
            // A completed task cannot be resumed.
            Some(2) => self.is_completed(),
            Some(_) => false,
        };
        if !is_usual {
            let text = format!("a process exited with {code:?}");
            self.wrong.push(Violation::new(ViolationKind::Other, text));
        }
    }

    /// Waits for the end of all processes that do not run the task.
    fn end_others(&mut self) {
        for process in std::mem::take(&mut self.waiting) {
            self.end(process);
        }
        let wrong: Vec<_> = self.twins.iter_mut().filter_map(Twin::join).collect();
        wrong.into_iter().for_each(|wrong| self.note(Some(wrong)));
    }

    fn note(&mut self, wrong: Option<String>) {
        let violation = |text| Violation::new(ViolationKind::Other, text);
        self.wrong.extend(wrong.map(violation));
    }

    fn settle_edits(&mut self, from: usize) {
        self.edits.iter_mut().skip(from).for_each(|edit| edit.was_last = true);
    }
}
