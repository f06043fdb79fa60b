//! What has to be true of the world once the task was resumed to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use az_core::cost::{BudgetKeeper, CostTracker, Settlement};
use az_core::journal::{Event, EventBody, ModelOutcome, ToolOutcome, fold};
use az_core::testing::sample::always;
use az_core::{Clock, Task, TaskStatus, Usd};
use serde_json::Value;

use super::play::{Play, Played};
use super::world::{COST, EFFECTS, Effect, LARGE_FILE, LIST_HEAD, MOST, record, turns};
use crate::support::block_on;

/// What is wrong, by the promise that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ViolationKind {
    /// A step that was reported as done is not there.
    Lost,
    /// A call was made twice, or one that was not to be made at all.
    Twice,
    /// The ledger has less than was spent.
    Below,
    /// Something else.
    Other,
    /// Not a violation of its own: what the processes printed.
    Detail,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: ViolationKind,
    pub(super) text: String,
}

impl Violation {
    pub(super) const fn new(kind: ViolationKind, text: String) -> Self {
        Self { kind, text }
    }
}

/// Returns what is wrong with the world after a scenario.
pub(super) fn violations(play: &Play) -> Played {
    let mut found = Findings { play, played: Played::default() };
    match play.world.record() {
        Some((task, events)) => {
            found.check_record(&task, &events);
            found.check_effects(&events);
            found.check_money(&task, &events);
            found.check_kept(&events);
            found.check_leftovers(&task);
        }
        None => found.unless(false, ViolationKind::Lost, "no task is on record"),
    }
    found.played
}

/// Returns the last outcome of each call of a record, by its tool and arguments.
fn outcomes(events: &[Event]) -> Vec<(String, Value, Option<ToolOutcome>)> {
    let mut calls = Vec::new();
    let mut results = BTreeMap::new();
    for event in events {
        match (&event.event.call, &event.event.body) {
            (Some(call), EventBody::ToolIntent(intent)) => {
                calls.push((call.clone(), intent.tool.clone(), intent.arguments.clone()));
            }
            (Some(call), EventBody::ToolResult(result)) => {
                results.insert(call.clone(), result.outcome);
            }
            _ => {}
        }
    }
    let with_outcome = |(call, tool, arguments)| (tool, arguments, results.get(&call).copied());
    calls.into_iter().map(with_outcome).collect()
}

/// Returns the outcomes of an effect in a record.
fn outcomes_of(effect: Effect, events: &[Event]) -> Vec<Option<ToolOutcome>> {
    let wanted = effect.arguments();
    // Defaults may have been added to the arguments.
    let is_it = |tool: &str, arguments: &Value| {
        let same = |(name, value): (&String, &Value)| arguments.get(name) == Some(value);
        tool == effect.tool() && wanted.as_object().is_some_and(|wanted| wanted.iter().all(same))
    };
    let all = outcomes(events).into_iter();
    all.filter(|(tool, arguments, _)| is_it(tool, arguments)).map(|(.., outcome)| outcome).collect()
}

/// How often an effect may be seen.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    least: usize,
    most: usize,
}

impl Times {
    fn add(&mut self, outcome: Option<ToolOutcome>) {
        match outcome {
            Some(ToolOutcome::Done) => {
                self.least += 1;
                self.most += 1;
            }
            Some(ToolOutcome::Unknown) => self.most += 1,
            // What failed or was refused changed nothing, and neither did a call without a result.
            Some(ToolOutcome::Failed | ToolOutcome::Refused) | None => {}
        }
    }
}

struct Findings<'a> {
    play: &'a Play,
    played: Played,
}

