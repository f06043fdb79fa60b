//! Tests of the paths that models write, and of what a write keeps of the old file.

use std::fs;
use std::os::unix::fs::symlink;

use az_core::tool::{ToolOutput, Toolbox};
use az_mcp::builtin::shell::ShellOptions;
use serde_json::json;

use crate::support::Bench;

async fn write(bench: &Bench, path: &str, content: &str) -> ToolOutput {
    bench.run("filesystem.write", json!({"path": path, "content": content})).await
}

async fn read(bench: &Bench, path: &str) -> ToolOutput {
    bench.run("filesystem.read", json!({"path": path})).await
}

/// Returns the names in the workspace.
fn names(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(bench.at("")).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_leading_tilde_is_the_home_directory() {
    let bench = Bench::new();
    let home = bench.outside("home");
    fs::create_dir(&home).unwrap();
    let options = || ShellOptions::default().with_env("HOME", home.display().to_string());
    let bench = bench.with_options(options());
    for tool in ["filesystem.read", "filesystem.list", "filesystem.write"] {
        let mut arguments = json!({"path": "~/notes.txt"});
        if tool == "filesystem.write" {
            arguments["content"] = json!("x");
        }
        let refused = bench.run(tool, arguments).await;
        let expect = format!(
            "`~/notes.txt` is {}/notes.txt, which is outside the workspace; use a path inside it",
            home.display()
        );
        assert_eq!((refused.ok, refused.text().as_ref()), (false, expect.as_str()));
    }
    assert_eq!(names(&bench), Vec::<String>::new(), "no directory called `~`");
    // Other names may begin with a tilde.
    assert!(write(&bench, "~lock", "x").await.ok);
    // The workspace may be in the home directory.
    let outside = bench.outside("");
    let bench =
        bench.with_options(ShellOptions::default().with_env("HOME", outside.display().to_string()));
    assert!(write(&bench, "~/inside/new/a", "y").await.ok);
    assert_eq!(read(&bench, "new/a").await.text(), "y");
}

#[tokio::test]
async fn an_absolute_path_through_a_link_to_the_workspace_is_inside() {
    let bench = Bench::new();
    let link = bench.outside("link");
    symlink(bench.at(""), &link).unwrap();
    let through = |name: &str| link.join(name).display().to_string();
    assert!(write(&bench, &through("new/a"), "x").await.ok);
    assert_eq!(read(&bench, &through("new/../new/a")).await.text(), "x");
    let outside = read(&bench, &through("../secret")).await;
    assert!(!outside.ok && outside.text().contains("outside the workspace"), "{}", outside.text());
    // A workspace that is a link itself.
    let call = bench.call("filesystem.read", json!({"path": bench.at("new/a").to_str().unwrap()}));
    let read = bench.tools.call(call.in_workspace(link.to_str().unwrap())).await.unwrap();
    assert_eq!(read.text(), "x");
}

#[tokio::test]
async fn a_refused_path_leaves_nothing_behind() {
    let bench = Bench::new();
    let long = "n".repeat(300);
    for path in [
        format!("new/deep/{long}"),
        format!("new/{long}/x"),
        "new/../../x".to_owned(),
        "new/deep/../../../secret".to_owned(),
        "new/deep/".to_owned(),
        "new/a\0b".to_owned(),
        "new/deep/x ".to_owned(),
    ] {
        for append in [false, true] {
            let arguments = json!({"path": path, "content": "x", "append": append});
            assert!(!bench.run("filesystem.write", arguments).await.ok, "{path:?}");
            assert_eq!(names(&bench), Vec::<String>::new(), "{path:?}");
        }
    }
    assert_eq!(fs::read_to_string(bench.outside("secret")).unwrap(), "outside");
}

#[tokio::test]
async fn names_with_nul_or_blank_ends_are_refused_with_a_reason() {
    let bench = Bench::new();
    let nul = read(&bench, "a\0b").await;
    assert_eq!(nul.text(), "`a\u{2400}b` must not contain a NUL character");
    write(&bench, "notes.txt", "x").await;
    let expect = "does not exist, and a name in it begins or ends with a blank; remove the blank";
    for path in ["notes.txt ", " notes.txt", "notes.txt\n", "dir /x"] {
        for output in [read(&bench, path).await, write(&bench, path, "y").await] {
            assert_eq!((output.ok, output.text()), (false, format!("`{path}` {expect}").into()));
        }
    }
    // A name that exists is used as it is.
    fs::write(bench.at("odd "), "z").unwrap();
    assert_eq!(read(&bench, "odd ").await.text(), "z");
    assert!(write(&bench, "odd ", "new").await.ok);
    assert_eq!(names(&bench), ["notes.txt", "odd "]);
}

#[tokio::test]
async fn a_name_in_another_normal_form_is_the_existing_one() {
    let bench = Bench::new();
    let (composed, decomposed) = ("\u{fc}ber", "u\u{308}ber");
    fs::create_dir(bench.at(decomposed)).unwrap();
    fs::write(bench.at(decomposed).join(composed), "x").unwrap();
    assert_eq!(read(&bench, &format!("{composed}/{decomposed}")).await.text(), "x");
    assert!(write(&bench, &format!("{composed}/{decomposed}"), "y").await.ok);
    assert!(write(&bench, &format!("{composed}/new"), "z").await.ok);
    assert_eq!(names(&bench), [decomposed]);
    let inside = fs::read_dir(bench.at(decomposed)).unwrap().count();
    assert_eq!(inside, 2);
    // Two names that look the same are told apart.
    fs::create_dir(bench.at(composed)).unwrap();
    assert!(write(&bench, &format!("{composed}/only"), "z").await.ok);
    assert!(bench.at(composed).join("only").exists());
}

#[tokio::test]
async fn a_write_says_which_line_ends_and_marks_it_does_not_keep() {
    let bench = Bench::new();
    fs::write(bench.at("crlf"), "\u{feff}one\r\ntwo\r\n").unwrap();
    let crlf = "[the file has CRLF line ends, and the content has LF]";
    let arguments = json!({"path": "crlf", "content": "three\n", "append": true});
    let appended = bench.run("filesystem.write", arguments).await;
    assert_eq!(appended.text(), format!("appended 6 bytes to `crlf`\n{crlf}"));
    let written = write(&bench, "crlf", "one\n").await;
    let crlf = "[the file had CRLF line ends, and the content has LF]";
    let mark = "[the file began with a byte order mark, and the content does not]";
    assert_eq!(written.text(), format!("wrote 4 bytes to `crlf`\n{crlf}\n{mark}"));
    fs::write(bench.at("crlf"), "\u{feff}one\r\n").unwrap();
    let kept = write(&bench, "crlf", "\u{feff}two\r\n").await;
    assert_eq!(kept.text(), "wrote 8 bytes to `crlf`");
    assert_eq!(write(&bench, "new", "a\n").await.text(), "wrote 2 bytes to `new`");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_write_keeps_extended_attributes_and_says_that_hard_links_are_not_kept() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};

    let bench = Bench::new();
    fs::write(bench.at("a"), "old").unwrap();
    fs::hard_link(bench.at("a"), bench.at("b")).unwrap();
    let has_attributes = setxattr(bench.at("a"), "user.note", b"kept", XattrFlags::empty()).is_ok();
    let written = write(&bench, "a", "new").await;
    let note = "[another hard link of the file keeps the old content]";
    assert_eq!(written.text(), format!("wrote 3 bytes to `a`\n{note}"));
    assert_eq!(fs::read_to_string(bench.at("b")).unwrap(), "old");
    if has_attributes {
        let mut value = [0; 16];
        let length = getxattr(bench.at("a"), "user.note", &mut value).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
}
