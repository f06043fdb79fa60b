//! Tests of the filesystem tools.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use az_core::tool::{Access, AccessCheck, EffectClass, Invocation, Probed, ToolOutput, Toolbox};
use az_core::{ErrorKind, Result};
use rustix::fs::{CWD, RenameFlags, mkfifoat, renameat_with};
use serde_json::{Value, json};

use crate::support::Bench;

const OUTSIDE: &str = "is outside the workspace; use a path inside it";

#[tokio::test]
async fn paths_outside_the_workspace_are_refused() {
    let bench = Bench::new();
    symlink("../secret", bench.at("link")).unwrap();
    symlink(bench.outside("secret"), bench.at("absolute_link")).unwrap();
    symlink("..", bench.at("up")).unwrap();
    symlink("up/secret", bench.at("link_to_link")).unwrap();
    fs::create_dir(bench.at("d")).unwrap();
    let sibling = bench.outside("inside_evil/secret");
    let climbing = bench.at("../secret");
    let paths = [
        "../secret",
        "d/../../secret",
        "/etc/passwd",
        "/",
        sibling.to_str().unwrap(),
        climbing.to_str().unwrap(),
        "link",
        "absolute_link",
        "up/secret",
        "link_to_link",
        "d/../up/secret",
        "//etc/passwd",
    ];
    for path in paths {
        let refused = ToolOutput::failed(format!("`{path}` {OUTSIDE}"));
        let read = bench.run("filesystem.read", json!({"path": path})).await;
        assert_eq!(read, refused);
        for append in [false, true] {
            let arguments = json!({"path": path, "content": "x", "append": append});
            let written = bench.run("filesystem.write", arguments).await;
            assert!(!written.ok, "{path}: {written:?}");
        }
    }
    for path in ["..", "/", "up", "d/../..", "up/inside_evil"] {
        let listed = bench.run("filesystem.list", json!({"path": path})).await;
        assert_eq!(listed, ToolOutput::failed(format!("`{path}` {OUTSIDE}")));
    }
    let new = json!({"path": "up/new/file", "content": "x"});
    assert!(!bench.run("filesystem.write", new).await.ok);
    assert_eq!(fs::read_to_string(bench.outside("secret")).unwrap(), "outside");
    assert_eq!(fs::read_to_string(bench.outside("inside_evil/secret")).unwrap(), "outside");
    assert!(!bench.outside("new").exists());
}

#[tokio::test]
async fn links_within_the_workspace_are_followed() {
    let bench = Bench::new();
    fs::create_dir(bench.at("d")).unwrap();
    fs::write(bench.at("d/file"), "here").unwrap();
    symlink("d/file", bench.at("link")).unwrap();
    symlink("d", bench.at("dir_link")).unwrap();
    let absolute = bench.at("d/file");
    for path in
        ["d/file", "d/../d/file", "./d//file", "link", "dir_link/file", absolute.to_str().unwrap()]
    {
        let read = bench.run("filesystem.read", json!({"path": path})).await;
        assert_eq!(read, ToolOutput::done("here"), "{path}");
    }
}

/// Returns an output of a call whose policy refuses what is in `d`.
async fn run_with_policy(bench: &Bench, tool: &str, arguments: Value) -> Result<ToolOutput> {
    let refuse = |access: &Access| match access {
        Access::Read { path } | Access::Write { path } if path.starts_with("d/") || path == "d" => {
            Err(format!("leads to {path}"))
        }
        _ => Ok(()),
    };
    let call = bench.call(tool, arguments).with_access(AccessCheck::new(refuse));
    bench.tools.call(call).await
}

