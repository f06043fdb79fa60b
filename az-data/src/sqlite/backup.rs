//! The backup of the database that a migration makes.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use super::connect::{beside, sync};
use crate::error::{Result, about};

/// Copies the database of this schema to `<path>.schema<N>.bak` and returns the copy's path.
///
/// The backup is complete and on disk before it gets that name. An existing file is never replaced:
/// `.schema<N>.2.bak` and so on are tried instead. The caller holds the write lock, so the database
/// does not change meanwhile, and no other process makes a backup of it.
pub(super) fn make(path: &Path, schema: u32) -> Result<PathBuf> {
    let unfinished = beside(path, ".backup");
    write(path, &unfinished)?;
    let backup = unused(path, schema)?;
    fs::rename(&unfinished, &backup).map_err(about(&backup))?;
    sync(path.parent().unwrap_or(path))?;
    Ok(backup)
}

/// Writes the backup with access for its owner only, and waits until it is on disk.
fn write(path: &Path, copy: &Path) -> Result<()> {
    // An existing file is part of a backup that a crash interrupted.
    match fs::remove_file(copy) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(about(copy)(error)),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy);
    file.map_err(about(copy))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    // A path need not be UTF-8; SQLite takes it as bytes.
    let name = ToSqlOutput::Borrowed(ValueRef::Text(copy.as_os_str().as_bytes()));
    conn.execute("VACUUM INTO ?1", [name])?;
    File::open(copy).and_then(|file| file.sync_all()).map_err(about(copy))
}

fn unused(path: &Path, schema: u32) -> Result<PathBuf> {
    let names = (2_u32..).map(|n| format!(".schema{schema}.{n}.bak"));
    for name in std::iter::once(format!(".schema{schema}.bak")).chain(names) {
        let backup = beside(path, &name);
        match fs::symlink_metadata(&backup) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(backup),
            Err(error) => return Err(about(&backup)(error)),
            Ok(_) => {}
        }
    }
    Err(about(path)(ErrorKind::AlreadyExists.into()))
}
