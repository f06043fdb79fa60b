//! The result of a sweep as the table in `docs/reliability.md`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::play::Played;
use super::scenario::{Death, Scenario, Trouble};
use super::verdict::ViolationKind;

/// The results of the scenarios of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    scenarios: usize,
    crashes: usize,
    unknown: usize,
    lost: usize,
    twice: usize,
    below: usize,
    other: usize,
}

/// The results of a sweep, by the first crash of each scenario.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<(Death, Trouble), Row>,
}

impl Table {
    pub(super) fn add(&mut self, scenario: &Scenario, played: &Played) {
        let Some(first) = scenario.0.first() else { return };
        let row = self.rows.entry((first.death, first.trouble)).or_default();
        let has =
            |kind| usize::from(played.violations.iter().any(|violation| violation.kind == kind));
        row.scenarios += 1;
        row.crashes += played.crashes;
        row.unknown += played.unknown;
        row.lost += has(ViolationKind::Lost);
        row.twice += has(ViolationKind::Twice);
        row.below += has(ViolationKind::Below);
        row.other += has(ViolationKind::Other);
    }

    /// Returns the table in Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::from(HEADER);
        let mut sum = Row::default();
        for ((death, trouble), row) in &self.rows {
            sum.add(row);
            row.write(&mut text, death_in_words(*death), trouble_in_words(*trouble));
        }
        sum.write(&mut text, "all", "");
        text
    }
}

const HEADER: &str = "\
| the process is | and | scenarios | crashes | unknown outcomes | lost | twice | below | other |
|---|---|---:|---:|---:|---:|---:|---:|---:|
";

pub(super) const fn death_in_words(death: Death) -> &'static str {
    match death {
        Death::Kill => "killed (SIGKILL)",
        Death::Terminate => "terminated (SIGTERM)",
        Death::Takeover => "stopped past its lease (SIGSTOP, SIGCONT)",
    }
}

pub(super) const fn trouble_in_words(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Alone => "nothing else happens",
        Trouble::SameBytes => "another task writes the same bytes",
        Trouble::OtherEdit => "another program edits the same file",
        Trouble::LockedDatabase => "the database is locked",
        Trouble::ClockJump => "the clock jumps",
    }
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.crashes += other.crashes;
        self.unknown += other.unknown;
        self.lost += other.lost;
        self.twice += other.twice;
        self.below += other.below;
        self.other += other.other;
    }

    fn write(&self, text: &mut String, death: &str, trouble: &str) {
        let Self { scenarios, crashes, unknown, lost, twice, below, other } = self;
        writeln!(
            text,
            "| {death} | {trouble} | {scenarios} | {crashes} | {unknown} | {lost} | {twice} \
             | {below} | {other} |"
        )
        .unwrap();
    }
}
