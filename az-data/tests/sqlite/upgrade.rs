//! Migrations make a backup, and an older version with the file open writes nothing more.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use az_core::error::ErrorKind;
use az_core::store::StoreAdmin;
use az_core::task::{TaskFilter, TaskRepository};
use az_core::testing::sample::{at, task};
use az_core::{Error, Task};
use az_data::repository::{Record, SqlRepository};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::Home;

/// Puts a database of an earlier schema in place; returns its path.
fn earlier(home: &Home, schema: u32) -> PathBuf {
    home.earlier(schema);
    home.path()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

async fn tasks(store: &SqliteStore) -> Vec<Task> {
    store.list(&TaskFilter::default()).await.expect("they are listed")
}

/// Returns the schema version of a file and the number of its tasks.
fn found(path: &Path) -> (u32, u32) {
    let db = Connection::open(path).expect("a database");
    let number = |sql| db.query_row(sql, [], |row| row.get(0)).expect("a number");
    (number("PRAGMA user_version"), number("SELECT count(*) FROM task"))
}

#[tokio::test]
async fn a_migration_makes_a_backup_of_the_database() {
    for schema in 1..=10 {
        let home = Home::new();
        let path = earlier(&home, schema);
        let before = found(&path);
        let store = home.open();
        let migration = store.migration().expect("it was migrated").clone();
        let newest = store.status().await.expect("it is read").schema.expect("a schema");
        assert_eq!((migration.from, migration.to), (schema, newest));
        assert_eq!(migration.backup, beside(&path, &format!(".schema{schema}.bak")));
        let mode = fs::metadata(&migration.backup).expect("a backup").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(found(&migration.backup), before);
        assert!(!beside(&path, ".backup").exists(), "the unfinished copy is gone");

        assert_eq!(home.open().migration(), None, "it is migrated once");
    }
}

/// A migration replaces tables; objects of users that refer to them refer to the new ones.
#[tokio::test]
async fn views_and_tables_of_users_survive_a_migration() {
    let home = Home::new();
    let path = earlier(&home, 5);
    Connection::open(&path)
        .expect("a database")
        .execute_batch(
            "CREATE TABLE mine (task_id TEXT NOT NULL);
             INSERT INTO mine VALUES ('parent');
             CREATE VIEW of_mine AS
                 SELECT task.id, task.status FROM mine JOIN task ON task.id = mine.task_id;",
        )
        .expect("it is made");
    let store = home.open();
    let rows = store.fetch_all("SELECT * FROM of_mine", &Record::new()).await.expect("rows");
    let row = json!({"id": "parent", "status": "initialized"});
    assert_eq!(rows.into_iter().map(Value::Object).collect::<Vec<_>>(), [row]);
    let text = |sql: &str| home.raw().query_row(sql, [], |row| row.get::<_, String>(0));
    assert_eq!(text("PRAGMA integrity_check"), Ok("ok".to_owned()));
    assert!(text("PRAGMA foreign_key_check").is_err(), "every row has what it refers to");
}

#[test]
fn a_foreign_key_that_the_migration_would_break_is_refused_before_anything_changes() {
    let home = Home::new();
    let path = earlier(&home, 4);
    let user = Connection::open(&path).expect("a database");
    user.execute_batch(
        "CREATE TABLE note (text TEXT, task_id TEXT REFERENCES Task (id) ON DELETE CASCADE)",
    )
    .expect("it is made");
    let error = SqliteStore::open(&path, SqliteOptions::default()).unwrap_err();
    assert_eq!(
        error.chain(),
        "sqlite cannot be used: table note has a foreign key to task (id), which schema 6 does not \
         have: create the table again without it, then open the database again"
    );
    assert_eq!(found(&path).0, 4);
    assert!(!beside(&path, ".schema4.bak").exists());
    user.execute_batch("DROP TABLE note").expect("it is dropped");
    drop(user);
    drop(home.open());
    assert_eq!(found(&path).0, 15);
}

#[tokio::test]
async fn a_restored_backup_is_migrated_again_without_replacing_backups() {
    let home = Home::new();
    let path = earlier(&home, 3);
    // The file that a crash during an earlier backup leaves.
    fs::write(beside(&path, ".backup"), "half a copy").expect("it is written");
    let store = home.open();
    let first = store.migration().expect("it was migrated").backup.clone();
    let (kept, all) = (fs::read(&first).expect("a backup"), tasks(&store).await);
    drop(store);

    fs::copy(&first, &path).expect("it is put back");
    let store = home.open();
    let second = store.migration().expect("it was migrated again").backup.clone();
    assert_eq!(second, beside(&path, ".schema3.2.bak"));
    assert_eq!(fs::read(&first).expect("a backup"), kept);
    assert_eq!(tasks(&store).await, all);
}

#[test]
fn a_new_store_has_no_backup() {
    let home = Home::new();
    assert_eq!(home.open().migration(), None);
    let names = fs::read_dir(home.path().parent().expect("a directory")).expect("it is listed");
    let backups = names.filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().contains("bak"))
    });
    assert_eq!(backups.count(), 0);
}

#[test]
fn a_migration_that_cannot_be_backed_up_does_not_begin() {
    let home = Home::new();
    let path = earlier(&home, 3);
    fs::create_dir(beside(&path, ".backup")).expect("something is in the way");
    let refused = SqliteStore::open(&path, SqliteOptions::default());
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(found(&path).0, 3);
}

/// Two handles as two processes: one has the file open, the other migrates it.
#[tokio::test]
async fn a_store_that_another_process_migrated_writes_nothing_more() {
    let home = Home::new();
    let store = home.open();
    store.create(&task("before", 0)).await.expect("it is written");
    let schema = store.status().await.expect("it is read").schema.expect("a schema");
    home.raw().pragma_update(None, "user_version", schema + 1).expect("it is migrated");

    let (one, two) = (task("one", 0), task("two", 0));
    let writes = [store.create(&one), store.create(&two)];
    for refused in futures_util::future::join_all(writes).await {
        let Err(error @ Error::SchemaChanged { found, expected, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((found, expected), (schema + 1, schema));
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    assert!(
        TaskRepository::delete(&store, &"before".parse().expect("an id"), at(1)).await.is_err()
    );
    let left: Vec<_> = tasks(&store).await.into_iter().map(|task| task.command).collect();
    assert_eq!(left, ["do before"]);
}
