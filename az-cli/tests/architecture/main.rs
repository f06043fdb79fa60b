//! Checks the architecture: which crates and modules may depend on which, how long a file is, where
//! features and access to the outside world belong; and [that every clause of a contract is
//! tested](contracts).
#![expect(clippy::expect_used, reason = "a failed test is the right outcome")]

mod contracts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CRATES: [&str; 5] = ["az-core", "az-ai", "az-data", "az-mcp", "az-cli"];

/// What the workspace consists of, dotfiles and build output aside.
const TOP_LEVEL: [&str; 13] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "az-ai",
    "az-cli",
    "az-core",
    "az-data",
    "az-mcp",
    "benches",
    "docs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace").into()
}

/// Returns the names of all crates that `package` is built from, itself left out.
fn dependencies(package: &str, flags: &[&str]) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{lib} {p}"])
        .args(["--edges", "normal", "--target", "x86_64-unknown-linux-gnu", "-p", package])
        .args(flags)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let names = String::from_utf8_lossy(&tree.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .filter(|name| name != package)
        .collect::<BTreeSet<_>>();
    assert!(!names.is_empty(), "cargo tree printed nothing for {package}");
    names
}

#[track_caller]
fn knows_none_of(package: &str, strangers: &[&str]) {
    let known = dependencies(package, &["--all-features"]);
    let met: Vec<_> = strangers.iter().filter(|name| known.contains(**name)).collect();
    assert!(met.is_empty(), "{package} knows {met:?}");
}

#[test]
fn core_knows_no_transport_no_storage_and_no_command_line() {
    knows_none_of(
        "az-core",
        &["az-ai", "az-data", "az-mcp", "az-cli", "reqwest", "hyper", "rusqlite", "clap"],
    );
}

#[test]
fn models_and_repositories_do_not_know_each_other() {
    knows_none_of("az-ai", &["az-data", "az-mcp", "az-cli", "rusqlite", "clap"]);
    knows_none_of("az-data", &["az-ai", "az-mcp", "az-cli", "reqwest", "clap"]);
}

#[test]
fn tools_know_only_the_core() {
    let known = dependencies("az-mcp", &[]);
    let ours: Vec<_> = known.iter().filter(|name| name.starts_with("az-")).collect();
    assert_eq!(ours, ["az-core"]);
    assert!(!known.contains("reqwest") && !known.contains("rmcp"), "{known:?}");
    // `client-http` is the only feature that brings an HTTP client.
    knows_none_of("az-mcp", &["az-ai", "az-data", "az-cli", "rusqlite", "clap", "aws-lc-rs"]);
    let others = ["--features", "ai-tools,client,data-tools,testing,web-tools"];
    assert!(!dependencies("az-mcp", &others).contains("reqwest"));
}

#[test]
fn core_stays_small() {
    let known = dependencies("az-core", &[]);
    assert!(known.len() <= 40, "az-core is built from {} crates: {known:#?}", known.len());
}

/// Returns what git tracks at the top level; `None` where the sources are no repository or git is not
/// installed.
fn tracked_top_level() -> Option<BTreeSet<String>> {
    let git = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().ok()?;
    let files = String::from_utf8(git.stdout).ok()?;
    let names = files.split('\0').filter_map(|file| file.split('/').next());
    let names: BTreeSet<_> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (git.status.success() && !names.is_empty()).then_some(names)
}

/// Returns what lies at the top level, as far as it is known not to be the result of a build.
fn listed_top_level() -> BTreeSet<String> {
    let entries = fs::read_dir(root()).expect("the workspace is there");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name != "target").collect()
}

#[test]
fn the_top_level_is_what_it_should_be() {
    let tracked = tracked_top_level().unwrap_or_else(listed_top_level);
    let names: Vec<_> = tracked.into_iter().filter(|name| !name.starts_with('.')).collect();
    let mut expected: Vec<_> = TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect();
    expected.push("examples".to_owned());
    expected.sort();
    assert_eq!(names, expected);
}

