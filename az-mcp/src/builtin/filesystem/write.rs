//! `filesystem.write`.
//!
//! # What is known of an interrupted call
//!
//! A probe compares the file with its state before the call, under the lock that all writes of this
//! program take:
//!
//! * A *replacement* happened if the file has the content. It did not happen if the file is the same
//!   as before (or is still missing); then it is made. Otherwise another process has changed the file
//!   since, and the outcome is unknown: repeating the call could destroy that change.
//! * An *append* happened if the call has marked its bytes (see [`super::marks`]). It did not happen
//!   if nothing was added to the file, or only bytes with the marks of other calls; then it is made.
//!   Otherwise the outcome is unknown: equal bytes may be those of another process.
//!
//! A repeated call checks this again under its own lock before it changes anything. A change that
//! another process has undone is not noticed: the call is made again.
//!
//! A call is reported as done only after the file and all directories on its path are synced.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use az_core::digest::sha256_hex;
use az_core::tool::{
    Access, EffectClass, Invocation, Probed, SeenFile, SeenFiles, ToolOutput, ToolScope,
};
use az_core::{Error, Result};
use cap_std::fs::File;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::access::{AccessGuard, named_path, seen_path};
use super::append::{AppendId, append};
use super::changes::of_text;
use super::drafts::drafts_at;
use super::durable::{sync_ancestors, sync_directory};
use super::encoding::Encoding;
use super::error::{FileError, WriteError, failed};
use super::lock::{LockWait, LockedTarget, open_reader};
use super::replace::FileLocation;
use super::root::{Root, Roots, into_output, open_regular};
use super::views::ViewProblem;
use super::witness::{Finding, Witness};
use crate::tool::{RecoverableTool, TypedTool};

/// Writes a file.
#[derive(Debug)]
pub struct WriteTool(Arc<Roots>);

/// The arguments of `filesystem.write`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// File path, relative to the workspace; missing directories are made
    pub path: String,
    /// File content
    pub content: String,
    /// File encoding
    #[serde(default)]
    pub encoding: Encoding,
    /// Append to file
    #[serde(default)]
    pub append: bool,
}

impl WriteTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for WriteTool {
    type Args = WriteArgs;
    const NAME: &'static str = "filesystem.write";
    const DESCRIPTION: &'static str = "Write to file. Read an existing file before you replace it; to \
        change a part of it, use filesystem.edit";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "boolean";
    const EFFECT: EffectClass = EffectClass::Probe;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str =
        r#"{"path": "notes.txt", "content": "buy milk\n", "append": true}"#;

    fn accesses(&self, args: &WriteArgs, call: &Invocation) -> Vec<Access> {
        vec![Access::Write { path: named_path(&args.path, call, self.0.home()) }]
    }

    async fn call(&self, args: WriteArgs, call: &Invocation) -> Result<ToolOutput> {
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        let job = Job::new(args, call, call.witness.as_ref());
        Ok(into_output(self.0.run(call, move |root| job.write(root, &guard)).await?))
    }
}

impl RecoverableTool for WriteTool {
    fn effect_of(&self, _args: &WriteArgs) -> EffectClass {
        Self::EFFECT
    }

    async fn witness(&self, args: &WriteArgs, call: &Invocation) -> Result<Option<Value>> {
        let (path, is_append) = (args.path.clone(), args.append);
        let take = move |root: &Root| match is_append {
            true => Witness::before_append(root, &path),
            false => Witness::before_replace(root, &path),
        };
        let taken = self.0.run(call, take).await?;
        let witness = serde_json::to_value(taken.map_err(failed)?);
        witness.map(Some).map_err(|error| Error::Internal(error.to_string()))
    }

    async fn probe(
        &self,
        args: &WriteArgs,
        call: &Invocation,
        witness: Option<&Value>,
    ) -> Result<Probed> {
        let job = Job::new(args.clone(), call, witness);
        Ok(match self.0.run(call, move |root| job.probe(root)).await {
            Ok(Ok(probed)) => probed,
            // The outcome cannot be determined if the file cannot be locked or read.
            Ok(Err(_)) | Err(_) => Probed::Unknown,
        })
    }

