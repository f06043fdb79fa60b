//! The process that keeps a database locked.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use az_core::locks;

use super::connect::beside;
use crate::error::SqliteError;

/// Adds to the error of a locked database the process that has locked it, if that can be found.
pub(super) fn name(path: &Path, error: SqliteError) -> SqliteError {
    if !error.is_busy() {
        return error;
    }
    // In WAL mode, writers lock bytes of the shared-memory file.
    let holder = [beside(path, "-shm"), path.to_owned()].iter().find_map(|file| {
        let inode = file.metadata().ok()?.ino();
        locks::holder(inode)
    });
    match holder {
        Some(holder) => SqliteError::Held { holder: holder.to_string() },
        None => error,
    }
}
