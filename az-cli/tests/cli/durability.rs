//! What a task reports as done survives a power failure: traces of the system calls show the order
//! of syncs, and a model of a filesystem that keeps only what was synced has everything at each commit.
//!
//! `crash_sweep/power_cut.rs` tests the same on real filesystems, where they can be mounted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::{Az, script};

/// The system calls that change or sync names and files.
const CALLS: &str = "trace=openat,openat2,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,\
                     unlinkat,mkdir,mkdirat,fsetxattr";

/// Runs a command under `strace` with these options; returns the system calls that change or sync names
/// and files, with the paths of descriptors. `None` if `strace` cannot trace here.
fn trace(az: &Az, options: &[&str], args: &[&str]) -> Option<Vec<String>> {
    let output = az.work().join("../trace");
    let plain = az.command(args);
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-o"]).arg(&output).args(["-e", CALLS]).args(options);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(az.work()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ended = match command.output() {
        Ok(ended) if ended.status.success() => ended,
        Ok(ended) if ended.status.code() != Some(1) => panic!("{ended:?}"),
        other => {
            eprintln!("skipped: strace cannot trace: {other:?}");
            return None;
        }
    };
    assert!(ended.status.success());
    let text = fs::read_to_string(output).unwrap();
    Some(whole(&text))
}

/// Joins the lines of calls that other threads interrupted.
fn whole(trace: &str) -> Vec<String> {
    let mut begun = BTreeMap::new();
    let mut lines = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or((line, ""));
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, start);
        } else if let Some((_, end)) =
            call.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            let start = begun.remove(thread).unwrap_or_default();
            lines.push(format!("{thread} {start}{end}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Checks that calls appear in this order; each is a name and a part of its arguments.
#[track_caller]
fn assert_in_order(trace: &[String], calls: &[(&str, &str)]) {
    let mut rest = trace.iter();
    for (name, argument) in calls {
        let is_it = |line: &String| {
            line.split_once(' ').is_some_and(|(_pid, call)| {
                call.trim_start().starts_with(name) && call.contains(argument)
            })
        };
        assert!(rest.any(is_it), "no {name} of {argument} in its place in\n{}", trace.join("\n"));
    }
}

#[test]
fn files_and_directories_are_synced_before_a_write_is_recorded_as_done() {
    let az = Az::new();
    let write = |path: &str, append: bool| {
        let arguments = json!({"path": path, "content": "text", "append": append});
        json!({"calls": [{"name": "filesystem.write", "arguments": arguments}]})
    };
    let model = script(
        &az,
        &[write("new/deep/f", false), write("new/log", true), json!({"text": "written"})],
    );
    let Some(trace) = trace(&az, &[], &["task", "run", "write", "--model", &model]) else { return };
    let failed = |line: &&String| line.contains("sync(") && line.contains("= -1");
    assert_eq!(trace.iter().find(failed), None, "a sync failed");
    let recorded = ("f", "az.db-wal>");
    assert_in_order(
        &trace,
        &[
            ("mkdir", "share"),
            ("fsync", "/share>"),
            ("fsync", "/.local>"),
            ("fsync", "/home>"),
            ("fsync", "/share/az>"),
        ],
    );
    assert_in_order(
        &trace,
        &[
            ("mkdir", "new"),
            ("mkdir", "deep"),
            ("fsync", "/work/new>"),
            ("fsync", "/work>"),
            ("fsync", ".tmp"),
            ("renameat", "/work/new/deep>"),
            ("fsync", "/work/new/deep>"),
            recorded,
            ("fsync", "/work>"),
            ("fsync", "/work/new/log>"),
            ("fsync", "/work/new>"),
            ("fsetxattr", "/work/new/log>"),
            recorded,
        ],
    );
}

/// A directory on a filesystem that keeps nothing but what was synced: the content of a file when the file
/// was, a name when its directory was.
struct Unsynced {
    root: String,
    names: BTreeMap<String, u32>,
    synced_names: BTreeMap<String, u32>,
    unsynced_files: BTreeSet<u32>,
    files: u32,
}

impl Unsynced {
    fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            unsynced_files: BTreeSet::new(),
            files: 0,
        }
    }

    fn create(&mut self, path: String) {
        if path.starts_with(&format!("{}/", self.root)) && !self.names.contains_key(&path) {
            self.files += 1;
            self.names.insert(path, self.files);
        }
    }

    fn change(&mut self, path: &str) {
        self.unsynced_files.extend(self.names.get(path));
    }

    /// Syncs a file, and the names in it if it is a directory.
    fn sync(&mut self, path: &str) {
        if let Some(file) = self.names.get(path) {
            self.unsynced_files.remove(file);
        }
        let inside =
            |name: &String| name.rsplit_once('/').is_some_and(|(parent, _)| parent == path);
        self.synced_names.retain(|name, _| !inside(name));
        let synced = self.names.iter().filter(|(name, _)| inside(name));
        self.synced_names.extend(synced.map(|(name, file)| (name.clone(), *file)));
    }

    /// Applies a system call of a trace.
    fn apply(&mut self, line: &str) {
        let Some((name, rest)) = line.split_once(' ').and_then(|(_, call)| call.split_once('('))
        else {
            return;
        };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { return };
        if result.starts_with('-') || result.contains("INJECTED") {
            return;
        }
        // A descriptor is followed by its path, such as in `5</tmp/f>`.
        let descriptors: Vec<_> = arguments
            .split('<')
            .skip(1)
            .filter_map(|part| Some(part.split_once('>')?.0.to_owned()))
            .collect();
        let texts: Vec<_> = arguments.split('"').skip(1).step_by(2).collect();
        let named = |at: usize| Some(format!("{}/{}", descriptors.get(at)?, texts.get(at)?));
        match name.trim_start() {
            "openat" | "openat2" if arguments.contains("O_CREAT") => {
                let opened = result.split_once('<').and_then(|(_, path)| path.split_once('>'));
                opened.into_iter().for_each(|(path, _)| self.create(path.to_owned()));
            }
            "mkdirat" => named(0).into_iter().for_each(|path| self.create(path)),
            "renameat" | "renameat2" => {
                let file = named(0).and_then(|from| self.names.remove(&from));
                self.names.extend(named(1).zip(file));
            }
            "unlinkat" => self.names.retain(|path, _| Some(path) != named(0).as_ref()),
            "write" | "pwrite64" | "ftruncate" | "fsetxattr" => {
                descriptors.iter().take(1).for_each(|path| self.change(path));
            }
            "fsync" | "fdatasync" => descriptors.iter().take(1).for_each(|path| self.sync(path)),
            _ => {}
        }
    }

    /// Returns what a power cut would lose now.
    fn lost(&self) -> Vec<String> {
        let is_kept = |(name, file): (&String, &u32)| {
            self.synced_names.get(name) == Some(file) && !self.unsynced_files.contains(file)
        };
        self.names.iter().filter(|entry| !is_kept(*entry)).map(|(name, _)| name.clone()).collect()
    }
}