/// A source file of a crate.
struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Returns the lines before the tests.
    fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]").map(|(i, l)| (i + 1, l))
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for name in CRATES {
        collect(&root().join(name).join("src"), &mut found);
    }
    assert!(found.len() > 50, "only {} source files were found", found.len());
    found
}

fn collect(dir: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).expect("a source directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let name = path.strip_prefix(root()).expect("in the workspace").display().to_string();
            if !name.ends_with("tests.rs") {
                found.push(Source { name, text });
            }
        }
    }
}

#[test]
fn a_file_is_a_page() {
    let mut lengths: Vec<_> =
        sources().iter().map(|source| (source.production().count(), source.name.clone())).collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 400).collect();
    assert!(long.is_empty(), "longer than 400 lines: {long:?}");
    let median = lengths[lengths.len() / 2].0;
    assert!(median <= 150, "the median file has {median} lines");
}

#[test]
fn a_map_is_short() {
    for source in sources().iter().filter(|s| s.name.ends_with("src/lib.rs")) {
        let lines = source.production().count();
        assert!(lines <= 120, "{} has {lines} lines", source.name);
    }
}

#[test]
fn features_choose_modules_and_nothing_else() {
    for source in sources() {
        let lines: Vec<_> = source.production().collect();
        for (i, (number, line)) in lines.iter().enumerate() {
            if !line.trim_start().starts_with("#[cfg(") || !line.contains("feature") {
                continue;
            }
            let chosen = lines[i + 1..]
                .iter()
                .map(|(_, line)| line.trim_start())
                .find(|line| !line.starts_with("#["))
                .unwrap_or_default();
            let item = ["mod ", "pub mod ", "pub use "].iter().any(|s| chosen.starts_with(s));
            assert!(item, "{}:{number}: a feature chooses `{chosen}`", source.name);
        }
    }
}

#[test]
fn the_outside_world_comes_in_at_one_place_each() {
    let doors = [
        ("std::env::var", "az-cli/src/config/env.rs"),
        ("env::vars", "az-cli/src/config/env.rs"),
        ("SystemTime::now", ""),
        ("Timestamp::now", "az-core/src/clock.rs"),
        ("println!", ""),
        ("process::exit", "az-cli/src/signal.rs"),
    ];
    for source in sources() {
        for (number, line) in source.production() {
            for (call, door) in doors {
                let comment = line.trim_start().starts_with("//");
                assert!(
                    comment || !line.contains(call) || source.name == door,
                    "{}:{number}: {call} belongs into {door:?}",
                    source.name
                );
            }
        }
    }
}

/// A dependency of one top-level module of a crate on another, and a file that has it.
type Dependencies = BTreeMap<String, BTreeMap<String, String>>;

/// The dependencies that are allowed although they close a ring: crate, module, and the modules
/// that it may use.
///
/// `az_core::Error` carries ids, amounts and budgets as data, so that no caller has to parse a
/// message; and an id, an amount or a budget that is invalid is reported as an `az_core::Error`.
/// Errors of their own for these would only be converted into it everywhere.
const ALLOWED_RINGS: &[(&str, &str, &[&str])] = &[("az-core", "error", &["cost", "id", "money"])];

/// Returns which top-level modules of a crate use which others.
fn module_dependencies(package: &str) -> Dependencies {
    let prefix = format!("{package}/src/");
    let all = sources();
    let files: Vec<_> = all
        .iter()
        .filter_map(|source| Some((source.name.strip_prefix(&prefix)?, source)))
        .map(|(path, source)| (top_level(path), source))
        .filter(|(module, _)| !["lib", "main"].contains(&module.as_str()))
        .collect();
    let modules: BTreeSet<_> = files.iter().map(|(module, _)| module.clone()).collect();
    let mut dependencies = Dependencies::new();
    for (module, source) in files {
        let lines = source.production().map(|(_, line)| line.trim_start());
        let code: String = lines.filter(|line| !line.starts_with("//")).collect();
        let uses = dependencies.entry(module.clone()).or_default();
        for path in code.split("crate::").skip(1) {
            for used in first_segments(path) {
                if used != module && modules.contains(&used) {
                    uses.insert(used, source.name.clone());
                }
            }
        }
    }
    dependencies
}

