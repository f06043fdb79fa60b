//! The instructions of a project: `AGENTS.md` in the workspace and above it, up to the root of the repository.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use az_core::task::TaskInstructions;
use az_core::text::plural;
use az_mcp::secrets::KnownSecrets;

use crate::error::CliError;
use crate::output::printable;
use crate::text_file::read_text;

/// The name of the files.
const NAME: &str = "AGENTS.md";
/// The most of all files together that is used, in bytes.
const LARGEST: usize = 32 << 10;

/// Which instructions a task gets.
#[derive(Debug)]
pub(crate) struct InstructionSources {
    /// Whether the files of the project are read.
    pub(crate) project: bool,
    /// A file that is named on the command line.
    pub(crate) file: Option<PathBuf>,
    /// What is masked in the files: their text is recorded, and sent to a model.
    pub(crate) secrets: KnownSecrets,
}

/// What was read, and what the user is to know about it.
#[derive(Debug, Default)]
pub(crate) struct ReadInstructions {
    /// The instructions; `None` if there are none.
    pub(crate) instructions: Option<TaskInstructions>,
    /// One line each.
    pub(crate) notices: Vec<String>,
}

impl InstructionSources {
    /// Reads the instructions for a workspace. This blocks.
    ///
    /// # Errors
    ///
    /// A usage error for a file that cannot be read, is not UTF-8, or is named and too large.
    pub(crate) fn read(&self, workspace: &Path) -> Result<ReadInstructions, CliError> {
        let named = self.file.as_deref().map(read_named).transpose()?;
        let mut notices = Vec::new();
        let mut texts = match self.project {
            true => read_project(workspace, &mut notices)?,
            false => Vec::new(),
        };
        texts.extend(named);
        if texts.is_empty() {
            return Ok(ReadInstructions { notices, ..ReadInstructions::default() });
        }
        let files: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
        let sections =
            texts.iter().map(|(name, text)| format!("From {name}:\n\n{}\n", text.trim_end()));
        let text = sections.collect::<Vec<_>>().join("\n");
        let text = match self.secrets.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => {
                notices.push("instructions: keys and passwords in them are masked".to_owned());
                masked
            }
        };
        notices.push(format!(
            "instructions: {} ({})",
            printable(&files.join(", ")),
            plural(text.len(), "byte")
        ));
        Ok(ReadInstructions { instructions: Some(TaskInstructions::new(text, files)), notices })
    }
}

/// Reads a file that is named on the command line; returns its name and its text.
fn read_named(file: &Path) -> Result<(String, String), CliError> {
    let name = file.display().to_string();
    let refused = |reason: &str| CliError::Usage(format!("--instructions {name}: {reason}"));
    let (text, size) = read_text(file, LARGEST).map_err(|error| refused(&error.to_string()))?;
    if size > text.len() {
        let limit = LARGEST >> 10;
        return Err(refused(&format!("larger than {limit} KiB; shorten it")));
    }
    if text.trim().is_empty() {
        return Err(refused("is empty"));
    }
    Ok((name, text))
}

/// Reads the files of the project, the nearest last; returns their names and texts. Where they are too
/// large together, those farther away are cut.
fn read_project(
    workspace: &Path,
    notices: &mut Vec<String>,
) -> Result<Vec<(String, String)>, CliError> {
    let directories = directories(workspace);
    let Some(top) = directories.first().cloned() else { return Ok(Vec::new()) };
    let mut room = LARGEST;
    let mut texts = Vec::new();
    for directory in directories.iter().rev() {
        let path = directory.join(NAME);
        let name = path.strip_prefix(&top).unwrap_or(&path).display().to_string();
        let Some(path) = file_within(&path, &top, &name, notices) else { continue };
        let (mut text, size) = read_text(&path, room).map_err(|error| {
            CliError::Usage(format!(
                "{}: {error}; mend it, or use --no-instructions",
                printable(&path.display().to_string())
            ))
        })?;
        if size > text.len() {
            let omitted = plural(size - text.len(), "byte");
            notices.push(format!(
                "instructions: {} is cut, {omitted} of it are left out; at most {} KiB are used",
                printable(&name),
                LARGEST >> 10
            ));
            text.push_str(&format!("\n[… {omitted} left out …]"));
        }
        room = room.saturating_sub(text.len());
        if !text.trim().is_empty() {
            texts.push((name, text));
        }
    }
    texts.reverse();
    Ok(texts)
}

/// Returns the directories from the root of the repository to the workspace; only the workspace outside of a
/// repository. The search ends at a directory of another user.
fn directories(workspace: &Path) -> Vec<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let is_own = |path: &&Path| fs::metadata(path).is_ok_and(|found| found.uid() == user);
    let mut directories = Vec::new();
    for directory in workspace.ancestors().take_while(is_own) {
        directories.push(directory.to_owned());
        if directory.join(".git").exists() {
            directories.reverse();
            return directories;
        }
    }
    directories.truncate(1);
    directories
}

/// Returns the file at a path, if there is one; a link is followed within the repository.
fn file_within(path: &Path, top: &Path, name: &str, notices: &mut Vec<String>) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let top = top.canonicalize().ok()?;
    if !real.starts_with(&top) {
        let name = printable(name);
        notices.push(format!(
            "instructions: {name} is a link that leaves the project, and is not used"
        ));
        return None;
    }
    Some(real)
}
