//! The temporary files that interrupted writes left behind.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use az_core::tool::Invocation;
use az_core::{Error, Result};
use serde::Deserialize;

use super::edit::EditArgs;
use super::error::FileError;
use super::replace::FileLocation;
use super::root::Roots;
use super::write::WriteArgs;

/// A temporary file of an interrupted call of `filesystem.write` or `filesystem.edit`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// The path of the file.
    pub path: PathBuf,
    /// The size in bytes.
    pub bytes: u64,
}

impl Draft {
    pub(super) const fn new(path: PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }
}

/// Lists the temporary files that an interrupted call of `filesystem.write` or `filesystem.edit` left
/// behind and that were not changed for at least `age`; removes them if `remove` is set.
///
/// The caller makes sure that no process makes the call meanwhile. A call of another tool, one whose
/// workspace or directory does not exist, and one that may not write at its path have no such files.
///
/// # Errors
///
/// `Invalid` for a call without a workspace; `Io` for files that cannot be read or removed.
pub async fn drafts(call: &Invocation, age: Duration, remove: bool) -> Result<Vec<Draft>> {
    let path = match WriteArgs::deserialize(&call.arguments) {
        Ok(WriteArgs { path, append: false, .. }) => Some(path),
        _ => EditArgs::deserialize(&call.arguments).ok().map(|edit| edit.path),
    };
    let Some(path) = path else { return Ok(Vec::new()) };
    drafts_at(&Arc::new(Roots::default()), call, path, age, remove).await
}

/// Does the same for a call that writes at a path.
pub(super) async fn drafts_at(
    roots: &Arc<Roots>,
    call: &Invocation,
    path: String,
    age: Duration,
    remove: bool,
) -> Result<Vec<Draft>> {
    let key = call.key.clone();
    let workspace = PathBuf::from(call.workspace.clone().unwrap_or_default());
    let find = move |root: &super::root::Root| match FileLocation::find(root, &path) {
        Ok(location) => location
            .drafts(&key, age, remove)
            .map_err(|source| FileError::Io { path: path.clone(), source }),
        Err(error @ FileError::Io { .. }) => Err(error),
        Err(_) => Ok(Vec::new()),
    };
    let found = match roots.run(call, find).await? {
        Ok(found) => found,
        Err(FileError::Workspace(error)) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(Error::Io { backend: "the workspace", source: error.to_string().into() });
        }
    };
    let in_workspace = |draft: Draft| Draft { path: workspace.join(draft.path), ..draft };
    Ok(found.into_iter().map(in_workspace).collect())
}