impl Findings<'_> {
    fn unless(&mut self, is_so: bool, kind: ViolationKind, text: impl Into<String>) {
        if !is_so {
            self.played.violations.push(Violation::new(kind, text.into()));
        }
    }

    fn check_record(&mut self, task: &Task, events: &[Event]) {
        let is_completed = task.status == TaskStatus::Completed;
        self.unless(is_completed, ViolationKind::Lost, format!("the task is {}", task.status));
        let answered = task.answer.as_deref() == Some("all done");
        self.unless(answered, ViolationKind::Lost, format!("it says {:?}", task.answer));
        for found in &self.play.before {
            let kept = events.starts_with(found);
            self.unless(kept, ViolationKind::Lost, "a step that was on record is lost");
        }
        match fold(events) {
            Ok(history) => {
                let all = history.turns.len() == turns().len();
                self.unless(all, ViolationKind::Lost, format!("{} turns", history.turns.len()));
                let ended = history.pending_calls().next().is_none();
                self.unless(ended, ViolationKind::Lost, "a call has no result");
            }
            Err(error) => self.unless(false, ViolationKind::Lost, error.to_string()),
        }
    }

    /// A result in hand is kept while the database is locked.
    fn check_kept(&mut self, events: &[Event]) {
        let asked_again = |event: &&Event| match &event.event.body {
            EventBody::LlmResult(result) => result.outcome == ModelOutcome::Interrupted,
            EventBody::ToolResult(result) => result.outcome == ToolOutcome::Unknown,
            _ => false,
        };
        let dropped = events.iter().find(asked_again).filter(|_| !self.play.interrupted);
        let text = format!("a result was in hand, and is dropped: {dropped:?}");
        self.unless(dropped.is_none(), ViolationKind::Lost, text);
    }

    /// Effects happened as the records say: what is done, once; what is unknown, at most once.
    fn check_effects(&mut self, events: &[Event]) {
        let twins: Vec<_> = self.play.twins.iter().map(|twin| record(&twin.database)).collect();
        let files = self.play.world.files();
        let mut lengths = BTreeMap::from([(Effect::Insert("").file(), LIST_HEAD.len())]);
        let mut torn = BTreeMap::new();
        for effect in EFFECTS {
            let mut all = outcomes_of(effect, events);
            self.unless(
                all.len() == 1,
                ViolationKind::Lost,
                format!("{effect:?} was made {all:?}"),
            );
            let own = all.first().copied().flatten();
            let expected = own.is_some_and(|own| own != ToolOutcome::Refused);
            self.unless(expected, ViolationKind::Lost, format!("{effect:?} ended as {own:?}"));
            self.played.unknown += usize::from(own == Some(ToolOutcome::Unknown));
            for (_, events) in twins.iter().flatten() {
                all.extend(outcomes_of(effect, events));
            }
            let found = files.get(effect.file()).map_or("", String::as_str);
            match effect {
                Effect::Replace { .. } => self.check_replaced(effect, own, found, &twins),
                Effect::Append(_) | Effect::Insert(_) | Effect::Shell(_) => {
                    let times = self.check_added(effect, &all, found);
                    *lengths.entry(effect.file()).or_insert(0) += times * effect.text().len();
                    if self.play.power_was_cut && own == Some(ToolOutcome::Unknown) {
                        *torn.entry(effect.file()).or_insert(0) += effect.text().len();
                    }
                }
            }
        }
        if self.play.power_was_cut {
            // A file that a command did not sync can have any content.
            lengths.remove(Effect::Shell("").file());
        }
        for (file, length) in lengths {
            let found = files.get(file).map_or("", String::as_str);
            // Of an append that is not on record as done, a power cut may leave the length without the bytes.
            let zeros = found.bytes().filter(|byte| *byte == 0).count();
            let allowed = zeros <= torn.get(file).copied().unwrap_or(0);
            let whole = allowed && found.len() - zeros == length;
            self.unless(whole, ViolationKind::Other, format!("{file} has other bytes: {found:?}"));
        }
    }

    /// Checks how often an effect added its text; returns how often it is there.
    fn check_added(
        &mut self,
        effect: Effect,
        outcomes: &[Option<ToolOutcome>],
        found: &str,
    ) -> usize {
        let mut times = Times::default();
        outcomes.iter().for_each(|outcome| times.add(*outcome));
        let edits: Vec<_> = self.play.edits.iter().filter(|edit| edit.effect == effect).collect();
        let Times { mut least, most } = times;
        if self.play.power_was_cut && matches!(effect, Effect::Shell(_)) {
            least = 0;
        }
        let mut expected = least + edits.len();
        if matches!(effect, Effect::Insert(_)) {
            // The equal edit of another task, or of a program after the intent, leaves the file as this one
            // does: it counts as made by both.
            let is_equal = least > 0 && edits.iter().any(|edit| edit.begun);
            expected = least.min(1) + edits.len() - usize::from(is_equal);
        }
        let edits = edits.len();
        let there = found.matches(&effect.text()).count();
        let text = format!("{effect:?} is there {there} times: {outcomes:?} and {edits} edits");
        self.unless(there >= expected, ViolationKind::Lost, text.clone());
        self.unless(there <= most + edits, ViolationKind::Twice, text);
        there
    }

    /// A replaced file has the content of the call, or that of an edit since.
    fn check_replaced(
        &mut self,
        effect: Effect,
        own: Option<ToolOutcome>,
        found: &str,
        twins: &[Option<(Task, Vec<Event>)>],
    ) {
        let edits: Vec<_> = self.play.edits.iter().filter(|edit| edit.effect == effect).collect();
        let is_done = own == Some(ToolOutcome::Done);
        let twin =
            twins.iter().flatten().any(|(_, events)| !outcomes_of(effect, events).is_empty());
        // An edit after which the call was not made any more.
        let last = edits.iter().rposition(|edit| edit.was_last && edit.begun);
        let mut allowed = BTreeSet::new();
        if last.is_none() || twin {
            allowed.insert(effect.text());
        }
        if edits.is_empty() && !is_done && !twin {
            allowed.insert(String::new());
        }
        for edit in edits.iter().skip(last.unwrap_or(0)) {
            let was_replaced = edit.was_last && !edit.begun && is_done;
            if !was_replaced {
                allowed.insert(edit.text.clone());
            }
        }
        let text = format!("{effect:?} is {own:?}, and the file says {found:?}: {edits:?}");
        let kind = match last {
            Some(_) => ViolationKind::Twice,
            None => ViolationKind::Lost,
        };
        self.unless(allowed.contains(found), kind, text);
    }

    /// The ledger equals what the record says was paid or may have been; nothing is held.
    fn check_money(&mut self, task: &Task, events: &[Event]) {
        let (mut spent, mut expected, mut intents) = (0, 0, 0);
        for event in events {
            match &event.event.body {
                EventBody::LlmIntent(_) => intents += 1,
                EventBody::LlmResult(result) => {
                    // What was certainly not sent has no entry.
                    intents -= usize::from(result.settlement == Settlement::Nothing);
                    expected += match &result.settlement {
                        Settlement::Paid(charge) => charge.cost.map_or(MOST, Usd::nanos),
                        Settlement::Full => MOST,
                        Settlement::Nothing => 0,
                    };
                    // An interrupted call may have been answered, and then it was paid.
                    let is_failed = matches!(result.outcome, ModelOutcome::Failed { .. });
                    spent += if is_failed { 0 } else { COST };
                }
                _ => {}
            }
        }
        let expected = Usd::from_nanos(expected);
        let store = self.play.world.store();
        let entries = block_on(store.entries(always(), None)).unwrap();
        let booked: Usd = entries.iter().filter_map(|entry| entry.charge.cost).sum();
        let is_enough = booked.nanos() >= spent;
        self.unless(is_enough, ViolationKind::Below, format!("{booked} booked, {spent} spent"));
        let all = entries.len() == intents;
        self.unless(
            all,
            ViolationKind::Below,
            format!("{} entries, {intents} calls", entries.len()),
        );
        let text = format!("{booked} booked, {expected} on record, the task says {}", task.cost);
        let equal = booked == expected && task.cost == expected;
        self.unless(equal, ViolationKind::Other, text);
        let holds = block_on(store.open_holds()).unwrap();
        self.unless(holds.is_empty(), ViolationKind::Other, format!("{} holds", holds.len()));
        let now = az_core::clock::SystemClock.now();
        for status in block_on(store.budgets(now)).unwrap() {
            let equal = status.spent == expected && status.held == Usd::ZERO;
            self.unless(equal, ViolationKind::Other, format!("the budget says {status:?}"));
        }
    }

    /// No temporary file in the workspace, no process, and no lease is left.
    fn check_leftovers(&mut self, task: &Task) {
        let mut known: BTreeSet<_> = EFFECTS.into_iter().map(Effect::file).collect();
        known.extend(["script.jsonl", LARGE_FILE]);
        for name in names(&self.play.world.az.work()) {
            let is_known = known.contains(name.as_str());
            self.unless(is_known, ViolationKind::Other, format!("{name} is left"));
        }
        let mark = format!("AZ_CALL_KEY={}:", task.id);
        let left = processes_with(&mark);
        self.unless(left.is_empty(), ViolationKind::Other, format!("processes are left: {left:?}"));
        let leases = self.play.world.leases();
        self.unless(leases == 0, ViolationKind::Other, format!("{leases} leases are left"));
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Returns the processes with a text in their environment.
fn processes_with(text: &str) -> Vec<String> {
    let has_text = |process: &String| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(text)
    };
    let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    names(Path::new("/proc")).into_iter().filter(is_number).filter(has_text).collect()
}
