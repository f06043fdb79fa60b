//! The table of what is read from the caches, in the guide.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// Several tests write one row each.
static WRITES: Mutex<()> = Mutex::new(());

/// Checks that the guide has this row, or replaces the one with the same first cell by it.
#[track_caller]
pub(super) fn hold_row(first: &str, rest: &str) {
    let _writes = WRITES.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/agent.md");
    let text = fs::read_to_string(&path).unwrap();
    let begin = format!("| {first} |");
    let row = format!("{begin} {rest} |");
    let found = text.lines().find(|line| line.starts_with(&begin)).unwrap();
    if is_updated() {
        fs::write(&path, text.replace(found, &row)).unwrap();
    } else {
        assert_eq!(found, row, "docs/agent.md is out of date: AZ_UPDATE_DOCS=1 writes it");
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment of the test run decides")]
fn is_updated() -> bool {
    std::env::var_os("AZ_UPDATE_DOCS").is_some()
}
