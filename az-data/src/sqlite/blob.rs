//! Large bodies, in files that are named by their SHA-256.
//!
//! A file is written before the transaction that refers to it, so that no writer waits for the disk
//! while it holds the lock, and removed after the transaction that removes the last reference. In
//! between, another process may do the opposite with the same text. Both therefore check again while
//! they hold the lock: the transaction that refers to a file, that the file exists; the one that
//! removes a file, that no event refers to it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use az_core::digest::sha256_hex;
use az_core::point;
use rusqlite::{Connection, TransactionBehavior};

use super::connect::{beside, sync};
use super::migrate;
use super::row::{all, run};
use crate::error::{Result, about, unreadable};

/// Selects the orphaned files: those that no event of any namespace refers to.
const ORPHANED: &str = "SELECT name FROM orphaned_blob \
    WHERE NOT EXISTS (SELECT 1 FROM event WHERE blob = orphaned_blob.name)";

/// Distinguishes the temporary files of one process.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The directory for the bodies of one database.
#[derive(Debug, Clone)]
pub(super) struct Blobs(Arc<Path>);

impl Blobs {
    /// Returns the directory of a database.
    pub(super) fn beside(database: &Path) -> Self {
        Self(beside(database, ".blobs").into())
    }

    /// Returns the directory.
    pub(super) fn directory(&self) -> &Path {
        &self.0
    }

    /// Stores a text and returns its name. When it returns, the text is durable.
    pub(super) fn put(&self, text: &str) -> Result<String> {
        let name = name_of(text);
        let path = self.path(&name);
        let directory = path.parent().unwrap_or(&self.0);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(about(directory))?;
        // An intact file need not be written again; a damaged one is replaced.
        if self.get(&name).is_err() {
            let draft = self.draft(&name);
            write(&draft, text)
                .and_then(|()| {
                    point!("blob.written");
                    fs::rename(&draft, &path)
                })
                .map_err(|error| {
                    // The file may not exist; the first error is the one to report.
                    fs::remove_file(&draft).ok();
                    about(&path)(error)
                })?;
            point!("blob.renamed");
        }
        // Another process may have created any of these without syncing them yet.
        for directory in directory.ancestors().take(3) {
            sync(directory)?;
        }
        point!("blob.synced");
        Ok(name)
    }

    /// Writes the file of a text again if it was removed after [`put`](Self::put). Call it in the
    /// transaction that refers to the file.
    pub(super) fn keep(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        if !fs::exists(&path).map_err(about(&path))? {
            self.put(text)?;
        }
        Ok(())
    }

    /// Removes the orphaned files that committed transactions have listed, in a transaction of its
    /// own: in that of another request, a rollback could bring the references back.
    pub(super) fn tidy(&self, conn: &mut Connection) -> Result<()> {
        let alone = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrate::check_unchanged(&alone)?;
        for name in all(&alone, ORPHANED, [], |row| row.take::<String>())? {
            let path = self.path(&name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(about(&path)(error));
                }
                _ => {}
            }
        }
        run(&alone, "DELETE FROM orphaned_blob", [])?;
        Ok(alone.commit()?)
    }

    /// Returns the text of this name.
    pub(super) fn get(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => unreadable("body", format!("{} is missing", path.display())),
            ErrorKind::InvalidData => unreadable("body", format!("{} is damaged", path.display())),
            _ => about(&path)(error),
        })?;
        if name_of(&text) != name {
            return Err(unreadable("body", format!("{} is damaged", path.display())));
        }
        Ok(text)
    }

    /// Returns the body of an event from its columns `body` and `blob`.
    pub(super) fn body(&self, text: Option<String>, name: Option<&str>) -> Result<String> {
        match (text, name) {
            (Some(text), _) => Ok(text),
            (None, Some(name)) => self.get(name),
            (None, None) => Err(unreadable("body", "there is none")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        let shelf = name.get(..2).unwrap_or(name);
        self.0.join(shelf).join(name)
    }

    fn draft(&self, name: &str) -> PathBuf {
        let mut path = self.path(name);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        path.set_extension(format!("{}-{number}.tmp", std::process::id()));
        path
    }
}

fn name_of(text: &str) -> String {
    sha256_hex(text)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{Blobs, ORPHANED};
    use crate::sqlite::migrate;
    use crate::sqlite::plans::plan;

    #[test]
    fn a_text_is_kept_once_and_a_torn_one_is_written_anew() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Blobs::beside(&home.path().join("data.db"));
        let text = "ünïcödé".repeat(10_000);
        let name = blobs.put(&text).unwrap();
        assert_eq!(blobs.put(&text).unwrap(), name);
        assert_eq!(blobs.get(&name).unwrap(), text);

        std::fs::write(blobs.path(&name), "half of i").unwrap();
        assert!(blobs.get(&name).is_err());
        assert_eq!(blobs.put(&text).unwrap(), name);
        assert_eq!(blobs.get(&name).unwrap(), text);
        assert_eq!(std::fs::read_dir(blobs.path(&name).parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_orphaned_file_is_removed_and_written_again_for_a_new_reference() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Blobs::beside(&home.path().join("data.db"));
        let mut conn = migrate::in_memory();
        let [used, orphaned] = ["used", "orphaned"].map(|text| blobs.put(text).unwrap());
        conn.execute_batch(&format!(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO event (task_id, seq, epoch, type, at, blob) \
                 VALUES ('t', 0, 1, 'note', 0, '{used}');
             INSERT INTO orphaned_blob VALUES ('{used}'), ('{orphaned}'), ('never-was');"
        ))
        .unwrap();
        blobs.tidy(&mut conn).unwrap();
        assert_eq!(blobs.get(&used).unwrap(), "used");
        assert!(blobs.get(&orphaned).is_err());
        let left: i64 =
            conn.query_row("SELECT count(*) FROM orphaned_blob", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);

        for name in [&orphaned, &orphaned] {
            blobs.keep(name, "orphaned").unwrap();
            assert_eq!(blobs.get(name).unwrap(), "orphaned");
        }
    }

    #[test]
    fn references_to_a_file_are_found_by_an_index() {
        let steps = plan(ORPHANED);
        let found = steps.iter().find(|step| step.contains("event"));
        let expected = "SEARCH event USING COVERING INDEX event_in_blob (blob=?)";
        assert_eq!(found.map(String::as_str), Some(expected), "{steps:?}");
    }
}
