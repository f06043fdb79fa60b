//! The result of a step, and how to count it.

use serde_json::Value as Json;

use super::step::Unit;
use crate::chat::ToolMessage;

/// The listing of an empty directory.
const EMPTY: &str = "[empty]";
/// The output of a command that printed nothing.
const NOTHING: &str = "[no output]";
/// The separator between standard output and standard error.
const STDERR_SEPARATOR: &str = "[stderr]\n";

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    /// The number of omitted bytes.
    pub(super) omitted: usize,
    counts: Counts,
}

/// The meaning of `how many` for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// The count of this unit, unless another one is requested.
    Units(Unit),
    /// A listing with this number of entries.
    Listed { files: usize, directories: usize },
    /// A number.
    Number(usize),
}

impl Value {
    /// Creates a complete value.
    pub(super) fn whole(text: impl Into<String>, unit: Unit) -> Self {
        Self { text: text.into(), omitted: 0, counts: Counts::Units(unit) }
    }

    /// Creates a number.
    pub(super) fn number(number: usize) -> Self {
        Self { text: number.to_string(), omitted: 0, counts: Counts::Number(number) }
    }

    /// Converts the output of a tool.
    pub(super) fn returned(result: &ToolMessage) -> Self {
        let omitted = result.omitted;
        Self { omitted, ..Self::whole(&result.text, Unit::Lines) }
    }

    /// Converts a listing: one entry a line, with a slash after directories. JSON output
    /// distinguishes regular files; in text every entry but directories counts as a file.
    pub(super) fn listing(result: &ToolMessage) -> Self {
        let text = match result.text.trim() {
            EMPTY => "",
            _ => &result.text,
        };
        let omitted = result.omitted;
        let listing = Self { omitted, ..Self::whole(text, Unit::Files) };
        let Some(entries) = result.data.as_ref().and_then(Json::as_array) else {
            return listing;
        };
        let count = |kind| entries.iter().filter(|entry| is_a(entry, kind)).count();
        let counts = Counts::Listed { files: count("file"), directories: count("directory") };
        Self { counts, ..listing }
    }

    /// Returns the directories of a listing, one a line.
    pub(super) fn directories(result: &ToolMessage) -> Self {
        let directories: Vec<String> = match result.data.as_ref().and_then(Json::as_array) {
            Some(entries) => {
                let directories = entries.iter().filter(|entry| is_a(entry, "directory"));
                let names = directories.filter_map(|entry| entry.get("name")?.as_str());
                names.map(|name| format!("{name}/")).collect()
            }
            None => {
                let lines = result.text.lines().filter(|entry| entry.ends_with('/'));
                lines.map(str::to_owned).collect()
            }
        };
        Self::whole(directories.join("\n"), Unit::Directories)
    }

    /// Returns the paths of a listing's files.
    pub(super) fn files(result: &ToolMessage) -> Vec<&str> {
        match result.data.as_ref().and_then(Json::as_array) {
            Some(entries) => {
                let files = entries.iter().filter(|entry| is_a(entry, "file"));
                files.filter_map(|entry| entry.get("name").and_then(Json::as_str)).collect()
            }
            None if result.text.trim() == EMPTY => Vec::new(),
            None => result.text.lines().filter(|entry| !entry.ends_with('/')).collect(),
        }
    }

    /// Returns the standard output of a command, without standard error: from JSON output where
    /// available, else the text before the separator.
    pub(super) fn printed(result: &ToolMessage) -> Self {
        let data = result.data.as_ref().and_then(|data| data.get("stdout"));
        if let Some(stdout) = data.and_then(Json::as_str) {
            let printed = result.data.as_ref().and_then(|data| data.get("stdout_bytes"));
            let printed = printed.and_then(Json::as_u64).and_then(|all| usize::try_from(all).ok());
            let omitted = printed.map_or(0, |all| all.saturating_sub(stdout.len()));
            return Self { omitted, ..Self::whole(stdout, Unit::Lines) };
        }
        let text = result.text.as_str();
        let text = match text.strip_prefix(STDERR_SEPARATOR) {
            Some(_) => "",
            None if text == NOTHING => "",
            None => {
                text.rsplit_once(&format!("\n{STDERR_SEPARATOR}")).map_or(text, |(text, _)| text)
            }
        };
        let omitted = result.omitted;
        Self { omitted, ..Self::whole(text, Unit::Lines) }
    }

    /// Returns the count of a unit, or of the default one.
    pub(super) fn how_many(&self, unit: Option<Unit>) -> usize {
        match (self.counts, unit) {
            (Counts::Number(number), _) => number,
            (Counts::Listed { files, .. }, None | Some(Unit::Files)) => files,
            (Counts::Listed { directories, .. }, Some(Unit::Directories)) => directories,
            (_, Some(unit)) | (Counts::Units(unit), None) => self.count(unit),
        }
    }

