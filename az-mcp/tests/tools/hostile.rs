//! Paths that try to leave the workspace, or to block: for every tool of files, none does either.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use az_core::tool::{ToolOutput, Toolbox};
use rustix::fs::{CWD, RenameFlags, mkfifoat, renameat_with};
use serde_json::{Value, json};

use crate::support::Bench;

/// What files outside of the workspace contain, and what is in the names of some.
const CANARY: &str = "outside-canary";

/// How long all calls with one path may take. A call that blocks takes forever.
const SOON: Duration = Duration::from_secs(10);

/// Hostile paths that are the same for every workspace.
const PATHS: &[&str] = &[
    // Upwards.
    "..",
    "../",
    "../.",
    "../..",
    "../out",
    "../out/file",
    "../secret",
    "./../secret",
    ".././secret",
    "..//secret",
    "../inside_evil/secret",
    "../inside/../secret",
    "sub/../../secret",
    "sub/deep/../../../secret",
    "sub/./../.././secret",
    "sub/..//../secret",
    "sub/deep/../../../out/deep/file",
    "nowhere/../../secret",
    "new/deep/../../../secret",
    "sub/file/../../../secret",
    "../inside/sub/file/../../../secret",
    "sub/../..",
    "sub/deep/../../..",
    "./.././out/./file",
    "../out/../secret",
    // Links.
    "link-out",
    "link-out/",
    "link-out/.",
    "link-out/file",
    "link-out/deep/file",
    "link-out/../secret",
    "link-out/deep/../file",
    "link-deep/file",
    "link-deep/../file",
    "link-file",
    "link-file/",
    "link-up",
    "link-up/secret",
    "link-up/out/file",
    "link-up/..",
    "link-chain",
    "link-chain/file",
    "link-loop",
    "link-loop/x",
    "link-loop-a",
    "link-new",
    "link-new-dir",
    "link-new-dir/file",
    "link-dot/file",
    "link-root",
    "link-root/etc/hostname",
    "link-cwd",
    "link-cwd/Cargo.toml",
    "link-fd",
    "link-fd/0",
    "link-fd/1",
    "link-mem",
    "link-zero",
    "link-full",
    "link-tty",
    "link-stdin",
    "sub/link-out/file",
    "sub/link-file",
    "sub/../link-out/file",
    "sub/deep/../../link-out/file",
    "link-absolute",
    "link-absolute/file",
    "link-absolute-file",
    "link-out/new",
    "link-out/new/deep/file",
    "link-absolute/new",
    "hard",
    // Special files.
    "fifo",
    "link-fifo",
    "socket",
    "link-out/fifo",
    "../out/fifo",
    "fifo/x",
    "socket/x",
    // Absolute.
    "/",
    "//",
    "/..",
    "/../..",
    "/etc/hostname",
    "//etc/hostname",
    "/./etc/hostname",
    "/etc/../etc/hostname",
    "/proc/self/root",
    "/proc/self/root/etc/hostname",
    "/proc/self/cwd",
    "/proc/self/fd/0",
    "/proc/self/environ",
    "/proc/self/mem",
    "/proc/1/root",
    "/proc/1/environ",
    "/proc/thread-self/root/etc/hostname",
    "/dev/stdin",
    "/dev/zero",
    "/dev/full",
    "/dev/tty",
    "/dev/random",
    "/dev/fd/0",
    "/sys/kernel",
    "/run",
    "/tmp",
    // The home directory.
    "~",
    "~/",
    "~/.ssh/id_rsa",
    "~root",
    "~root/.bashrc",
    "~/../etc/hostname",
    "~/..",
    // NUL.
    "\0",
    "a\0b",
    "../secret\0",
    "../secret\0.txt",
    "sub\0/../../secret",
    "sub/\0../secret",
    // Case.
    "LINK-OUT/FILE",
    "Link-Out/file",
    "SUB/../../secret",
    "../SECRET",
    // Dots and blanks at the ends of names.
    "../secret.",
    "../secret ",
    "../secret..",
    "..../secret",
    ".../secret",
    "... /secret",
    ".. /secret",
    " ../secret",
    "../ secret",
    "..\t/secret",
    "\t../secret",
    "..\n/secret",
    "../secret\n",
    "sub/.. ./secret",
    "sub/../ ../secret",
    ". ./secret",
    ". . /secret",
    "../secret. . ",
    ".. . /.. ./secret",
    // Characters that look like dots and slashes, and escapes that others decode.
    "．．/secret",
    "‥/secret",
    "․․/secret",
    "。。/secret",
    "..／secret",
    "..∕secret",
    "..⁄secret",
    "..＼secret",
    "․.／secret",
    "\u{feff}../secret",
    "..\u{feff}/secret",
    "\u{202e}../secret",
    ".\u{200b}./secret",
    "\u{200b}../secret",
    "..\u{200d}/secret",
    ".\u{301}./secret",
    "..\u{ad}/secret",
    "\u{2060}../secret",
    "ﬁle/../../secret",
    "%2e%2e/secret",
    "..%2fsecret",
    "%2e%2e%2fsecret",
    "..%252fsecret",
    "..%c0%afsecret",
    "..%00/secret",
    "%2e%2e%5csecret",
    "&#46;&#46;/secret",
    "\\u002e\\u002e/secret",
    // Other systems, addresses and shells.
    "..\\secret",
    "..\\..\\secret",
    "sub\\..\\..\\secret",
    "\\secret",
    "C:\\secret",
    "C:/secret",
    "\\\\host\\share",
    "\\\\?\\C:\\secret",
    "//host/share",
    "CON",
    "NUL",
    "AUX",
    "secret::$DATA",
    "file:///etc/hostname",
    "file:../secret",
    "http://127.0.0.1/secret",
    "$PWD/../secret",
    "${PWD}/../secret",
    "$(cat ../secret)",
    "`cat ../secret`",
    "../*",
    "../s?cret",
    "../{secret,out}",
    "{..,.}/secret",
    "[.][.]/secret",
    "../secret; ls",
    "-",
    "--",
    "-rf ..",
    "../secret|cat",
    "../secret#",
    "../secret?",
    // Nothing, and what is inside.
    "",
    ".",
    "./",
    "./.",
    "sub/",
    "sub//",
    ".//sub///deep",
    "sub/.",
];

