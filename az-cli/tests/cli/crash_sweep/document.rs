//! `docs/reliability.md` says what the sweep is. `AZ_UPDATE_DOCS=1` writes its generated parts anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::elsewhere;
use super::mutants::MUTANTS;
use super::scenario::{Death, Trouble};
use super::table::{death_in_words, trouble_in_words};
use super::tests::passages;

/// The least number of scenarios of the table in the document.
pub(super) const FULL: usize = 20_000;

/// The crash points that only a resumed run passes.
const RESUMED: [&str; 2] = ["recover.abandoned", "recover.probed"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> PathBuf {
    root().join("docs/reliability.md")
}

/// Returns a part of the document between its marks, and what is before and after it.
fn split<'t>(text: &'t str, part: &str) -> (&'t str, &'t str, &'t str) {
    let (begin, end) = (format!("<!-- {part} -->"), format!("<!-- /{part} -->"));
    let from = text.find(&begin).unwrap() + begin.len();
    let to = text.find(&end).unwrap();
    (&text[..from], &text[from..to], &text[to..])
}

/// Checks that a part of the document is this text, or writes it.
#[track_caller]
pub(super) fn hold(part: &str, expected: &str) {
    let text = fs::read_to_string(document()).unwrap();
    let (before, found, after) = split(&text, part);
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::write(document(), format!("{before}{expected}{after}")).unwrap();
    } else {
        assert_eq!(
            found, expected,
            "docs/reliability.md is out of date: AZ_UPDATE_DOCS=1 writes it"
        );
    }
}

/// Returns the names of all crash points in the sources of the workspace.
pub(super) fn crash_points() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut pending: Vec<_> = ["az-core", "az-ai", "az-data", "az-mcp", "az-cli"]
        .map(|name| root().join(name).join("src"))
        .to_vec();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let points = text.split("point!(\"").skip(1).filter_map(|rest| rest.split_once('"'));
            names.extend(points.map(|(name, _)| name.to_owned()));
        }
    }
    names
}

#[test]
fn the_document_on_reliability_says_what_the_sweep_is() {
    let points = crash_points();
    hold("points", &points.len().to_string());
    hold("elsewhere", &elsewhere::POINTS.map(|name| format!("`{name}`")).join(", "));
    let mutants = MUTANTS.iter().map(|mutant| (mutant.name, mutant.rule));
    let by_power_cut = ("directories-are-not-synced", "a directory is synced after a rename");
    let lines = mutants.chain([by_power_cut]).map(|(name, rule)| format!("* `{name}`: {rule}\n"));
    hold("mutants", &format!("\n{}", lines.collect::<String>()));
}

#[test]
fn every_crash_point_is_passed() {
    let mut passed: BTreeSet<_> = passages().into_iter().collect();
    passed.extend(RESUMED.map(str::to_owned));
    passed.extend(elsewhere::POINTS.map(str::to_owned));
    assert_eq!(passed, crash_points());
}

/// The table has all combinations and enough scenarios, and shows no violation. `.ci/full` writes it; until it
/// has, there is none.
#[test]
fn the_table_on_reliability_is_that_of_a_full_sweep() {
    let text = fs::read_to_string(document()).unwrap();
    let (_, table, _) = split(&text, "sweep");
    if table.trim().is_empty() {
        eprintln!("docs/reliability.md has no table yet: AZ_UPDATE_DOCS=1 .ci/full writes it");
        return;
    }
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (last, rows) = rows[2..].split_last().unwrap();
    let combinations = Death::ALL.into_iter().flat_map(|death| {
        Trouble::ALL.map(|trouble| vec![death_in_words(death), trouble_in_words(trouble)])
    });
    let named: Vec<_> = rows.iter().map(|row| row[..2].to_vec()).collect();
    assert_eq!(named, combinations.collect::<Vec<_>>());
    let scenarios = |row: &[&str]| row[2].parse::<usize>().unwrap();
    assert!(scenarios(last) >= FULL, "{last:?}");
    assert_eq!(rows.iter().map(|row| scenarios(row)).sum::<usize>(), scenarios(last));
    for row in rows.iter().chain([last]) {
        assert_eq!(row[5..], ["0"; 4], "{row:?}");
    }
}
