//! The database file, and files that are not valid databases.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;

use az_core::Error;
use az_core::error::ErrorKind;
use az_core::journal::Journal;
use az_core::store::{Leftover, StoreAdmin};
use az_core::task::{TaskFilter, TaskRepository};
use az_core::testing::sample::{note, task, task_id};
use az_data::sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Home, append, held};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(path, SqliteOptions::default())
}

fn read_only(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open_read_only(path, SqliteOptions::default())
}

#[track_caller]
fn check_unusable(opened: Result<SqliteStore, Error>, why: &str) {
    let error = opened.expect_err("it must not open");
    assert_eq!(error.kind(), ErrorKind::Unusable, "{error:?}");
    assert!(error.chain().contains(why), "{}", error.chain());
}

#[tokio::test]
async fn the_directory_and_the_files_are_private_to_the_user() {
    let home = Home::new();
    let store = home.open();
    store.create(&task("a", 0)).await.unwrap();
    let path = home.path();
    let directory = path.parent().unwrap();
    assert_eq!(mode(directory), 0o700);
    let mut names = Vec::new();
    for file in fs::read_dir(directory).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        names.push(file.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["az.db", "az.db-shm", "az.db-wal"]);
}

#[tokio::test]
async fn a_closed_store_is_one_file() {
    let home = Home::new();
    let store = home.open();
    store.create(&task("a", 0)).await.unwrap();
    store.get(&task("a", 0).id).await.unwrap();
    drop(store);
    let left = fs::read_dir(home.path().parent().unwrap()).unwrap().count();
    assert_eq!(left, 1);
}

#[test]
fn concurrent_opens_of_a_new_file_all_succeed() {
    for _ in 0..8 {
        let home = Home::new();
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    home.open();
                });
            }
        });
    }
}

#[tokio::test]
async fn reading_does_not_write() {
    let home = Home::new();
    let stored = home.open().create(&task("a", 0)).await.unwrap();
    let reader = read_only(&home.path()).unwrap();
    assert_eq!(reader.list(&TaskFilter::default()).await.unwrap(), [stored]);
    let refused = reader.create(&task("b", 0)).await.unwrap_err();
    assert_eq!(refused.chain(), "sqlite is read-only: the store was opened read-only");
}

#[tokio::test]
async fn a_reader_sees_writes_acknowledged_after_it_opened() {
    let home = Home::new();
    let store = home.open();
    let reader = read_only(&home.path()).unwrap();
    let stored = store.create(&task("a", 0)).await.unwrap();
    assert_eq!(reader.get(&stored.id).await.unwrap(), Some(stored));
}

/// Puts a dangling link where the shared memory of the connections should be. It simulates a
/// read-only directory, because permissions have no effect on the superuser, who may be running
/// this.
fn block(path: &Path) {
    symlink("nowhere", format!("{}-shm", path.display())).unwrap();
}

#[tokio::test]
async fn a_store_in_a_read_only_directory_can_be_read() {
    let home = Home::new();
    let stored = home.open().create(&task("a", 0)).await.unwrap();
    block(&home.path());
    fs::set_permissions(home.path(), Permissions::from_mode(0o400)).unwrap();
    let reader = read_only(&home.path()).unwrap();
    assert_eq!(reader.list(&TaskFilter::default()).await.unwrap(), [stored]);
}

#[tokio::test]
async fn an_unreadable_write_ahead_log_is_an_error() {
    let home = Home::new();
    let store = home.open();
    store.create(&task("a", 0)).await.unwrap();
    let copy = home.parent().join("copy.db");
    let beside = |path: &Path, suffix: &str| format!("{}{suffix}", path.display());
    fs::copy(home.path(), &copy).unwrap();
    fs::copy(beside(&home.path(), "-wal"), beside(&copy, "-wal")).unwrap();
    block(&copy);
    check_unusable(read_only(&copy), "holds changes that cannot be read");
}

#[test]
fn a_store_that_does_not_exist_is_not_found() {
    let home = Home::new();
    let missing = read_only(&home.path()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        format!("database {:?} not found", home.path().display().to_string())
    );
    assert!(!home.path().exists());
}

