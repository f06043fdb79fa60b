//! Large bodies, in files named by what is in them.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use az_core::point;
use sha2::{Digest, Sha256};

use super::connect::{beside, sync};
use crate::error::{Result, about, unreadable};

/// Tells apart the temporary files of one process.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The directory of the bodies of one database.
#[derive(Debug, Clone)]
pub(super) struct Blobs(Arc<Path>);

impl Blobs {
    /// Returns the directory that belongs to a database.
    pub(super) fn beside(database: &Path) -> Self {
        Self(beside(database, ".blobs").into())
    }

    /// Keeps a text and returns its name. When this returns, the text survives a power cut.
    pub(super) fn put(&self, text: &str) -> Result<String> {
        let name = name_of(text);
        let path = self.path(&name);
        let directory = path.parent().unwrap_or(&self.0);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(about(directory))?;
        // One that is there and whole need not be written again; a torn one is replaced.
        if self.get(&name).is_err() {
            let draft = self.draft(&name);
            write(&draft, text)
                .and_then(|()| {
                    point!("blob.written");
                    fs::rename(&draft, &path)
                })
                .map_err(|error| {
                    // It may not even exist; what matters is the first error.
                    fs::remove_file(&draft).ok();
                    about(&path)(error)
                })?;
            point!("blob.renamed");
        }
        // Another process may have made any of these and not come as far as here.
        for directory in directory.ancestors().take(3) {
            sync(directory)?;
        }
        point!("blob.synced");
        Ok(name)
    }

    /// Returns the text of this name.
    pub(super) fn get(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => unreadable("body", format!("{} is missing", path.display())),
            ErrorKind::InvalidData => unreadable("body", format!("{} is torn", path.display())),
            _ => about(&path)(error),
        })?;
        if name_of(&text) != name {
            return Err(unreadable("body", format!("{} is torn", path.display())));
        }
        Ok(text)
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
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::Blobs;

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
}
