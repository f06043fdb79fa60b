//! `filesystem.list`.

use std::path::Path;
use std::sync::Arc;

use az_core::tool::{
    Access, EffectClass, Invocation, Progress, ProgressSender, ToolOutput, ToolScope,
};
use az_core::{CancellationToken, Result};
use cap_std::fs::{Dir, DirEntry, FileType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::{AccessGuard, named_path};
use super::error::FileError;
use super::root::{Root, Roots, into_output};
use crate::schema::output_schema;
use crate::tool::TypedTool;

/// The maximum number of listed entries.
const MAX_ENTRIES: usize = 10_000;
/// The number of entries after which progress is reported.
const REPORTED: usize = 1_000;

/// Lists a directory.
#[derive(Debug)]
pub struct ListTool(Arc<Roots>);

/// The arguments of `filesystem.list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListArgs {
    /// Directory path, relative to the workspace
    pub path: String,
    /// List recursively
    #[serde(default)]
    pub recursive: bool,
    /// Include hidden files
    #[serde(default)]
    pub include_hidden: bool,
}

/// An entry of a directory.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    /// Its path, relative to the listed directory.
    name: String,
    /// Its kind.
    #[serde(rename = "type")]
    kind: Kind,
    /// Its size in bytes; 0 unless it is a regular file.
    size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Directory,
    Symlink,
    Other,
}

impl ListTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for ListTool {
    type Args = ListArgs;
    const NAME: &'static str = "filesystem.list";
    const DESCRIPTION: &'static str = "List files and directories";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "array";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"path": "src", "recursive": true}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<Vec<Entry>>())
    }

    fn accesses(&self, args: &ListArgs, call: &Invocation) -> Vec<Access> {
        vec![Access::Read { path: named_path(&args.path, call, self.0.home()) }]
    }

    async fn call(&self, args: ListArgs, call: &Invocation) -> Result<ToolOutput> {
        let (cancel, progress) = (call.cancel.clone(), call.progress.clone());
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        let work = move |root: &Root| list(root, &args, &guard, (&cancel, &progress));
        Ok(into_output(self.0.run(call, work).await?))
    }
}

fn list(
    root: &Root,
    args: &ListArgs,
    guard: &AccessGuard,
    (cancel, progress): (&CancellationToken, &ProgressSender),
) -> Result<ToolOutput, FileError> {
    let at = |error| FileError::at(&args.path, error);
    let base = root.dir().open_dir(root.relative(&args.path)?).map_err(at)?;
    let may_list =
        |entry: &str| guard.check(root, &base, Path::new(entry), |path| Access::Read { path });
    may_list("")?;
    let (entries, notes) = (Vec::new(), Vec::new());
    let mut listing =
        Listing { args, cancel, progress, may_list: &may_list, base: &base, entries, notes };
    listing.walk()?;
    Ok(listing.output())
}

/// A listing under construction.
struct Listing<'a> {
    args: &'a ListArgs,
    cancel: &'a CancellationToken,
    progress: &'a ProgressSender,
    /// Checks whether a directory below the base may be listed.
    may_list: &'a dyn Fn(&str) -> Result<(), FileError>,
    base: &'a Dir,
    entries: Vec<Entry>,
    notes: Vec<String>,
}

impl Listing<'_> {
    /// Lists depth first, the entries of each directory by name.
    fn walk(&mut self) -> Result<(), FileError> {
        let at = |error| FileError::at(&self.args.path, error);
        let mut rest = self.read_dir("").map_err(at)?;
        while let Some(entry) = rest.pop() {
            if self.cancel.is_cancelled() {
                return Err(FileError::Cancelled);
            }
            if self.entries.len() == MAX_ENTRIES {
                self.notes.push(format!("[only the first {MAX_ENTRIES} entries are listed]"));
                break;
            }
            if self.args.recursive && entry.kind == Kind::Directory {
                // Opened from the base and not from its parent, so that a deep tree does not
                // exhaust the file descriptors.
                let below = (self.may_list)(&entry.name).map_err(std::io::Error::other);
                match below.and_then(|()| self.read_dir(&entry.name)) {
                    Ok(below) => rest.extend(below),
                    Err(error) => self.notes.push(format!("[{}: {error}]", entry.name)),
                }
            }
            self.entries.push(entry);
            if self.entries.len().is_multiple_of(REPORTED) {
                let listed = u64::try_from(self.entries.len()).ok();
                let listed =
                    listed.map(|listed| Progress::message("listing").with_count(listed, None));
                listed.into_iter().for_each(|listed| self.progress.report(listed));
            }
        }
        Ok(())
    }

    /// Reads one directory, in descending order of names.
    fn read_dir(&self, path: &str) -> std::io::Result<Vec<Entry>> {
        let entries = match path {
            "" => self.base.entries()?,
            path => self.base.read_dir(path)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            if self.cancel.is_cancelled() {
                break;
            }
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if self.args.include_hidden || !name.starts_with('.') {
                found.push(describe(&entry, path, name));
            }
        }
        found.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(found)
    }

    fn output(self) -> ToolOutput {
        let lines = self.entries.iter().map(|entry| match entry.kind {
            Kind::Directory => format!("{}/", entry.name),
            Kind::Symlink | Kind::File | Kind::Other => entry.name.clone(),
        });
        let mut lines: Vec<String> = lines.chain(self.notes).collect();
        if lines.is_empty() {
            lines.push("[empty]".to_owned());
        }
        let data = self.entries.iter().map(
            |entry| serde_json::json!({"name": entry.name, "type": entry.kind, "size": entry.size}),
        );
        ToolOutput::done(lines.join("\n")).with_data(data.collect())
    }
}

fn describe(entry: &DirEntry, parent: &str, name: String) -> Entry {
    let kind = entry.file_type().map_or(Kind::Other, Kind::from);
    let size = match kind {
        Kind::File => entry.metadata().map_or(0, |metadata| metadata.len()),
        Kind::Directory | Kind::Symlink | Kind::Other => 0,
    };
    let name = if parent.is_empty() { name } else { format!("{parent}/{name}") };
    Entry { name, kind, size }
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Self {
        if kind.is_dir() {
            Self::Directory
        } else if kind.is_symlink() {
            Self::Symlink
        } else if kind.is_file() {
            Self::File
        } else {
            Self::Other
        }
    }
}
