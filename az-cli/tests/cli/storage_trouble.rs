//! A store that cannot be used, is full, locked, or too new: nothing half-done, and a way on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::support::{Az, script, until};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_data_directory_is_private_to_its_owner() {
    let az = Az::new();
    let shell = format!("umask 000; exec {} db init", env!("CARGO_BIN_EXE_az"));
    let mut command = std::process::Command::new("sh");
    let command = command.args(["-c", &shell]).env("HOME", az.work()).env_remove("AZ_DATA_DIR");
    assert!(command.env_remove("XDG_DATA_HOME").output().unwrap().status.success());
    let dir = az.work().join(".local/share/az");
    assert_eq!((mode(&dir), mode(&dir.join("az.db"))), (0o700, 0o600));
}

#[test]
fn a_data_directory_that_is_a_file_is_named() {
    let az = Az::new();
    az.file("data", "not a directory");
    let path = az.work().join("data").display().to_string();
    for args in [&["task", "run", "list"][..], &["task", "list"], &["db", "init"]] {
        let ended = az.az(&[args, &["--data-dir", &path]].concat());
        assert_eq!(ended.code, Some(73), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("--data-dir"), "{args:?}: {ended:?}");
        assert!(!ended.stderr.contains("--force"), "{args:?}: {ended:?}");
    }
    assert_eq!(az.read("data"), "not a directory");
}

#[test]
fn a_file_that_is_not_a_database_is_not_changed() {
    let az = Az::new();
    fs::create_dir_all(az.data_dir()).unwrap();
    let garbage = "this is not a database, and must be kept ".repeat(100);
    fs::write(az.database(), &garbage).unwrap();
    for args in [&["task", "run", "list"][..], &["task", "list"]] {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(73), "{args:?}: {ended:?}");
    }
    assert_eq!(fs::read_to_string(az.database()).unwrap(), garbage);
}

#[test]
fn a_database_of_a_newer_schema_is_not_changed() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let before = Connection::open(az.database()).unwrap();
    before.pragma_update(None, "user_version", 9999).unwrap();
    drop(before);
    for args in [&["task", "run", "list"][..], &["task", "list"], &["db", "init"]] {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(78), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("9999") && ended.stderr.contains("newer az"), "{ended:?}");
    }
}

/// A newer version migrates the database while a task runs: the task ends with 75 and nothing more is
/// recorded, where an older version's rows would have another meaning.
#[test]
fn a_task_whose_database_was_migrated_meanwhile_stops_with_75() {
    let az = Az::new();
    let wait = "touch begun; until [ -e go ]; do sleep 0.01; done";
    let model = script(
        &az,
        &[json!({"calls": [{"name": "shell.execute", "arguments": {"command": wait}}]})],
    );
    let args = ["task", "run", "wait", "--model", &model, "--allow", "shell.execute"];
    let running = az.start(&args);
    until("the command runs", || az.work().join("begun").exists());
    let db = Connection::open(az.database()).unwrap();
    let schema: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    db.pragma_update(None, "user_version", schema + 1).unwrap();
    let count = "SELECT count(*) FROM event";
    let before: u32 = db.query_row(count, [], |row| row.get(0)).unwrap();
    az.file("go", "");
    let ended = running.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(ended.stderr.contains("migrated") && ended.stderr.contains("newer az"), "{ended:?}");
    let after: u32 = db.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(after, before, "{ended:?}");
}

#[test]
fn a_data_directory_that_cannot_be_created_is_named() {
    let az = Az::new();
    for args in [&["task", "run", "list"][..], &["db", "init"], &["worker", "run", "--until-idle"]]
    {
        let ended = az.az(&[args, &["--data-dir", "/proc/none/az"]].concat());
        assert_eq!(ended.code, Some(73), "{args:?}: {ended:?}");
        let text = "the directory /proc/none/az cannot be created";
        assert!(ended.stderr.contains(text), "{args:?}: {ended:?}");
        assert!(!ended.stderr.contains("--force"), "{args:?}: {ended:?}");
    }
}

/// Root may write everywhere; only an immutable flag or another user could show this to it.
fn permissions_bind_us(dir: &Path) -> bool {
    let probe = dir.join("probe");
    let bound = fs::write(&probe, "").is_err();
    fs::remove_file(probe).ok();
    bound
}

#[test]
fn a_data_directory_that_cannot_be_written_can_still_be_read() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "something to find"]);
    let dir = az.data_dir();
    let set = |dir_mode, file_mode| {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            fs::set_permissions(path, fs::Permissions::from_mode(file_mode)).unwrap();
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(dir_mode)).unwrap();
    };
    set(0o500, 0o400);
    if !permissions_bind_us(&dir) {
        set(0o700, 0o600);
        read_only_for_another_user(&az);
        return;
    }
    check_read_only(|args| az.az(args));
    set(0o700, 0o600);
}

