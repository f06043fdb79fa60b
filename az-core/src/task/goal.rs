//! Checks of a goal: commands that have to succeed before a task is completed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::sha256_hex;
use crate::error::{Error, Result};

/// The most files of one check that are compared.
const MOST_FILES: usize = 256;
/// The most directories that are searched for tests.
const MOST_DIRECTORIES: usize = 4096;
/// The most of a file that is compared, in bytes.
const COMPARED: u64 = 1 << 20;
/// The number of hexadecimal digits of a digest that are kept.
const DIGITS: usize = 24;
/// The names of directories with tests.
const TEST_DIRECTORIES: [&str; 4] = ["test", "tests", "spec", "__tests__"];
/// The names of directories with what others wrote, or what is built.
const SKIPPED: [&str; 5] = ["target", "node_modules", "vendor", "build", "dist"];
/// The files that say what a program does, for each that checks are often made with.
const DEFINITIONS: [(&str, &[&str]); 6] = [
    ("make", &["Makefile", "makefile", "GNUmakefile"]),
    ("npm", &["package.json"]),
    ("yarn", &["package.json"]),
    ("pnpm", &["package.json"]),
    ("just", &["justfile", "Justfile"]),
    ("tox", &["tox.ini"]),
];

/// A command that has to succeed before a task is completed, and the files that decide whether it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GoalCheck {
    /// The shell command.
    pub command: String,
    /// Digests of the files of the check when the task was created, by their paths in the workspace: those
    /// that the command names, and tests if it runs tests. At most 256, and the first MiB of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

impl GoalCheck {
    /// Creates a check without files.
    ///
    /// # Errors
    ///
    /// `Invalid` for a command that is empty or contains a NUL.
    pub fn new(command: impl Into<String>) -> Result<Self> {
        let command = command.into();
        if command.trim().is_empty() {
            return Err(Error::invalid("check", "must be a command, and is empty"));
        }
        if command.contains('\0') {
            return Err(Error::invalid("check", "must not contain a NUL character"));
        }
        Ok(Self { command, files: BTreeMap::new() })
    }

    /// Adds the digests of the files of the check. It reads the workspace, which blocks. Files that cannot
    /// be read are left out.
    #[must_use]
    pub fn with_files_of(mut self, workspace: &Path) -> Self {
        let files = files_of(&self.command, workspace);
        let digests = files.into_iter().filter_map(|file| {
            let digest = digest(&workspace.join(&file))?;
            Some((file.to_str()?.to_owned(), digest))
        });
        self.files = digests.take(MOST_FILES).collect();
        self
    }

    /// Returns the files of the check that have changed or are gone since the task was created. It reads the
    /// workspace, which blocks.
    pub fn changed_files(&self, workspace: &Path) -> Vec<String> {
        let changed = |(file, was): &(&String, &String)| {
            digest(&workspace.join(file)).is_none_or(|now| now != **was)
        };
        self.files.iter().filter(changed).map(|(file, _)| file.clone()).collect()
    }
}

/// Returns the files that decide whether a command succeeds, relative to the workspace.
fn files_of(command: &str, workspace: &Path) -> Vec<PathBuf> {
    let separators = |c: char| c.is_whitespace() || "'\"`;|&<>()=$,".contains(c);
    let words: Vec<&str> = command.split(separators).filter(|word| !word.is_empty()).collect();
    let mut files = Vec::new();
    for word in &words {
        let defined = DEFINITIONS.iter().filter(|(program, _)| program == word);
        files.extend(defined.flat_map(|(_, files)| files.iter().map(PathBuf::from)));
        if let Some(path) = inside(word) {
            match fs::symlink_metadata(workspace.join(&path)) {
                Ok(found) if found.is_file() => files.push(path),
                Ok(found) if found.is_dir() && !path.as_os_str().is_empty() => {
                    files.extend(below(workspace, path, &|_| true));
                }
                _ => {}
            }
        }
    }
    if command.contains("test") || command.contains("spec") {
        files.extend(below(workspace, PathBuf::new(), &is_test));
    }
    files
}