    async fn abandon(&self, args: &WriteArgs, call: &Invocation) -> Result<()> {
        // An interrupted write leaves no process running, but may leave temporary files.
        drafts_at(&self.0, call, args.path.clone(), Duration::ZERO, true).await.map(drop)
    }
}

/// The work of one call, on a thread of the blocking pool.
struct Job {
    args: WriteArgs,
    key: String,
    /// `None` outside the engine, and if the witness could not be taken or read.
    witness: Option<Witness>,
    repeated: bool,
    seen: Option<Arc<SeenFiles>>,
    wait: LockWait,
}

impl Job {
    fn new(args: WriteArgs, call: &Invocation, witness: Option<&Value>) -> Self {
        let witness = witness.and_then(|witness| Witness::deserialize(witness).ok());
        let (key, repeated, seen) = (call.key.clone(), call.repeated, call.seen.clone());
        Self { args, key, witness, repeated, seen, wait: LockWait::of(call) }
    }

    fn write(self, root: &Root, guard: &AccessGuard) -> Result<ToolOutput, FileError> {
        let path = self.args.path.as_str();
        let content = self.args.encoding.encode(self.args.content.clone())?;
        let (location, created) = FileLocation::find_or_create(root, path)?;
        let written = guard
            .check(root, &location.dir, &location.name, |path| Access::Write { path })
            .and_then(|()| self.write_at(root, &location, &content));
        if written.is_err() {
            created.remove(root.dir());
        }
        let output = self.done(content.len(), &written?);
        Ok(self.with_view(root, &location, &content, output))
    }

    /// Adds the view of a file that was replaced: the model knows all of it.
    fn with_view(
        &self,
        root: &Root,
        location: &FileLocation,
        content: &[u8],
        output: ToolOutput,
    ) -> ToolOutput {
        if self.args.append {
            return output;
        }
        let path = seen_path(root, &location.dir, &location.name, &self.args.path);
        let view = SeenFile::new(path, sha256_hex(content), content.len() as u64);
        output.with_seen(view.complete())
    }

    /// Writes the file; returns notes for the model.
    fn write_at(
        &self,
        root: &Root,
        location: &FileLocation,
        content: &[u8],
    ) -> Result<Vec<String>, FileError> {
        let path = self.args.path.as_str();
        location.check_regular(path)?;
        let synced = sync_ancestors(root.dir(), &location.directory);
        synced.map_err(|error| FileError::at(path, error))?;
        // Without the permission to read the file, there are no notes.
        let old = open_regular(&location.dir, &location.name, path).ok();
        let notes = old.and_then(|mut old| of_text(&mut old, content, self.args.append).ok());
        let mut notes = notes.unwrap_or_default();
        let written = if self.args.append {
            let id = self.witness.clone().map(|witness| AppendId {
                key: &self.key,
                witness,
                repeated: self.repeated,
            });
            append(location, content, id.as_ref(), &self.wait).map(|()| Vec::new())
        } else {
            let real = seen_path(root, &location.dir, &location.name, path);
            let check = |target: &LockedTarget| match self.repeated
                && self.check_unchanged(location, target, content)?
            {
                true => Ok(()),
                false => self.check_seen(location, target, &real),
            };
            let fill = |file: &mut File| file.write_all(content);
            location.replace(&self.key, &self.wait, check, fill)
        };
        notes.extend(written.map_err(|error| error.at(path))?);
        Ok(notes)
    }