#[tokio::test]
async fn what_a_link_leads_to_is_checked_before_it_is_read_listed_or_written() {
    let bench = Bench::new();
    fs::create_dir(bench.at("d")).unwrap();
    fs::write(bench.at("d/file"), "here").unwrap();
    symlink("d/file", bench.at("link")).unwrap();
    symlink("d", bench.at("dir_link")).unwrap();
    let refused = [
        ("filesystem.read", json!({"path": "link"}), "d/file"),
        ("filesystem.read", json!({"path": "dir_link/file"}), "d/file"),
        ("filesystem.list", json!({"path": "dir_link"}), "d"),
        ("filesystem.write", json!({"path": "link", "content": "x"}), "d/file"),
        ("filesystem.write", json!({"path": "link", "content": "x", "append": true}), "d/file"),
        ("filesystem.write", json!({"path": "dir_link/new", "content": "x"}), "d/new"),
        ("filesystem.write", json!({"path": "dir_link/deep/new", "content": "x"}), "d/deep/new"),
    ];
    for (tool, arguments, target) in refused {
        let error = run_with_policy(&bench, tool, arguments.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("invalid path: leads to {target}"), "{arguments}");
    }
    assert_eq!(fs::read_dir(bench.at("d")).unwrap().count(), 1, "nothing was created");
    assert_eq!(fs::read_to_string(bench.at("d/file")).unwrap(), "here");
    let all = json!({"path": ".", "recursive": true});
    let listed = run_with_policy(&bench, "filesystem.list", all).await.unwrap();
    assert!(
        format!("{:?}", listed.content).contains("[d: invalid path: leads to d]"),
        "{listed:?}"
    );
    assert!(!format!("{:?}", listed.data).contains("d/file"), "{listed:?}");
}

#[tokio::test]
async fn a_call_declares_the_paths_that_its_arguments_name() {
    let bench = Bench::new();
    let inside = bench.at("").to_str().unwrap().trim_end_matches('/').to_owned();
    for (path, named) in [
        ("a/b", "a/b".to_owned()),
        ("./a/../.git//hooks/x", ".git/hooks/x".to_owned()),
        (".", ".".to_owned()),
        ("", ".".to_owned()),
        (&format!("{inside}/a"), "a".to_owned()),
        ("/etc/passwd", "/etc/passwd".to_owned()),
        ("../secret", bench.outside("secret").to_str().unwrap().to_owned()),
    ] {
        let call = bench.call("filesystem.read", json!({ "path": path }));
        assert_eq!(bench.prepared(&call).accesses, [Access::Read { path: named }], "{path}");
    }
    let write = bench.call("filesystem.write", json!({"path": "a", "content": ""}));
    assert_eq!(bench.prepared(&write).accesses, [Access::Write { path: "a".to_owned() }]);
    let shell = bench.call("shell.execute", json!({"command": "ls", "env": {"A": "b"}}));
    let command = Access::Command { text: "ls".to_owned(), env: vec!["A".to_owned()] };
    assert_eq!(bench.prepared(&shell).accesses, [command]);
}

#[tokio::test]
async fn a_directory_that_is_swapped_for_a_link_during_calls_does_not_break_the_confinement() {
    let bench = Bench::new();
    fs::create_dir(bench.at("d")).unwrap();
    fs::write(bench.at("d/secret"), "inside").unwrap();
    symlink("..", bench.at("l")).unwrap();
    let (d, l) = (bench.at("d"), bench.at("l"));
    let swapping = std::thread::spawn(move || {
        for _ in 0..3_000 {
            // `d` alternates between the directory and a link to the parent of the workspace.
            renameat_with(CWD, &d, CWD, &l, RenameFlags::EXCHANGE).unwrap();
        }
    });
    while !swapping.is_finished() {
        let read = bench.run("filesystem.read", json!({"path": "d/secret"})).await;
        assert_ne!(read.text(), "outside");
        let arguments = json!({"path": "d/secret", "content": "inside"});
        bench.run("filesystem.write", arguments).await;
    }
    swapping.join().unwrap();
    assert_eq!(fs::read_to_string(bench.outside("secret")).unwrap(), "outside");
}

#[tokio::test]
async fn a_call_without_a_workspace_is_refused() {
    let bench = Bench::new();
    let call = Invocation::bare("filesystem.read", json!({"path": "a"})).unwrap();
    let error = bench.tools.call(call.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "invalid workspace: the call has none; filesystem tools need one"
    );
}