/// Returns a word as a path within the workspace, if it can be one.
fn inside(word: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for component in Path::new(word).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Returns the files below a directory for which `counts` holds, in the order of their names. Hidden
/// directories, links and directories with what others wrote are left out.
fn below(workspace: &Path, from: PathBuf, counts: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut rest = vec![from];
    for _ in 0..MOST_DIRECTORIES {
        let Some(directory) = rest.pop() else { break };
        let Ok(entries) = fs::read_dir(workspace.join(&directory)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let path = directory.join(&name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_skipped(&name) => rest.push(path),
                Ok(kind) if kind.is_file() && counts(&path) => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn is_skipped(directory: &OsStr) -> bool {
    let name = directory.to_string_lossy();
    name.starts_with('.') || SKIPPED.contains(&&*name)
}

/// Returns `true` for a file whose name, or one of whose directories, says that it has tests.
fn is_test(path: &Path) -> bool {
    let in_directory = path.parent().is_some_and(|parent| {
        parent.iter().any(|part| TEST_DIRECTORIES.iter().any(|name| part == *name))
    });
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let has_mark = name.contains(".test.") || name.contains(".spec.");
    in_directory || has_mark || stem.starts_with("test_") || stem.ends_with("_test")
}

/// Returns the digest of the beginning of a file; `None` if it is no regular file, or cannot be read.
fn digest(path: &Path) -> Option<String> {
    // A pipe would block.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut content = Vec::new();
    fs::File::open(path).ok()?.take(COMPARED).read_to_end(&mut content).ok()?;
    let mut digits = sha256_hex(content);
    digits.truncate(DIGITS);
    Some(digits)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::GoalCheck;

    fn workspace() -> std::path::PathBuf {
        let directory = std::env::temp_dir().join(format!("az-goal-{}", std::process::id()));
        fs::remove_dir_all(&directory).ok();
        for name in ["tests", "src", "target/tests", ".git/tests", "checks"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        for file in [
            "check.sh",
            "tests/a.rs",
            "src/lib.rs",
            "src/lib_test.go",
            "src/x.spec.ts",
            "target/tests/b.rs",
            ".git/tests/c",
            "checks/one",
            "package.json",
        ] {
            fs::write(directory.join(file), file).unwrap();
        }
        directory
    }

    #[test]
    fn the_files_of_a_check_are_named_by_it_or_are_tests_and_their_changes_are_found() {
        let workspace = workspace();
        let files = |command: &str| {
            let check = GoalCheck::new(command).unwrap().with_files_of(&workspace);
            check.files.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(files("sh ./check.sh && true"), ["check.sh"]);
        assert_eq!(files("cargo test -q"), ["src/lib_test.go", "src/x.spec.ts", "tests/a.rs"]);
        assert_eq!(files("cat 'checks'/*"), ["checks/one"]);
        assert_eq!(files("npm run lint"), ["package.json"]);
        assert_eq!(files("cat ../check.sh /etc/passwd ."), Vec::<String>::new());

        let check = GoalCheck::new("sh check.sh; cargo test").unwrap().with_files_of(&workspace);
        assert_eq!(check.changed_files(&workspace), Vec::<String>::new());
        fs::write(workspace.join("check.sh"), "true").unwrap();
        fs::remove_file(workspace.join("tests/a.rs")).unwrap();
        assert_eq!(check.changed_files(&workspace), ["check.sh", "tests/a.rs"]);
        fs::remove_dir_all(workspace).unwrap();
    }

    #[test]
    fn an_empty_command_is_no_check() {
        for command in ["", " \n", "a\0b"] {
            let error = GoalCheck::new(command).unwrap_err().to_string();
            assert!(error.starts_with("invalid check: must"), "{error}");
        }
    }
}