    /// Fails if a model makes the call and would replace what it has not seen.
    fn check_seen(
        &self,
        location: &FileLocation,
        target: &LockedTarget,
        real: &str,
    ) -> Result<(), WriteError> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let file = match target {
            LockedTarget::Missing => return Ok(()),
            LockedTarget::Inaccessible => return Err(WriteError::Unseen(ViewProblem::Unread)),
            LockedTarget::Locked(file) if file.metadata()?.len() == 0 => return Ok(()),
            LockedTarget::Locked(file) => file,
        };
        let view = seen.get(real).ok_or(WriteError::Unseen(ViewProblem::Unread))?;
        let now = Witness::of(&mut open_reader(location, file)?)?;
        if now.sha256() != Some(&*view.sha256) {
            return Err(WriteError::Unseen(ViewProblem::Changed));
        }
        if view.is_complete() { Ok(()) } else { Err(WriteError::Unseen(ViewProblem::Partial)) }
    }

    /// Returns whether an earlier run made this call; fails if the file is no longer as it was before.
    fn check_unchanged(
        &self,
        location: &FileLocation,
        target: &LockedTarget,
        content: &[u8],
    ) -> Result<bool, WriteError> {
        match self.find(location, target, content) {
            Ok(Finding::Happened) => Ok(true),
            Ok(Finding::DidNotHappen) => Ok(false),
            Ok(Finding::Unknown) | Err(_) => Err(WriteError::changed_since()),
        }
    }

    fn probe(self, root: &Root) -> Result<Probed, FileError> {
        let path = self.args.path.as_str();
        let at = |error| FileError::at(path, error);
        let content = self.args.encoding.encode(self.args.content.clone())?;
        let location = match FileLocation::find(root, path) {
            // The directory is missing, and therefore the file.
            Err(FileError::Missing { .. }) => {
                let found = self.compare(None, &content).map_err(at)?;
                return Ok(self.probed(found, content.len()));
            }
            found => found?,
        };
        let target = LockedTarget::lock_existing(&location, &self.wait).map_err(at)?;
        let found = self.find(&location, &target, &content).map_err(at)?;
        if let (Finding::Happened, LockedTarget::Locked(file)) = (found, &target) {
            // The interrupted call may have been killed before it did.
            file.sync_all().map_err(at)?;
            sync_directory(&location.dir).map_err(at)?;
            sync_ancestors(root.dir(), &location.directory).map_err(at)?;
        }
        Ok(match self.probed(found, content.len()) {
            Probed::Happened(output) => {
                Probed::Happened(self.with_view(root, &location, &content, output))
            }
            other => other,
        })
    }

    /// Determines whether an earlier attempt took effect; the target stays locked.
    fn find(
        &self,
        location: &FileLocation,
        target: &LockedTarget,
        content: &[u8],
    ) -> io::Result<Finding> {
        match target {
            LockedTarget::Missing => self.compare(None, content),
            LockedTarget::Locked(file) => {
                self.compare(Some(&mut open_reader(location, file)?), content)
            }
            LockedTarget::Inaccessible => Ok(Finding::Unknown),
        }
    }

    fn compare(&self, file: Option<&mut File>, content: &[u8]) -> io::Result<Finding> {
        match &self.witness {
            Some(witness) if self.args.append => {
                witness.find_append(file, &self.key, content.len())
            }
            None if self.args.append => Ok(Finding::Unknown),
            witness => Witness::find_replace(witness.as_ref(), file, content),
        }
    }

    fn probed(&self, found: Finding, bytes: usize) -> Probed {
        match found {
            Finding::Happened => Probed::Happened(self.done(bytes, &[])),
            Finding::DidNotHappen => Probed::DidNotHappen,
            Finding::Unknown => Probed::Unknown,
        }
    }

    fn done(&self, bytes: usize, notes: &[String]) -> ToolOutput {
        let verb = if self.args.append { "appended" } else { "wrote" };
        let unit = if bytes == 1 { "byte" } else { "bytes" };
        let mut text = format!("{verb} {bytes} {unit} to `{}`", self.args.path);
        for note in notes {
            text.push_str(&format!("\n[{note}]"));
        }
        ToolOutput::done(text).with_data(true.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use az_core::tool::Invocation;
    use serde_json::json;

    use super::{RecoverableTool, WriteTool};
    use crate::builtin::filesystem::replace::temporary_name;

    #[tokio::test]
    async fn a_temporary_file_that_cannot_be_removed_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let arguments = json!({"path": "f", "content": "x"});
        let call = Invocation::bare("filesystem.write", arguments.clone()).unwrap();
        let call = call.in_workspace(directory.path().to_str().unwrap());
        let unremovable = directory.path().join(temporary_name(Path::new("f"), &call.key, 0));
        fs::create_dir(&unremovable).unwrap();
        let args = serde_json::from_value(arguments).unwrap();
        let abandoned = WriteTool::new(Default::default()).abandon(&args, &call).await;
        let error = abandoned.unwrap_err().chain();
        assert!(error.starts_with("the workspace failed: `f`: "), "{error}");
        assert!(unremovable.exists());
    }
}