/// Returns the top-level module that a file belongs to: `a` for `a.rs`, `a/mod.rs` and `a/b/c.rs`.
fn top_level(path: &str) -> String {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// Returns the first segments of what follows `crate::`: one, or those of a list in braces.
fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut depth, mut item, mut items) = (0, String::new(), Vec::new());
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(word(&std::mem::take(&mut item))),
            _ => item.push(c),
        }
        depth += i32::from(c == '{') - i32::from(c == '}');
    }
    items.push(word(&item));
    items
}

/// Returns the modules of a ring that `start` is part of, in their order, if there is one.
fn ring(start: &str, dependencies: &Dependencies) -> Option<Vec<String>> {
    let mut reached_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = vec![start];
    while let Some(module) = queue.pop() {
        for used in dependencies.get(module).into_iter().flat_map(BTreeMap::keys) {
            if used == start {
                let mut ring = vec![start.to_owned(), module.to_owned()];
                let mut at = module;
                while let Some(before) = reached_from.get(at) {
                    ring.push((*before).to_owned());
                    at = before;
                }
                ring.reverse();
                return Some(ring);
            }
            if !reached_from.contains_key(used.as_str()) {
                reached_from.insert(used, module);
                queue.push(used);
            }
        }
    }
    None
}

#[test]
fn modules_do_not_depend_on_each_other_in_rings() {
    for package in CRATES {
        let mut dependencies = module_dependencies(package);
        for (of, module, allowed) in ALLOWED_RINGS {
            for used in allowed.iter().filter(|_| *of == package) {
                let forth = dependencies.get_mut(*module).and_then(|uses| uses.remove(*used));
                let back = dependencies.get(*used).is_some_and(|uses| uses.contains_key(*module));
                assert!(forth.is_some() && back, "{package}: {module} and {used} form no ring");
            }
        }
        for module in dependencies.keys() {
            let Some(ring) = ring(module, &dependencies) else { continue };
            let steps = ring.windows(2).map(|step| {
                let file = &dependencies[&step[0]][&step[1]];
                format!("{} uses {} in {file}", step[0], step[1])
            });
            panic!("{package} has a ring: {}", steps.collect::<Vec<_>>().join(", "));
        }
    }
}

#[test]
fn the_first_segments_of_a_path_are_found() {
    for (path, expected) in [
        ("error::Result;", &["error"][..]),
        ("{config, error::{A, B}, pricing::C};", &["config", "error", "pricing"]),
        ("cost::Scope::Global", &["cost"]),
    ] {
        assert_eq!(first_segments(path), expected, "{path}");
    }
}

/// Providers that name some errors in their messages only: no code tells them apart.
const READ_FOREIGN_MESSAGES: &str = "az-ai/src/provider/";

/// Errors and failures carry what happened as data; a message is for people, and may be worded anew.
#[test]
fn messages_are_not_parsed() {
    let texts = ["message.", "message()", "to_string()", "chain()", "reason."];
    let parsers = [
        "contains(\"",
        "split_once(",
        "strip_prefix(",
        "strip_suffix(",
        "starts_with(\"",
        "split_w",
    ];
    for Source { name, text } in sources() {
        if name.starts_with(READ_FOREIGN_MESSAGES) {
            continue;
        }
        let source = Source { name: name.clone(), text };
        for (number, line) in source.production() {
            let (_, after) = texts.iter().find_map(|t| line.split_once(t)).unwrap_or_default();
            let parsed = parsers.iter().any(|parser| after.contains(parser));
            assert!(!parsed, "{name}:{number} parses a message: {line}");
        }
    }
}

#[test]
fn no_command_names_a_backend_of_stores() {
    for source in sources().iter().filter(|source| source.name.starts_with("az-cli/src")) {
        for (number, line) in source.production() {
            let names_it =
                ["az_data", "SqliteStore", "MemoryStore"].iter().any(|n| line.contains(n));
            let may = ["az-cli/src/wiring.rs"].contains(&source.name.as_str());
            assert!(may || !names_it, "{}:{number}: stores are opened by address", source.name);
        }
    }
}
