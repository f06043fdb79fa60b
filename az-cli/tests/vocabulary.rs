//! Code and documents keep to the words of `docs/glossary.md`.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::fs;
use std::path::{Path, PathBuf};

/// The files that may quote what they replace.
const EXEMPT: &[&str] = &["docs/glossary.md", "az-cli/tests/vocabulary.rs"];

#[test]
fn words_that_the_glossary_rules_out_are_not_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let words = ruled_out(&fs::read_to_string(root.join("docs/glossary.md")).unwrap());
    assert!(words.len() > 10, "the glossary lists {} words", words.len());
    let mut found = Vec::new();
    for path in sources(root) {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if EXEMPT.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let line = line.to_lowercase();
            let used = words.iter().filter(|word| has_word(&line, word));
            found.extend(used.map(|word| format!("{name}:{number}: {word}")));
        }
    }
    let places = found.join("\n");
    assert!(found.is_empty(), "places that use other words:\n{places}");
}

/// Returns the lines of the block under the heading of the words that are not used.
fn ruled_out(glossary: &str) -> Vec<String> {
    let (_, section) = glossary.split_once("## Words that are not used").unwrap();
    let block = section.split("```").nth(1).unwrap();
    block.lines().skip(1).map(|line| line.trim().to_lowercase()).filter(|w| !w.is_empty()).collect()
}

/// Lists the Rust, SQL and Markdown files of the workspace.
fn sources(root: &Path) -> Vec<PathBuf> {
    let tops = ["az-core", "az-ai", "az-data", "az-mcp", "az-cli", "examples", "benches", "docs"];
    let mut pending: Vec<PathBuf> = tops.iter().map(|top| root.join(top)).collect();
    let mut files = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                pending.push(path);
            } else if matches!(ending, Some("rs" | "sql" | "md")) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Whether a line has the words, not as part of longer ones.
fn has_word(line: &str, word: &str) -> bool {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !inner(before.chars().next_back()) && !inner(after.chars().next())
    })
}