#[test]
fn a_file_that_is_not_a_database_is_refused_unchanged() {
    let home = Home::new();
    let file = home.parent().join("notes.txt");
    let text = "not a database, whatever its name says\n".repeat(50);
    fs::write(&file, &text).unwrap();
    check_unusable(open(&file), "not a database");
    check_unusable(read_only(&file), "not a database");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_directory_and_a_path_below_a_file_are_refused() {
    let home = Home::new();
    check_unusable(open(home.parent()), "unable to open database file");
    check_unusable(read_only(home.parent()), "is a directory");
    let file = home.parent().join("file");
    fs::write(&file, "").unwrap();
    check_unusable(open(&file.join("az.db")), "file");
}

#[test]
fn a_database_of_another_application_is_refused_unchanged() {
    let home = Home::new();
    let file = home.parent().join("other.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    check_unusable(open(&file), "other.db is not a database of AZ-OS");
    check_unusable(read_only(&file), "other.db is not a database of AZ-OS");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn an_empty_file_becomes_a_store_only_when_opened_to_write() {
    let home = Home::new();
    let file = home.parent().join("empty.db");
    fs::write(&file, "").unwrap();
    let refused = read_only(&file).unwrap_err();
    assert!(matches!(refused, Error::OlderSchema { found: 0, .. }), "{refused:?}");
    assert_eq!(refused.kind(), ErrorKind::Unusable);
    open(&file).unwrap();
    read_only(&file).unwrap();
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_unchanged() {
    let home = Home::new();
    let newest = home.open().status().await.unwrap().schema;
    home.raw().pragma_update(None, "user_version", 4_000).unwrap();
    for refused in [open(&home.path()), read_only(&home.path())] {
        let Err(Error::NewerSchema { found, supported, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((found, Some(supported)), (4_000, newest));
    }
}

#[test]
fn file_names_with_special_meaning_in_sqlite_are_file_names() {
    let home = Home::new();
    for name in [":memory:", "file:x?mode=memory", "a b%20c?immutable=1.db", "ü"] {
        let file = home.parent().join(name);
        open(&file).unwrap();
        assert!(file.is_file(), "{name}");
        block(&file);
        read_only(&file).unwrap();
    }
}

/// Every kind of file that an interrupted write leaves, and one that is used: only those are removed
/// that no process can still need.
#[tokio::test]
async fn cleaning_removes_what_interrupted_writes_left_and_nothing_else() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    append(&store, &lease, 0, vec![note(&"x".repeat(200_000))]).await.unwrap();
    let recorded = store.read(&task_id("t"), 0, 9).await.unwrap();
    let shelf = blobs_of(&home).join("ab");
    fs::create_dir_all(&shelf).unwrap();
    let day = std::time::Duration::from_secs(24 * 60 * 60 + 60);
    let put = |name: &str, is_old: bool| {
        let path = shelf.join(name);
        fs::write(&path, "half").unwrap();
        let file = fs::File::open(&path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(if is_old { modified - day } else { modified }).unwrap();
        path.display().to_string()
    };
    let hash = "ab".repeat(32);
    let orphan = put(&hash, false);
    let dead = put(&format!("{hash}.4194999-0.tmp"), true);
    let new = put(&format!("{hash}.4194999-1.tmp"), false);
    let running = put(&format!("{hash}.{}-0.tmp", std::process::id()), true);
    let foreign = put("notes.txt", true);

    let names = |left: Vec<Leftover>| left.into_iter().map(|left| left.name).collect::<Vec<_>>();
    let mut all = vec![orphan.clone(), dead.clone(), new.clone(), running.clone()];
    all.sort();
    assert_eq!(names(store.leftovers().await.unwrap()), all);
    assert_eq!(names(store.clean().await.unwrap()), [orphan, dead]);
    let mut kept = vec![new, running];
    kept.sort();
    assert_eq!(names(store.leftovers().await.unwrap()), kept);
    assert!(fs::exists(foreign).unwrap());
    assert_eq!(store.read(&task_id("t"), 0, 9).await.unwrap(), recorded);
    let reader = SqliteStore::open_read_only(home.path(), SqliteOptions::default()).unwrap();
    assert_eq!(names(reader.leftovers().await.unwrap()), kept);
    assert!(matches!(reader.clean().await, Err(Error::ReadOnly { .. })));
}

fn blobs_of(home: &Home) -> std::path::PathBuf {
    let mut name = std::ffi::OsString::from(home.path());
    name.push(".blobs");
    name.into()
}