/// As root: the same as another user, where the system has `setpriv` to become one.
fn read_only_for_another_user(az: &Az) {
    let shared = tempfile::Builder::new().prefix("az-shared").tempdir_in("/tmp").unwrap();
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let data = shared.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::copy(az.database(), data.join("az.db")).unwrap();
    let binary = shared.path().join("az");
    fs::copy(env!("CARGO_BIN_EXE_az"), &binary).unwrap();
    open(shared.path(), 0o755);
    open(&data, 0o555);
    open(&data.join("az.db"), 0o444);
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary).args(args);
        command.env("AZ_DATA_DIR", &data).env("HOME", "/nonexistent").current_dir("/tmp").output()
    };
    if run(&["--version"]).is_err() {
        eprintln!("skipped: as root, and there is no setpriv to drop privileges");
        return;
    }
    check_read_only(|args| run(args).unwrap().into());
    open(&data, 0o755);
}

#[track_caller]
fn check_read_only(az: impl Fn(&[&str]) -> crate::support::Ended) {
    let listed = az(&["task", "list"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(listed.stdout.contains("something to find"), "{listed:?}");
    for args in [&["cost", "show"][..], &["models", "list"], &["db", "status", "--check"]] {
        let ended = az(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    }
    let ended = az(&["task", "run", "--detach", "another"]);
    assert_eq!(ended.code, Some(73), "{ended:?}");
    assert!(ended.stderr.contains("read-only"), "{ended:?}");
    assert!(ended.stderr.contains("--data-dir"), "{ended:?}");
    assert!(!ended.stderr.contains("--force"), "{ended:?}");
}

/// A disk that is full at any size: each run exits with 74 and advice, or completes; what was
/// recorded is kept, and with more space the task completes, each effect once.
#[test]
fn a_full_disk_stops_the_task_before_its_next_effect() {
    let fresh = Az::new();
    fresh.ok(&["db", "init"]);
    let smallest: u32 = {
        let db = Connection::open(fresh.database()).unwrap();
        db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
    };
    let (mut refused, mut done) = (0, 0);
    for pages in smallest..=200 {
        let az = Az::new();
        az.ok(&["db", "init"]);
        let big = "x".repeat(50_000);
        let task = format!("append \"{big}\" to out.txt then append \"end\" to out.txt");
        let mut command = az.command(["task", "run", &task]);
        let output = command.env("AZ_DB_MAX_PAGES", pages.to_string()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => done += 1,
            Some(74) => {
                refused += 1;
                assert!(
                    stderr.contains("full") && stderr.contains("free disk space"),
                    "{pages}: {stderr}"
                );
                assert!(!stderr.contains("Error code"), "{pages}: {stderr}");
                let begun = stderr.contains("▶");
                assert!(!begun || stderr.contains("az task resume"), "{pages}: {stderr}");
                go_on(&az, &task, &format!("{pages} pages"));
            }
            code => panic!("{pages} pages: {code:?} {stderr}"),
        }
        assert_eq!(az.read("out.txt"), format!("{big}end"), "{pages} pages");
        if done == 3 {
            break;
        }
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
}

fn go_on(az: &Az, task: &str, when: &str) {
    let listed = az.ok(&["task", "list", "--format", "json"]);
    let tasks: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
    let ended = match tasks.as_slice() {
        [] => az.az(&["task", "run", task]),
        [only] => az.az(&["task", "resume", only["id"].as_str().unwrap()]),
        more => panic!("{when}: {} tasks", more.len()),
    };
    assert_eq!(ended.code, Some(0), "{when}: {ended:?}");
}

/// Holds the database's write lock until told to let go.
fn lock(path: &Path) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (release, released) = mpsc::channel();
    let (locked, is_locked) = mpsc::channel();
    let path = path.to_owned();
    let holder = std::thread::spawn(move || {
        let db = Connection::open(path).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(()).unwrap();
        released.recv().ok();
        db.execute_batch("ROLLBACK").unwrap();
    });
    is_locked.recv().unwrap();
    (release, holder)
}

#[test]
fn a_lock_that_passes_is_waited_for() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let (release, holder) = lock(&az.database());
    let running = az.start(&["task", "run", "--detach", "patience"]);
    std::thread::sleep(Duration::from_millis(300));
    release.send(()).unwrap();
    holder.join().unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_lock_that_does_not_pass_is_a_clear_error_and_nothing_was_done() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let (release, holder) = lock(&az.database());
    let mut command = az.command(["task", "run", "write \"x\" to made.txt"]);
    let output = command.env("AZ_DB_BUSY_MS", "200").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{stderr}");
    assert!(stderr.contains("busy") && stderr.contains("try again"), "{stderr}");
    if fs::exists("/proc/locks").unwrap() {
        let holder = format!("(process {})", std::process::id());
        assert!(stderr.contains(&holder), "the holder is named: {stderr}");
    }
    assert!(!az.work().join("made.txt").exists());
    let reading = az.az(&["task", "list"]);
    assert_eq!(reading.code, Some(0), "a locked database can be read: {reading:?}");
    drop(release);
    holder.join().unwrap();
}
