//! Instructions of a project: which files a task gets, and that they are frozen with it.

use std::os::unix::fs::symlink;
use std::{fs, path::Path};

use serde_json::Value;

use crate::server::{Request, not_found, says, serve};
use crate::support::{Az, Ended};

/// Runs a task in a directory of the workspace; returns also the system prompt of its request.
fn run(az: Az, directory: &str, options: &[&str]) -> (Az, Ended, String) {
    let (address, requests) = serve(|request: &Request| match request.line.starts_with("GET ") {
        true => not_found(),
        false => says("done"),
    });
    let az = az.with_var("OPENAI_BASE_URL", address);
    let directory = az.work().join(directory).display().to_string();
    let args = ["task", "run", "do it", "--model", "openai/m", "-C", &directory];
    let ended = az.az(&[&args, options].concat());
    let requests = requests.lock().unwrap().clone();
    (az, ended, prompt_of(&requests))
}

fn prompt_of(requests: &[Request]) -> String {
    let bodies = requests.iter().map(|request| &request.body["messages"][0]["content"]);
    bodies.filter_map(Value::as_str).next_back().unwrap_or_default().to_owned()
}

fn repository() -> Az {
    let az = Az::new();
    for directory in [".git", "sub/deep"] {
        fs::create_dir_all(az.work().join(directory)).unwrap();
    }
    az.file("AGENTS.md", "Use tabs.\n").file("sub/deep/AGENTS.md", "Use spaces here.\n");
    az
}

#[test]
fn the_files_up_to_the_root_of_the_repository_are_used_and_the_nearest_is_last() {
    let (az, ended, prompt) = run(repository(), "sub/deep", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let both = "From AGENTS.md:\n\nUse tabs.\n\nFrom sub/deep/AGENTS.md:\n\nUse spaces here.\n";
    assert!(prompt.contains(both), "{prompt}");
    assert!(prompt.contains("grant no permission"), "{prompt}");
    let said = format!("instructions: AGENTS.md, sub/deep/AGENTS.md ({} bytes)", both.len());
    assert!(ended.stderr.contains(&said), "{ended:?}");
    let shown = az.shown(&az.only_id());
    let used = &shown["options"]["instructions"];
    assert_eq!(used["files"], serde_json::json!(["AGENTS.md", "sub/deep/AGENTS.md"]));
    assert_eq!(used["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn without_a_repository_only_the_workspace_counts_and_no_instructions_are_none() {
    let az = repository();
    fs::remove_dir(az.work().join(".git")).unwrap();
    let (_, ended, prompt) = run(az, "sub/deep", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(prompt.contains("spaces") && !prompt.contains("tabs"), "{prompt}");
    let (_, ended, prompt) = run(repository(), "sub/deep", &["--no-instructions"]);
    assert!(!prompt.contains("Use ") && !ended.stderr.contains("instructions"), "{prompt}");
}

#[test]
fn a_file_can_be_named_and_a_queued_task_keeps_what_it_said() {
    let az = repository();
    az.file("mine.md", "Be brief.");
    let file = az.work().join("mine.md").display().to_string();
    let (_, _, prompt) = run(az, ".", &["--instructions", &file]);
    let end = format!("From AGENTS.md:\n\nUse tabs.\n\nFrom {file}:\n\nBe brief.\n");
    assert!(prompt.contains(&end), "{prompt}");

    let (address, requests) = serve(|request: &Request| match request.line.starts_with("GET ") {
        true => not_found(),
        false => says("done"),
    });
    let az = repository().with_var("OPENAI_BASE_URL", address);
    az.ok(&["task", "run", "do it", "--detach", "--model", "openai/m"]);
    az.file("AGENTS.md", "Changed since.");
    az.ok(&["worker", "run", "--until-idle"]);
    let prompt = prompt_of(&requests.lock().unwrap());
    assert!(prompt.contains("Use tabs.") && !prompt.contains("Changed"), "{prompt}");
}

#[test]
fn keys_in_the_files_are_masked() {
    let az = repository().with_var("MY_API_KEY", "sk-example-0123456789");
    az.file("AGENTS.md", "Use sk-example-0123456789 for tests.\n");
    let (_, ended, prompt) = run(az, ".", &[]);
    assert!(prompt.contains("for tests.") && !prompt.contains("sk-example"), "{prompt}");
    let notice = "instructions: keys and passwords in them are masked";
    assert!(ended.stderr.contains(notice), "{ended:?}");
}

#[test]
fn links_that_leave_the_project_are_not_used() {
    let az = repository();
    let secret = az.beside("secret.md");
    fs::write(&secret, "a secret").unwrap();
    fs::remove_file(az.work().join("AGENTS.md")).unwrap();
    symlink(&secret, az.work().join("AGENTS.md")).unwrap();
    fs::remove_file(az.work().join("sub/deep/AGENTS.md")).unwrap();
    az.file("sub/CLAUDE.md", "Linked within.");
    symlink(Path::new("../CLAUDE.md"), az.work().join("sub/deep/AGENTS.md")).unwrap();
    let (_, ended, prompt) = run(az, "sub/deep", &[]);
    assert!(prompt.contains("Linked within.") && !prompt.contains("a secret"), "{prompt}");
    let notice = "instructions: AGENTS.md is a link that leaves the project, and is not used";
    assert!(ended.stderr.contains(notice), "{ended:?}");
}

#[test]
fn large_files_are_cut_and_files_that_are_no_text_are_errors() {
    let az = repository();
    az.file("AGENTS.md", &"ü".repeat(2_500_000));
    let (_, ended, prompt) = run(az, "sub/deep", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(prompt.len() < 40 << 10 && prompt.contains("Use spaces here."), "{}", prompt.len());
    assert!(ended.stderr.contains("instructions: AGENTS.md is cut, 49672"), "{}", ended.stderr);

    let az = repository();
    fs::write(az.work().join("AGENTS.md"), b"good\xff\xfe").unwrap();
    let (_, ended, _) = run(az, ".", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let error = "AGENTS.md: not UTF-8 at byte 5; mend it, or use --no-instructions";
    assert!(ended.stderr.contains(error), "{ended:?}");

    for (name, content, reason) in [
        ("big.md", "x".repeat(33 << 10), "larger than 32 KiB; shorten it"),
        ("empty.md", " \n".to_owned(), "is empty"),
    ] {
        let az = repository();
        az.file(name, &content);
        let (_, ended, _) = run(az, ".", &["--instructions", name]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(&format!("--instructions {name}: {reason}")), "{ended:?}");
    }
    let (_, ended, _) = run(repository(), ".", &["--instructions", "gone.md"]);
    assert!(ended.stderr.contains("--instructions gone.md: No such file"), "{ended:?}");
}