    /// Formats the count.
    pub(super) fn say(&self) -> String {
        match (self.counts, self.omitted) {
            (Counts::Number(number), _) => number.to_string(),
            (Counts::Listed { files, .. }, _) => Unit::Files.say(files),
            (Counts::Units(unit), 0) => unit.say(self.count(unit)),
            (Counts::Units(_), omitted) => Unit::Bytes.say(self.text.len().saturating_add(omitted)),
        }
    }

    /// Counts a unit.
    fn count(&self, unit: Unit) -> usize {
        let lines = || self.text.lines().filter(|line| !line.trim().is_empty());
        match unit {
            Unit::Lines => self.text.lines().count(),
            Unit::Words => self.text.split_whitespace().count(),
            Unit::Characters => self.text.chars().count(),
            Unit::Bytes => self.text.len(),
            Unit::Files => lines().filter(|line| !line.ends_with('/')).count(),
            Unit::Directories => lines().filter(|line| line.ends_with('/')).count(),
        }
    }
}

/// Whether an entry of a listing is of this kind.
fn is_a(entry: &Json, kind: &str) -> bool {
    entry.get("type").and_then(Json::as_str) == Some(kind)
}

/// Whether the name of a file, or its path if the pattern has a slash, matches a pattern with `*`
/// and `?`.
pub(super) fn fits(glob: &str, path: &str) -> bool {
    let name = if glob.contains('/') { path } else { path.rsplit('/').next().unwrap_or(path) };
    let glob: Vec<char> = glob.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // The last `*`, and the end of the part of the name that it matches so far.
    let mut star: Option<(usize, usize)> = None;
    let (mut g, mut n) = (0, 0);
    while n < name.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, n));
                g += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                g += 1;
                n += 1;
            }
            _ => {
                let Some((at, given)) = star else {
                    return false;
                };
                star = Some((at, given + 1));
                g = at + 1;
                n = given + 1;
            }
        }
    }
    glob.iter().skip(g).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use az_core::journal::ToolOutcome;
    use serde_json::json;

    use super::{ToolMessage, Unit, Value, fits};

    #[test]
    fn patterns_fit_names_or_paths() {
        for (glob, path, expected) in [
            ("*.rs", "src/lib.rs", true),
            ("*.rs", "src/lib.rst", false),
            ("l?b.*", "lib.rs", true),
            ("src/*.rs", "src/lib.rs", true),
            ("src/*.rs", "lib.rs", false),
            ("*a*b*", "xaxxbx", true),
            ("*a*b*", "xbxxax", false),
            ("", "x", false),
            ("**", "", true),
        ] {
            assert_eq!(fits(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn standard_output_and_error_are_separated() {
        let printed = |text: &str, data: Option<serde_json::Value>| {
            let mut message = ToolMessage {
                call_id: String::new(),
                tool: "shell.execute".to_owned(),
                outcome: ToolOutcome::Done,
                text: text.to_owned(),
                omitted: 0,
                images: Vec::new(),
                data: None,
            };
            message.data = data;
            Value::printed(&message).text
        };
        assert_eq!(printed("hi", Some(json!({"stdout": "hi\n"}))), "hi\n");
        assert_eq!(printed("hi", Some(json!({"stdout": "hi", "stdout_bytes": 2}))), "hi");
        assert_eq!(printed("hi", None), "hi");
        assert_eq!(printed("[no output]", None), "");
        assert_eq!(printed("hi\n[stderr]\nwarning", None), "hi");
        assert_eq!(printed("[stderr]\nwarning", None), "");
    }

    #[test]
    fn only_regular_files_of_a_listing_count_as_files() {
        let entry = |name: &str, kind: &str| json!({"name": name, "type": kind, "size": 0});
        let mut message = ToolMessage {
            call_id: String::new(),
            tool: "filesystem.list".to_owned(),
            outcome: ToolOutcome::Done,
            text: "a\nlink\nsub/\n[sub: permission denied]".to_owned(),
            omitted: 0,
            images: Vec::new(),
            data: None,
        };
        assert_eq!(Value::files(&message), ["a", "link", "[sub: permission denied]"]);
        let entries = [entry("a", "file"), entry("link", "symlink"), entry("sub", "directory")];
        message.data = Some(json!(entries));
        assert_eq!(Value::files(&message), ["a"]);
        let listing = Value::listing(&message);
        assert_eq!((listing.how_many(None), listing.how_many(Some(Unit::Directories))), (1, 1));
        assert_eq!((listing.how_many(Some(Unit::Lines)), listing.say()), (4, "1 file".to_owned()));
    }

    #[test]
    fn everything_can_be_counted() {
        let listing = Value::whole("a.txt\nb c.txt\nsrc/", Unit::Files);
        let count = |unit| listing.count(unit);
        assert_eq!((count(Unit::Files), count(Unit::Directories)), (2, 1));
        assert_eq!((count(Unit::Lines), count(Unit::Words)), (3, 4));
        let accent = Value::whole("é\n", Unit::Lines);
        assert_eq!((accent.count(Unit::Characters), accent.count(Unit::Bytes)), (2, 3));
    }
}
