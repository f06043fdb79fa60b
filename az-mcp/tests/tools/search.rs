//! `filesystem.search` and `filesystem.glob`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use az_core::tool::{Access, AccessCheck, Toolbox};
use serde_json::{Value, json};

use crate::support::Bench;

/// A workspace with files of all kinds.
fn bench() -> Bench {
    let bench = Bench::new();
    for (path, content) in [
        ("a.rs", "fn one() {}\nfn two() {}\n"),
        ("src/b.rs", "// a comment\nfn one() {}\n"),
        ("src/c.txt", "one\nTWO\nthree\nfour\nfive one\n"),
        (".hidden.rs", "fn one() {}\n"),
        ("target/d.rs", "fn one() {}\n"),
        (".ignore", "target\n"),
        ("binary", "one\0\n"),
    ] {
        let path = bench.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    symlink(bench.outside(""), bench.at("link")).unwrap();
    symlink(bench.outside("secret"), bench.at("link.rs")).unwrap();
    bench
}

async fn search(bench: &Bench, arguments: Value) -> String {
    let output = bench.run("filesystem.search", arguments).await;
    assert!(output.ok, "{}", output.text());
    output.text().into_owned()
}

async fn glob(bench: &Bench, arguments: Value) -> String {
    bench.run("filesystem.glob", arguments).await.text().into_owned()
}

#[tokio::test]
async fn matching_lines_are_returned_with_path_and_number() {
    let bench = bench();
    let all = "a.rs:1:fn one() {}\nsrc/b.rs:2:fn one() {}\nsrc/c.txt:1:one\nsrc/c.txt:5:five one";
    assert_eq!(search(&bench, json!({"pattern": "one"})).await, all);
    let output = bench.run("filesystem.search", json!({"pattern": "^one"})).await;
    let expected = json!({
        "matches": 1, "files": 1, "results": [{"path": "src/c.txt", "line": 1, "text": "one"}]
    });
    assert_eq!(output.data, Some(expected));
}

#[tokio::test]
async fn a_search_has_a_directory_a_glob_a_mode_and_context() {
    let bench = bench();
    for (arguments, expected) in [
        (json!({"pattern": "one", "path": "a.rs"}), "a.rs:1:fn one() {}"),
        (json!({"pattern": "one", "path": "src", "glob": "*.rs"}), "src/b.rs:2:fn one() {}"),
        (
            json!({"pattern": "one", "path": "src/../src", "glob": "!*.rs", "mode": "files"}),
            "src/c.txt",
        ),
        (
            json!({"pattern": "one", "glob": "src/*"}),
            "src/b.rs:2:fn one() {}\nsrc/c.txt:1:one\nsrc/c.txt:5:five one",
        ),
        (json!({"pattern": "one", "mode": "count"}), "a.rs:1\nsrc/b.rs:1\nsrc/c.txt:2"),
        (json!({"pattern": "two", "ignore_case": true, "mode": "files"}), "a.rs\nsrc/c.txt"),
        (
            json!({"pattern": "one$", "context": 1}),
            "src/c.txt:1:one\nsrc/c.txt-2-TWO\n--\nsrc/c.txt-4-four\nsrc/c.txt:5:five one",
        ),
        (
            json!({"pattern": "nowhere"}),
            "[no matches; hidden, ignored and binary files are not searched]",
        ),
        (json!({"pattern": "one", "path": "target"}), "target/d.rs:1:fn one() {}"),
    ] {
        assert_eq!(search(&bench, arguments.clone()).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn what_is_left_out_is_counted() {
    let bench = bench();
    assert_eq!(
        search(&bench, json!({"pattern": "one", "limit": 2})).await,
        "a.rs:1:fn one() {}\nsrc/b.rs:2:fn one() {}\n[2 of 4 matching lines shown; narrow the pattern, \
         the path or the glob, or raise the limit]"
    );
    assert_eq!(
        search(&bench, json!({"pattern": "one", "mode": "files", "limit": 1})).await,
        "a.rs\n[1 of 3 files shown; narrow the pattern, the path or the glob, or raise the limit]"
    );
    fs::write(bench.at("long"), format!("{}needle{}", "é".repeat(999), "x".repeat(999))).unwrap();
    let found = search(&bench, json!({"pattern": "needle"})).await;
    assert!(found.starts_with("long:1:…é") && found.ends_with("x… [of 3003 bytes]"), "{found}");
    assert!(found.contains("éneedlex") && found.len() < 400, "{found}");
}

#[tokio::test]
async fn utf_16_with_a_byte_order_mark_is_searched() {
    let bench = bench();
    let bytes: Vec<u8> =
        "\u{feff}wide néedle\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(bench.at("wide"), bytes).unwrap();
    assert_eq!(search(&bench, json!({"pattern": "née"})).await, "wide:1:wide néedle");
}

#[tokio::test]
async fn an_invalid_pattern_is_refused_with_its_place_and_a_remedy() {
    let bench = Bench::new();
    for (tool, arguments, expected) in [
        (
            "filesystem.search",
            json!({"pattern": "fn main("}),
            &["    fn main(\n           ^\n", "unclosed group", "write \\ before each of"][..],
        ),
        ("filesystem.search", json!({"pattern": "a\nb"}), &["search for a part of one line"]),
        (
            "filesystem.search",
            json!({"pattern": "a", "glob": "[x"}),
            &["glob: is not a valid pattern of paths", "unclosed character class"],
        ),
        ("filesystem.search", json!({"pattern": "a", "limit": 0}), &["limit: must be at least 1"]),
        (
            "filesystem.search",
            json!({"pattern": "a", "context": 51}),
            &["context: must be at most 50"],
        ),
        (
            "filesystem.glob",
            json!({"pattern": "{a"}),
            &["pattern: is not a valid pattern of paths"],
        ),
        ("filesystem.glob", json!({"pattern": " "}), &["pattern: must not be empty"]),
        ("filesystem.glob", json!({"pattern": "*", "limit": 0}), &["limit: must be at least 1"]),
    ] {
        let refused =
            bench.tools.prepare(bench.call(tool, arguments.clone())).unwrap_err().to_string();
        for part in expected {
            assert!(refused.contains(part), "{arguments}: {refused}");
        }
    }
}

#[tokio::test]
async fn files_are_found_by_their_paths() {
    let bench = bench();
    assert_eq!(glob(&bench, json!({"pattern": "*.rs"})).await, "a.rs\nsrc/b.rs");
    assert_eq!(glob(&bench, json!({"pattern": "src/**"})).await, "src/b.rs\nsrc/c.txt");
    assert_eq!(glob(&bench, json!({"pattern": "/*.rs"})).await, "a.rs");
    assert_eq!(glob(&bench, json!({"pattern": "*.{txt,md}", "path": "src"})).await, "src/c.txt");
    assert_eq!(
        glob(&bench, json!({"pattern": "**", "limit": 2})).await,
        "a.rs\nbinary\n[2 of 4 files shown; narrow the pattern or the path, or raise the limit]"
    );
    assert_eq!(
        glob(&bench, json!({"pattern": "*.py"})).await,
        "[no files; hidden and ignored ones are left out]"
    );
}

#[tokio::test]
async fn nothing_outside_the_workspace_is_searched_or_named() {
    let bench = bench();
    for tool in ["filesystem.search", "filesystem.glob"] {
        for path in ["..", "link", "/etc", "../inside_evil", "~"] {
            let output = bench.run(tool, json!({"pattern": "secret", "path": path})).await;
            assert!(!output.ok, "{tool} {path}: {}", output.text());
        }
    }
    let none = "[no matches; hidden, ignored and binary files are not searched]";
    assert_eq!(search(&bench, json!({"pattern": "outside"})).await, none);
    let missing = bench.run("filesystem.search", json!({"pattern": "a", "path": "nowhere"})).await;
    assert_eq!(missing.text(), "`nowhere` does not exist");
}

/// A directory that is swapped for a link while it is walked discloses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_becomes_a_link_discloses_nothing() {
    let bench = bench();
    fs::create_dir(bench.outside("elsewhere")).unwrap();
    for number in 0..50 {
        fs::write(bench.outside(&format!("elsewhere/secret{number}")), "outside").unwrap();
        fs::write(bench.at(&format!("src/f{number}")), "inside").unwrap();
    }
    let (src, link, kept) = (bench.at("src"), bench.at("swap"), bench.at("kept"));
    symlink(bench.outside("elsewhere"), &link).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                fs::rename(&src, &kept).unwrap();
                fs::rename(&link, &src).unwrap();
                fs::rename(&src, &link).unwrap();
                fs::rename(&kept, &src).unwrap();
            }
        });
        let calls = async {
            for _ in 0..40 {
                let found = search(&bench, json!({"pattern": "side", "limit": 1000})).await;
                let named = glob(&bench, json!({"pattern": "**", "limit": 1000})).await;
                assert!(!found.contains("outside") && !found.contains("secret"), "{found}");
                assert!(!named.contains("secret"), "{named}");
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(calls));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[tokio::test]
async fn files_that_the_policy_does_not_allow_are_left_out() {
    let bench = bench();
    let check = AccessCheck::new(|access| match access {
        Access::Read { path } if path.ends_with("c.txt") => Err("it is denied".to_owned()),
        _ => Ok(()),
    });
    for (tool, expected) in [
        ("filesystem.search", "a.rs\nsrc/b.rs\n[files that the policy does not allow to read: 1]"),
        (
            "filesystem.glob",
            "a.rs\nbinary\nsrc/b.rs\n[files that the policy does not allow to read: 1]",
        ),
    ] {
        let pattern = if tool == "filesystem.glob" { "**" } else { "one" };
        let mut arguments = json!({"pattern": pattern});
        if tool == "filesystem.search" {
            arguments["mode"] = json!("files");
        }
        let call = bench.call(tool, arguments).with_access(check.clone());
        assert_eq!(bench.tools.call(call).await.unwrap().text(), expected, "{tool}");
    }
}

/// A pipe would block the walk, and a device might have no end.
#[tokio::test]
async fn an_ignore_file_that_is_no_file_is_not_read() {
    let bench = bench();
    let fifo = |path: &str| {
        let path = bench.at(path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    fs::create_dir(bench.at("z")).unwrap();
    fs::write(bench.at("z/one"), "one\n").unwrap();
    symlink("/dev/zero", bench.at("z/.gitignore")).unwrap();
    fifo("src/.ignore");
    let found = search(&bench, json!({"pattern": "one"})).await;
    let note = "[files or directories that could not be read: 2]";
    assert_eq!(found, format!("a.rs:1:fn one() {{}}\n{note}"));
    fs::remove_file(fifo(".rgignore")).unwrap();
    fifo(".rgignore");
    let output = bench.run("filesystem.glob", json!({"pattern": "*.rs"})).await;
    assert_eq!(output.text(), "`.rgignore` is not a regular file");
    // Those above the directory count too.
    fs::create_dir(bench.at("y")).unwrap();
    let below = bench.run("filesystem.search", json!({"pattern": "one", "path": "y"})).await;
    assert_eq!(below.text(), "`.rgignore` is not a regular file");
    fs::remove_file(bench.at(".rgignore")).unwrap();
    let above = bench.at("../.ignore");
    assert!(Command::new("mkfifo").arg(&above).status().unwrap().success());
    let output = bench.run("filesystem.glob", json!({"pattern": "a.rs"})).await;
    let text = output.text().into_owned();
    assert!(text.ends_with("/.ignore` is not a regular file"), "{text}");
}

#[tokio::test]
async fn a_cancelled_search_ends() {
    let bench = bench();
    let call = bench.call("filesystem.search", json!({"pattern": "one"}));
    call.cancel.cancel();
    assert!(!bench.tools.call(call).await.unwrap().ok);
}

/// Returns the lines that ripgrep prints, sorted.
fn rg(directory: &Path, args: &[&str]) -> Vec<String> {
    let output = Command::new("rg").current_dir(directory).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<String> =
        text.lines().map(|line| line.trim_start_matches("./").to_owned()).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_hits_are_those_of_ripgrep() {
    if Command::new("rg").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `rg`");
        return;
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let bench = Bench::new();
    let run = async |tool: &str, arguments: Value| {
        let call = bench.call(tool, arguments).in_workspace(repository.to_str().unwrap());
        let output = bench.tools.call(call).await.unwrap();
        assert!(output.ok, "{}", output.text());
        output.data.unwrap()
    };
    for pattern in
        ["fn ", r"\bToolbox\b", "(?i)workspace", r"^\s*pub\(super\) struct", "é|…", "zzz_no"]
    {
        let arguments = json!({"pattern": pattern, "mode": "count", "limit": 1_000_000});
        let found = run("filesystem.search", arguments).await;
        let results = found["results"].as_array().unwrap().iter();
        let mut ours: Vec<String> = results
            .map(|hit| format!("{}:{}", hit["path"].as_str().unwrap(), hit["count"]))
            .collect();
        ours.sort();
        // The output is limited by its size as well, so that the rest is compared by its number.
        let theirs = rg(&repository, &["--no-config", "-c", "-e", pattern, "./"]);
        assert_eq!(found["files"], theirs.len(), "{pattern}");
        assert!(ours.iter().all(|hit| theirs.contains(hit)), "{pattern}");
        let sum = |lines: &[String]| -> u64 {
            lines.iter().map(|line| line.rsplit(':').next().unwrap().parse::<u64>().unwrap()).sum()
        };
        assert_eq!(found["matches"], sum(&theirs), "{pattern}");
    }
    let found = run("filesystem.glob", json!({"pattern": "**", "limit": 1_000_000})).await;
    let mut ours: Vec<&str> =
        found.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    ours.sort_unstable();
    assert_eq!(ours, rg(&repository, &["--no-config", "--files", "./"]));
}