#[tokio::test]
async fn a_workspace_that_was_replaced_at_the_same_path_is_opened_again() {
    let bench = Bench::new();
    fs::write(bench.at("a"), "old").unwrap();
    assert_eq!(bench.run("filesystem.read", json!({"path": "a"})).await.text(), "old");
    fs::rename(bench.at(""), bench.outside("moved")).unwrap();
    fs::create_dir(bench.at("")).unwrap();
    fs::write(bench.at("a"), "new").unwrap();
    assert_eq!(bench.run("filesystem.read", json!({"path": "a"})).await.text(), "new");
}

#[tokio::test]
async fn files_that_are_not_regular_are_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.at("d")).unwrap();
    mkfifoat(CWD, bench.at("pipe"), 0o600.into()).unwrap();
    let read = async |path: &str| {
        bench.run("filesystem.read", json!({"path": path})).await.text().into_owned()
    };
    assert_eq!(read("d").await, "`d` is a directory; list it with filesystem.list");
    assert_eq!(read("pipe").await, "`pipe` is not a regular file");
    assert_eq!(read("nothing").await, "`nothing` does not exist");
    let written = bench.run("filesystem.write", json!({"path": "pipe", "content": ""})).await;
    assert_eq!(written, ToolOutput::failed("`pipe` is not a regular file"));
}