/// Runs a task that writes files; returns what a power cut at each commit of its database would lose.
/// Marks of appends need not be durable: without one, the outcome is unknown.
fn lost_at_commits(options: &[&str]) -> Option<Vec<String>> {
    let az = Az::new();
    let write = |path: &str, text: &str, append: bool| {
        let arguments = json!({"path": path, "content": text, "append": append});
        json!({"calls": [{"name": "filesystem.write", "arguments": arguments}]})
    };
    let model = script(
        &az,
        &[
            write("new/deep/f", "first", false),
            write("new/deep/f", "second", false),
            write("new/log", "one", true),
            write("new/log", "two", true),
            write("g", "third", false),
            json!({"text": "written"}),
        ],
    );
    let trace = trace(&az, options, &["task", "run", "write", "--model", &model])?;
    let mut model = Unsynced::new(&az.work().canonicalize().unwrap().display().to_string());
    let (mut lost, mut commits) = (Vec::new(), 0);
    for line in trace.iter().filter(|line| !line.contains("fsetxattr(")) {
        model.apply(line);
        if line.contains("sync(") && line.contains("az.db-wal>") {
            commits += 1;
            lost.extend(model.lost());
        }
    }
    assert!(commits > 20 && model.names.len() == 5, "{commits} commits, {:?}", model.names);
    Some(lost)
}

#[test]
fn a_power_cut_at_a_commit_loses_nothing_that_was_written() {
    let Some(lost) = lost_at_commits(&[]) else { return };
    assert_eq!(lost, [] as [String; 0]);
}

/// The mutant that syncs nothing.
#[test]
fn writes_that_are_not_synced_are_lost_in_a_power_cut() {
    let Some(lost) = lost_at_commits(&["-e", "inject=fsync:retval=0"]) else { return };
    assert!(lost.iter().any(|path| path.ends_with("/new/deep/f")), "{lost:?}");
    assert!(lost.iter().any(|path| path.ends_with("/new/log")), "{lost:?}");
}
