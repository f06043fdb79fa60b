//! What a search found, in the order of paths and up to a limit.

use std::collections::BTreeMap;

use az_core::text::plural;
use az_core::tool::ToolOutput;
use schemars::JsonSchema;
use serde::Serialize;

use super::file::{FileHits, Line};
use super::tool::SearchMode;

/// The size of the output in bytes at which no more lines are added.
const MAX_TEXT: usize = 24_000;

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// The first files in the order of their paths.
    files: BTreeMap<String, FileHits>,
    /// The number of hits in them that can be shown.
    kept: usize,
    /// The number of files with a match.
    file_count: usize,
    /// The number of matching lines.
    match_count: u64,
}

/// The result of a search.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SearchOutput {
    /// The number of matching lines; in the mode `files`, of files
    pub(super) matches: u64,
    /// The number of files with a match
    pub(super) files: usize,
    /// What is shown of them
    pub(super) results: Vec<SearchHit>,
}

/// A matching line or file.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SearchHit {
    /// Its path, relative to the workspace
    path: String,
    /// The number of the line, from 1
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The line
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The number of matching lines of the file
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

impl Hits {
    /// Adds what was found in a file. Files beyond the limit are counted and not kept.
    pub(super) fn add(&mut self, path: String, found: FileHits, mode: SearchMode, limit: usize) {
        if found.count == 0 {
            return;
        }
        self.file_count += 1;
        self.match_count += found.count;
        self.kept += weight(&found, mode);
        self.files.insert(path, found);
        while let Some(last) = self.files.last_entry() {
            let without = self.kept - weight(last.get(), mode);
            if without < limit {
                break;
            }
            self.kept = without;
            last.remove();
        }
    }

    /// Returns the output, with notes about what is left out.
    pub(super) fn output(
        self,
        (mode, limit): (SearchMode, usize),
        notes: Vec<String>,
    ) -> ToolOutput {
        let matches = match mode {
            SearchMode::Files => self.file_count as u64,
            SearchMode::Lines | SearchMode::Count => self.match_count,
        };
        let mut shown = Shown::default();
        for (path, found) in &self.files {
            shown.add(path, found, (mode, limit));
        }
        let Shown { mut lines, results, .. } = shown;
        let unit = if mode == SearchMode::Lines { "matching line" } else { "file" };
        let all = if mode == SearchMode::Lines { matches } else { self.file_count as u64 };
        if lines.is_empty() {
            lines
                .push("[no matches; hidden, ignored and binary files are not searched]".to_owned());
        } else if results.len() as u64 != all {
            lines.push(format!(
                "[{} of {} shown; narrow the pattern, the path or the glob, or raise the limit]",
                results.len(),
                plural(all, unit)
            ));
        }
        lines.extend(notes);
        let output = SearchOutput { matches, files: self.file_count, results };
        let data = serde_json::to_value(output).unwrap_or_default();
        ToolOutput::done(lines.join("\n")).with_data(data)
    }
}

fn weight(found: &FileHits, mode: SearchMode) -> usize {
    match mode {
        SearchMode::Lines => found.lines.iter().filter(|line| line.is_match).count(),
        SearchMode::Files | SearchMode::Count => 1,
    }
}

/// The lines of an output under construction.
#[derive(Default)]
struct Shown {
    lines: Vec<String>,
    size: usize,
    results: Vec<SearchHit>,
}

impl Shown {
    fn add(&mut self, path: &str, found: &FileHits, (mode, limit): (SearchMode, usize)) {
        let hit = |count| SearchHit { path: path.to_owned(), line: None, text: None, count };
        match mode {
            SearchMode::Lines => self.add_lines(path, &found.lines, limit),
            _ if self.is_full(limit) => {}
            SearchMode::Files => {
                self.push(path.to_owned());
                self.results.push(hit(None));
            }
            SearchMode::Count => {
                self.push(format!("{path}:{}", found.count));
                self.results.push(hit(Some(found.count)));
            }
        }
    }

    fn add_lines(&mut self, path: &str, lines: &[Line], limit: usize) {
        let has_context = lines.iter().any(|line| !line.is_match);
        let mut previous = None;
        for Line { number, text, is_match } in lines {
            if self.is_full(limit) {
                break;
            }
            let is_apart = previous.is_none_or(|previous| previous + 1 < *number);
            if has_context && is_apart && !self.lines.is_empty() {
                self.push("--".to_owned());
            }
            previous = Some(*number);
            let mark = if *is_match { ':' } else { '-' };
            self.push(format!("{path}{mark}{number}{mark}{text}"));
            if *is_match {
                let (path, line, text) = (path.to_owned(), Some(*number), Some(text.clone()));
                self.results.push(SearchHit { path, line, text, count: None });
            }
        }
    }

    fn is_full(&self, limit: usize) -> bool {
        self.results.len() >= limit || self.size >= MAX_TEXT
    }

    fn push(&mut self, line: String) {
        self.size += line.len() + 1;
        self.lines.push(line);
    }
}