/// Prepares a workspace with links and special files, and files outside of it.
fn prepared() -> Bench {
    let bench = Bench::new();
    let out = bench.outside("out");
    fs::create_dir_all(out.join("deep")).unwrap();
    for file in ["file", "deep/file", "shared", CANARY] {
        fs::write(out.join(file), CANARY).unwrap();
    }
    for secret in ["secret", "inside_evil/secret"] {
        fs::write(bench.outside(secret), CANARY).unwrap();
    }
    fs::create_dir_all(bench.at("sub/deep")).unwrap();
    fs::write(bench.at("sub/file"), "inside").unwrap();
    for (link, target) in [
        ("link-out", "../out"),
        ("link-deep", "../out/deep"),
        ("link-file", "../secret"),
        ("link-up", ".."),
        ("link-chain", "link-out"),
        ("link-loop", "link-loop"),
        ("link-loop-a", "link-loop-b"),
        ("link-loop-b", "link-loop-a"),
        ("link-new", "../out/new"),
        ("link-new-dir", "../out/new/dir"),
        ("link-dot", "./sub/../../out"),
        ("link-root", "/proc/self/root"),
        ("link-cwd", "/proc/self/cwd"),
        ("link-fd", "/proc/self/fd"),
        ("link-mem", "/proc/self/mem"),
        ("link-zero", "/dev/zero"),
        ("link-full", "/dev/full"),
        ("link-tty", "/dev/tty"),
        ("link-stdin", "/dev/stdin"),
        ("sub/link-out", "../../out"),
        ("sub/link-file", "../../secret"),
        ("link-fifo", "fifo"),
    ] {
        symlink(target, bench.at(link)).unwrap();
    }
    symlink(&out, bench.at("link-absolute")).unwrap();
    symlink(out.join("file"), bench.at("link-absolute-file")).unwrap();
    fs::hard_link(out.join("shared"), bench.at("hard")).unwrap();
    mkfifoat(CWD, bench.at("fifo"), 0o600.into()).unwrap();
    mkfifoat(CWD, bench.outside("out/fifo"), 0o600.into()).unwrap();
    drop(UnixListener::bind(bench.at("socket")));
    bench
}

/// Returns the hostile paths of a workspace.
fn paths(bench: &Bench) -> Vec<String> {
    let absolute = |path: &str| bench.outside(path).display().to_string();
    let inside = bench.at("").display().to_string();
    let inside = inside.trim_end_matches('/');
    let mut paths: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
    for depth in [1, 2, 3, 5, 8, 13, 21, 40, 500, 1_500] {
        let up = "../".repeat(depth);
        let absolute = absolute("secret");
        let from_root = absolute.trim_start_matches('/');
        paths.push(format!("{up}{from_root}"));
        paths.push(format!("sub/{up}{from_root}"));
        paths.push(format!("link-root/{up}{from_root}"));
        paths.push(format!("{}../secret", "./".repeat(depth)));
        paths.push(format!("{}..", "sub/../".repeat(depth)));
    }
    for outside in ["", "out", "out/file", "secret", "inside_evil/secret", "inside/../secret"] {
        paths.push(absolute(outside));
        paths.push(format!("/proc/self/root{}", absolute(outside)));
        paths.push(format!("link-root{}", absolute(outside)));
        paths.push(format!("/{}", absolute(outside)));
    }
    for end in
        ["/../secret", "/sub/../../secret", "/link-out/file", "_evil/secret", "/../out", "/.."]
    {
        paths.push(format!("{inside}{end}"));
        paths.push(format!("{}{end}", inside.to_uppercase()));
    }
    paths.push("n".repeat(256));
    paths.push("n".repeat(100_000));
    paths.push(format!("{}secret", "a/".repeat(3_000)));
    paths.push(format!("../{}", "n".repeat(5_000)));
    paths.push(format!("sub/{}/../../../secret", "é".repeat(300)));
    paths
}

