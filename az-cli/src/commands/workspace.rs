//! The directory that tools work in.

use std::path::Path;

use crate::error::CliError;

/// Returns the path of a directory, or of the current one, in which tools may read and write.
///
/// # Errors
///
/// A usage error if it is not a directory, or its path is not UTF-8.
pub(super) fn workspace(dir: Option<&Path>) -> Result<String, CliError> {
    let (what, dir) = match dir {
        Some(dir) => (format!("the workspace {}", dir.display()), dir),
        None => ("the current directory, which is the workspace".to_owned(), Path::new(".")),
    };
    let dir = dir.canonicalize().map_err(|error| CliError::Usage(format!("{what}: {error}")))?;
    if !dir.is_dir() {
        return Err(CliError::Usage(format!("{what} is not a directory")));
    }
    dir.into_os_string().into_string().map_err(|dir| {
        CliError::Usage(format!("the workspace {} is not UTF-8; use another", dir.display()))
    })
}
