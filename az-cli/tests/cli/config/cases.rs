//! Files of cases: `=== name`, then lines with a mark, then the text.

use std::fs;
use std::path::Path;

/// A case: its name, the lines with a mark, and the text.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) marked: Vec<String>,
    pub(super) text: String,
}

/// Returns the cases of a file; a line is marked if it begins with this.
pub(super) fn cases(file: &str, mark: &str) -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/cases");
    let text = fs::read_to_string(dir.join(file)).unwrap();
    let parts = text.split("\n=== ").skip(1);
    let case = |part: &str| {
        let (name, rest) = part.split_once('\n').unwrap_or((part, ""));
        let lines = || rest.lines();
        let marked = lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned);
        let text = lines().filter(|line| !line.starts_with(mark));
        let text = text.map(|line| format!("{line}\n")).collect();
        Case { name: name.to_owned(), marked: marked.collect(), text }
    };
    parts.map(case).collect()
}