/// Returns every file outside of the workspace with its content, and every directory.
fn outside(bench: &Bench) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut rest = vec![bench.outside("")];
    while let Some(dir) = rest.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if path == Path::new(&bench.at("")) {
                continue;
            }
            let content = kind.is_file().then(|| fs::read(&path).unwrap());
            if kind.is_dir() {
                rest.push(path.clone());
            }
            found.insert(path.display().to_string(), content);
        }
    }
    found
}

/// Calls a tool with a path. Arguments that are refused are a failed output here.
async fn call(bench: &Bench, tool: &str, arguments: Value) -> ToolOutput {
    let call = bench.call(tool, arguments).with_timeout(Some(SOON));
    match bench.tools.call(call).await {
        Ok(output) => output,
        Err(error) => ToolOutput::failed(error.to_string()),
    }
}

/// The calls that are made with each path.
fn calls(path: &str) -> [(&'static str, Value); 5] {
    [
        ("filesystem.read", json!({"path": path, "encoding": "latin-1"})),
        ("filesystem.list", json!({"path": path, "include_hidden": true})),
        ("filesystem.list", json!({"path": path, "recursive": true})),
        ("filesystem.write", json!({"path": path, "content": "x", "append": true})),
        ("filesystem.write", json!({"path": path, "content": "x"})),
    ]
}

/// Returns whether a path may name a file of the system. Writing to it is not attempted, so that a fault
/// does not destroy the machine that runs the test.
fn is_of_the_system(bench: &Bench, path: &str) -> bool {
    let parts = ["etc", "proc", "sys", "run", "dev", "fd", "mem", "~", "root"];
    let own = bench.outside("").display().to_string();
    !path.contains(own.trim_matches('/')) && parts.iter().any(|part| path.contains(part))
}

#[tokio::test]
async fn no_path_leaves_the_workspace_or_blocks() {
    let bench = prepared();
    let (before, paths) = (outside(&bench), paths(&bench));
    assert!(paths.len() >= 200, "{} paths", paths.len());
    let mut escapes = Vec::new();
    for path in &paths {
        let started = Instant::now();
        for (tool, arguments) in calls(path) {
            if tool == "filesystem.write" && is_of_the_system(&bench, path) {
                continue;
            }
            let output = call(&bench, tool, arguments).await;
            let all = format!("{}{}", output.text(), output.data.clone().unwrap_or_default());
            // A hard link is a file of the workspace: what it contains can be read.
            let leaks = output.ok && all.contains(CANARY) && path != "hard";
            if leaks || outside(&bench) != before || output.unknown {
                escapes.push((tool, path.clone(), all));
            }
        }
        if started.elapsed() > SOON {
            escapes.push(("blocked", path.clone(), String::new()));
        }
    }
    assert_eq!(escapes, []);
}

#[tokio::test]
async fn appending_to_a_hard_link_is_refused_and_replacing_it_leaves_the_other_file() {
    let bench = prepared();
    let arguments = json!({"path": "hard", "content": "x", "append": true});
    let refused = call(&bench, "filesystem.write", arguments).await;
    let says = "`hard`: it has another hard link, which may be outside the workspace";
    assert!(!refused.ok && refused.text().starts_with(says), "{}", refused.text());
    let written = call(&bench, "filesystem.write", json!({"path": "hard", "content": "x"})).await;
    assert!(written.ok, "{}", written.text());
    assert_eq!(fs::read_to_string(bench.at("hard")).unwrap(), "x");
    assert_eq!(fs::read_to_string(bench.outside("out/shared")).unwrap(), CANARY);
}

#[tokio::test]
async fn a_path_that_is_swapped_between_check_and_use_does_not_leave_the_workspace() {
    const SWAPS: usize = 10_000;
    let bench = prepared();
    // Both are directories with a file of this name; one is a link to outside.
    fs::create_dir(bench.at("swapped")).unwrap();
    fs::write(bench.at("swapped/file"), "inside").unwrap();
    let before = outside(&bench);
    let (directory, link) = (bench.at("swapped"), bench.at("link-out"));
    let swapping = std::thread::spawn(move || {
        for _ in 0..SWAPS {
            renameat_with(CWD, &directory, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            std::thread::yield_now();
        }
    });
    let mut made = 0;
    while !swapping.is_finished() {
        for (tool, arguments) in calls("swapped/file") {
            let output = call(&bench, tool, arguments).await;
            assert!(!(output.ok && output.text().contains(CANARY)), "{tool}: {}", output.text());
            made += 1;
        }
    }
    swapping.join().unwrap();
    assert!(made > 0);
    assert_eq!(outside(&bench), before);
}