#[tokio::test]
async fn a_file_is_read_in_the_requested_encoding() {
    let bench = Bench::new();
    fs::write(bench.at("f"), b"caf\xe9").unwrap();
    let read = async |encoding: &str| {
        let arguments = json!({"path": "f", "encoding": encoding});
        bench.run("filesystem.read", arguments).await
    };
    assert_eq!(read("latin-1").await, ToolOutput::done("café"));
    assert_eq!(read("base64").await, ToolOutput::done("Y2Fm6Q=="));
    let advice = "`f` is not valid utf-8; read it with another encoding, `latin-1` for any text or `base64` \
         for binary data";
    assert_eq!(read("utf8").await, ToolOutput::failed(advice));
    let call = bench.call("filesystem.read", json!({"path": "f", "encoding": "ebcdic"}));
    assert_eq!(bench.tools.call(call.clone()).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_file_over_the_size_limit_is_refused() {
    let bench = Bench::new();
    fs::File::create(bench.at("big")).unwrap().set_len((10 << 20) + 1).unwrap();
    let read = bench.run("filesystem.read", json!({"path": "big"})).await;
    let expect =
        "`big` is larger than the limit of 10 MiB; find what you need with filesystem.search";
    assert_eq!(read, ToolOutput::failed(expect));
}

#[tokio::test]
async fn a_file_is_written_in_the_requested_encoding_or_not_at_all() {
    let bench = Bench::new();
    let write = async |content: &str, encoding: &str| {
        let arguments = json!({"path": "f", "content": content, "encoding": encoding});
        bench.run("filesystem.write", arguments).await
    };
    let done = ToolOutput::done("wrote 4 bytes to `f`").with_data(json!(true));
    assert_eq!(write("café", "latin-1").await, done);
    assert_eq!(fs::read(bench.at("f")).unwrap(), b"caf\xe9");
    assert_eq!(write("AAH/gA==", "base64").await, done);
    let failed = write("€", "latin-1").await;
    let reason = "the content cannot be encoded as latin-1: it contains '€'";
    assert_eq!(failed, ToolOutput::failed(reason));
    assert!(!write("?", "base64").await.ok);
    assert_eq!(fs::read(bench.at("f")).unwrap(), [0, 1, 0xff, 0x80]);
}

#[tokio::test]
async fn the_message_for_one_byte_is_in_the_singular() {
    let bench = Bench::new();
    let written = bench.run("filesystem.write", json!({"path": "f", "content": "x"})).await;
    assert_eq!(written.text(), "wrote 1 byte to `f`");
}

#[tokio::test]
async fn a_write_creates_missing_directories_and_leaves_no_temporary_files() {
    let bench = Bench::new();
    let written = bench.run("filesystem.write", json!({"path": "a/b/f", "content": "hi"})).await;
    assert_eq!(written, ToolOutput::done("wrote 2 bytes to `a/b/f`").with_data(json!(true)));
    let names: Vec<_> = fs::read_dir(bench.at("a/b")).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    for path in ["a/", "a", ".", "a/b/.."] {
        let refused = bench.run("filesystem.write", json!({"path": path, "content": ""})).await;
        assert!(refused.text().contains("is a directory"), "{path}: {refused:?}");
    }
}

#[tokio::test]
async fn a_write_replaces_the_file_and_keeps_its_mode_and_links() {
    let bench = Bench::new();
    fs::write(bench.at("f"), "old").unwrap();
    fs::set_permissions(bench.at("f"), fs::Permissions::from_mode(0o751)).unwrap();
    symlink("f", bench.at("link")).unwrap();
    let old = fs::File::open(bench.at("f")).unwrap();
    for append in [false, true] {
        let arguments = json!({"path": "link", "content": "new", "append": append});
        assert!(bench.run("filesystem.write", arguments).await.ok);
    }
    // The open descriptor still has the old content: the file was replaced, not overwritten.
    assert_eq!(std::io::read_to_string(old).unwrap(), "old");
    assert_eq!(fs::read_to_string(bench.at("f")).unwrap(), "newnew");
    assert_eq!(fs::metadata(bench.at("f")).unwrap().mode() & 0o7777, 0o751);
    assert!(fs::symlink_metadata(bench.at("link")).unwrap().is_symlink());
    assert_eq!(fs::read_dir(bench.at("")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_failed_write_leaves_no_temporary_file() {
    let bench = Bench::new();
    fs::create_dir(bench.at("f")).unwrap();
    fs::write(bench.at("f/x"), "").unwrap();
    assert!(!bench.run("filesystem.write", json!({"path": "f", "content": "x"})).await.ok);
    assert_eq!(fs::read_dir(bench.at("")).unwrap().count(), 1);
}

/// Checks `RecoverableTool` 3.
#[tokio::test]
async fn abandoning_a_write_in_a_deleted_workspace_succeeds() {
    let bench = Bench::new();
    let call = bench.call("filesystem.write", json!({"path": "f", "content": "x"}));
    let call = call.in_workspace("/nowhere/at/all");
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
}

/// Takes the witness of a write of `v1` over a file, performs `between`, and probes and repeats the
/// write; returns the probe, the output, and the file afterwards.
async fn interrupted_write(
    before: Option<&str>,
    between: impl FnOnce(&Path),
) -> (Probed, ToolOutput, Option<String>) {
    let bench = Bench::new();
    let file = bench.at("f");
    if let Some(before) = before {
        fs::write(&file, before).unwrap();
    }
    let call = bench.call("filesystem.write", json!({"path": "f", "content": "v1"}));
    let prepared = bench.prepared(&call);
    assert_eq!(prepared.effect, EffectClass::Probe);
    let witness = bench.tools.witness(&prepared).await.unwrap();
    between(&file);
    let probed = bench.tools.probe(&prepared, witness.as_ref()).await.unwrap();
    let call = call.with_witness(witness).as_repeated();
    let output = bench.tools.call(call).await.unwrap();
    (probed, output, fs::read_to_string(file).ok())
}

#[tokio::test]
async fn an_interrupted_write_does_not_replace_what_another_process_wrote_since() {
    for before in [Some("v0"), None] {
        let (probed, output, file) =
            interrupted_write(before, |file| fs::write(file, "v2").unwrap()).await;
        assert_eq!((probed, output.ok, output.unknown), (Probed::Unknown, false, true));
        assert_eq!(
            output.text(),
            "`f`: interrupted, and the file was changed since by another process; the outcome is \
             unknown: verify before repeating it"
        );
        assert_eq!(file.as_deref(), Some("v2"));
    }
    let (probed, output, file) =
        interrupted_write(Some("v0"), |file| fs::remove_file(file).unwrap()).await;
    assert_eq!((probed, output.unknown, file), (Probed::Unknown, true, None));
    let replace = |file: &Path| {
        fs::write(file.with_file_name("new"), "v0").unwrap();
        fs::rename(file.with_file_name("new"), file).unwrap();
    };
    let (probed, _, file) = interrupted_write(Some("v0"), replace).await;
    assert_eq!((probed, file.as_deref()), (Probed::Unknown, Some("v0")));
}

#[tokio::test]
async fn an_interrupted_write_is_made_if_the_file_is_unchanged_and_done_if_it_has_the_content() {
    for before in [Some("v0"), None] {
        let (probed, output, file) = interrupted_write(before, |_| {}).await;
        assert_eq!((probed, output.ok), (Probed::DidNotHappen, true));
        assert_eq!(file.as_deref(), Some("v1"));
        let (probed, output, file) =
            interrupted_write(before, |file| fs::write(file, "v1").unwrap()).await;
        assert_eq!((probed, output.ok), (Probed::Happened(output.clone()), true));
        assert_eq!(file.as_deref(), Some("v1"));
    }
}

#[tokio::test]
async fn a_write_without_a_witness_is_done_only_if_the_file_has_the_content() {
    let bench = Bench::new();
    let call = bench.call("filesystem.write", json!({"path": "f", "content": "v1"}));
    let prepared = bench.prepared(&call);
    assert_eq!(bench.tools.probe(&prepared, None).await.unwrap(), Probed::Unknown);
    fs::write(bench.at("f"), "v1").unwrap();
    let probed = bench.tools.probe(&prepared, None).await.unwrap();
    assert!(matches!(probed, Probed::Happened(_)), "{probed:?}");
}

fn tree(bench: &Bench) {
    fs::create_dir_all(bench.at("src/deep")).unwrap();
    fs::create_dir(bench.at(".git")).unwrap();
    fs::write(bench.at(".git/config"), "c").unwrap();
    fs::write(bench.at("src/deep/x.rs"), "xx").unwrap();
    fs::write(bench.at("src/lib.rs"), "lib").unwrap();
    fs::write(bench.at("src.txt"), "").unwrap();
    symlink("src", bench.at("link")).unwrap();
    symlink("../secret", bench.at("out")).unwrap();
}

#[tokio::test]
async fn a_listing_is_sorted_and_has_types_and_sizes() {
    let bench = Bench::new();
    tree(&bench);
    let listed = bench.run("filesystem.list", json!({"path": "."})).await;
    let data = json!([
        {"name": "link", "type": "symlink", "size": 0},
        {"name": "out", "type": "symlink", "size": 0},
        {"name": "src", "type": "directory", "size": 0},
        {"name": "src.txt", "type": "file", "size": 0},
    ]);
    assert_eq!(listed, ToolOutput::done("link\nout\nsrc/\nsrc.txt").with_data(data));
    let data = json!([
        {"name": "deep", "type": "directory", "size": 0},
        {"name": "deep/x.rs", "type": "file", "size": 2},
        {"name": "lib.rs", "type": "file", "size": 3},
    ]);
    let listed = bench.run("filesystem.list", json!({"path": "src", "recursive": true})).await;
    assert_eq!(listed, ToolOutput::done("deep/\ndeep/x.rs\nlib.rs").with_data(data));
}

#[tokio::test]
async fn hidden_files_are_listed_on_request_and_links_are_not_followed() {
    let bench = Bench::new();
    tree(&bench);
    let arguments = json!({"path": "", "recursive": true, "include_hidden": true});
    let listed = bench.run("filesystem.list", arguments).await;
    let expect =
        ".git/\n.git/config\nlink\nout\nsrc/\nsrc/deep/\nsrc/deep/x.rs\nsrc/lib.rs\nsrc.txt";
    assert_eq!(listed.text(), expect);
    let empty = bench.run("filesystem.list", json!({"path": "src.txt"})).await;
    assert_eq!(empty, ToolOutput::failed("`src.txt` is not a directory"));
}

#[tokio::test]
async fn a_truncated_listing_ends_with_a_note() {
    let bench = Bench::new();
    for number in 0..10_050 {
        fs::write(bench.at(&format!("{number:05}")), "").unwrap();
    }
    let listed = bench.run("filesystem.list", json!({"path": "."})).await;
    assert!(listed.text().ends_with("09999\n[only the first 10000 entries are listed]"));
    assert_eq!(listed.data.unwrap().as_array().unwrap().len(), 10_000);
}
