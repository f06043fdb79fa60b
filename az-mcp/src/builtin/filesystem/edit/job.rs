//! The work of one edit, on a thread of the blocking pool.

use std::io::{self, Write};
use std::sync::Arc;

use az_core::digest::sha256_hex;
use az_core::tool::{Access, Invocation, Probed, SeenFile, SeenFiles, ToolOutput};
use cap_std::fs::File;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::apply::{Applied, Edit, apply};
use super::nearest::nearest;
use super::refusal::Refusal;
use super::report::{EditReport, excerpt};
use super::text::FileText;
use super::tool::EditArgs;
use crate::builtin::filesystem::access::{AccessGuard, seen_path};
use crate::builtin::filesystem::durable::{sync_ancestors, sync_directory};
use crate::builtin::filesystem::error::{FileError, WriteError};
use crate::builtin::filesystem::lock::{LockWait, LockedTarget, open_reader};
use crate::builtin::filesystem::read::read_all;
use crate::builtin::filesystem::replace::FileLocation;
use crate::builtin::filesystem::root::{Root, open_regular};
use crate::builtin::filesystem::views::ViewProblem;
use crate::builtin::filesystem::witness::{Finding, Witness};
use crate::secrets::KnownSecrets;

/// The state of a file before an edit, and what the edit makes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EditWitness {
    before: Witness,
    /// `None` if the edit does not apply.
    after: Option<After>,
}

/// A file after an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct After {
    sha256: String,
    size: u64,
    report: EditReport,
}

/// A file that was read, and an edit that was applied to it in memory.
struct Draft {
    before: Witness,
    applied: Result<Applied, Refusal>,
    /// The content after the edit; empty if it does not apply.
    content: Vec<u8>,
}

/// The work of one call.
pub(super) struct Job {
    args: EditArgs,
    key: String,
    /// `None` outside the engine, and if the witness could not be taken or read.
    witness: Option<EditWitness>,
    repeated: bool,
    seen: Option<Arc<SeenFiles>>,
    wait: LockWait,
}

/// Records the state of the file and what the edit makes of it.
pub(super) fn witness(root: &Root, args: &EditArgs) -> Result<EditWitness, FileError> {
    let missing = || Ok(EditWitness { before: Witness::MISSING, after: None });
    let location = match FileLocation::find(root, &args.path) {
        Err(FileError::Missing { .. }) => return missing(),
        found => found?,
    };
    let file = match open_regular(&location.dir, &location.name, &args.path) {
        Err(FileError::Missing { .. }) => return missing(),
        opened => opened?,
    };
    let draft = Draft::read(file, args, root.secrets())?;
    let after = draft.applied.as_ref().ok().map(|applied| After {
        sha256: sha256_hex(&draft.content),
        size: draft.content.len() as u64,
        report: EditReport::of(&args.path, applied),
    });
    Ok(EditWitness { before: draft.before, after })
}

impl Draft {
    fn read(file: File, args: &EditArgs, secrets: &KnownSecrets) -> Result<Self, FileError> {
        let path = args.path.as_str();
        let metadata = file.metadata().map_err(|error| FileError::at(path, error))?;
        let bytes = read_all(path, file)?;
        let before = Witness::with_content(&metadata, &bytes);
        let text = FileText::decode(bytes)
            .map_err(|reason| FileError::NotText { path: path.to_owned(), reason })?;
        let edit = Edit { old: &args.old_string, new: &args.new_string, all: args.replace_all };
        let applied = match apply(&text.text, edit) {
            // What is quoted of the file is cut, and a secret that is cut could not be found any more.
            Err(Refusal::Missing(_)) if secrets.contains(&text.text) => {
                let lines = text.text.lines().map(|line| secrets.redact(line));
                let masked = lines.collect::<Vec<_>>().join("\n");
                Err(Refusal::Missing(nearest(&masked, &args.old_string)))
            }
            applied => applied,
        };
        let content = applied.as_ref().map(|applied| text.encode(&applied.text));
        let content = content.unwrap_or_default();
        Ok(Self { before, applied, content })
    }
}

impl Job {
    pub(super) fn new(args: EditArgs, call: &Invocation, witness: Option<&Value>) -> Self {
        let witness = witness.and_then(|witness| EditWitness::deserialize(witness).ok());
        let (key, repeated, seen) = (call.key.clone(), call.repeated, call.seen.clone());
        Self { args, key, witness, repeated, seen, wait: LockWait::of(call) }
    }

    pub(super) fn edit(self, root: &Root, guard: &AccessGuard) -> Result<ToolOutput, FileError> {
        let path = self.args.path.as_str();
        let location = FileLocation::find(root, path)?;
        // Its result quotes the file.
        guard.check(root, &location.dir, &location.name, |path| Access::Read { path })?;
        guard.check(root, &location.dir, &location.name, |path| Access::Write { path })?;
        if self.repeated
            && let Probed::Happened(output) = self.probe_at(root, &location)?
        {
            return Ok(output);
        }
        let real = seen_path(root, &location.dir, &location.name, path);
        let file = open_regular(&location.dir, &location.name, path)?;
        let draft = Draft::read(file, &self.args, root.secrets())?;
        self.check_view(&real, &draft)?;
        let refused = |reason| FileError::Edit { path: path.to_owned(), reason };
        let applied = draft.applied.map_err(|refusal| refused(refusal.to_string()))?;
        if draft.before.sha256() == Some(&*sha256_hex(&draft.content)) {
            return Err(refused(Refusal::Same.to_string()));
        }
        let synced = sync_ancestors(root.dir(), &location.directory);
        synced.map_err(|error| FileError::at(path, error))?;
        let check = |target: &LockedTarget| self.check_same(&location, target, &draft.before);
        let fill = |file: &mut File| file.write_all(&draft.content);
        let notes = location.replace(&self.key, &self.wait, check, fill);
        let notes = notes.map_err(|error| error.at(path))?;
        let seen = self.seen_after(&real, sha256_hex(&draft.content), draft.content.len() as u64);
        let report = EditReport::of(path, &applied);
        let notes = notes.iter().map(|note| format!("\n[{note}]")).collect::<String>();
        let text = format!("{}\n{}{notes}", report.line(), excerpt(&applied, root.secrets()));
        output(&report, text).map(|output| output.with_seen(seen))
    }

    /// Fails if a model makes the call and has not read the file as it is.
    fn check_view(&self, real: &str, draft: &Draft) -> Result<(), FileError> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let digest = draft.before.sha256().unwrap_or_default();
        let problem = match seen.get(real) {
            Some(view) if view.sha256 == digest => return Ok(()),
            Some(_) => ViewProblem::Changed,
            None => ViewProblem::Unread,
        };
        let place = match &draft.applied {
            Ok(applied) => format!("old_string is at line {}", applied.line),
            Err(refusal) => refusal.to_string(),
        };
        Err(FileError::Unseen { path: self.args.path.clone(), problem, place: Some(place) })
    }

    /// Returns the view of the file after the edit: complete if it was complete before.
    fn seen_after(&self, real: &str, sha256: String, size: u64) -> SeenFile {
        let view = SeenFile::new(real, sha256, size);
        let was_complete = self.seen.as_ref().is_some_and(|seen| seen.is_complete(real));
        if was_complete { view.complete() } else { view }
    }

    /// Fails if the file is not the one that was read.
    fn check_same(
        &self,
        location: &FileLocation,
        target: &LockedTarget,
        before: &Witness,
    ) -> Result<(), WriteError> {
        let now = match target {
            LockedTarget::Locked(file) => Witness::of(&mut open_reader(location, file)?)?,
            LockedTarget::Missing => Witness::MISSING,
            LockedTarget::Inaccessible => return Err(changed()),
        };
        if now != *before {
            return Err(changed());
        }
        // An earlier run may have made the call, and the file was as before it when that was probed.
        match &self.witness {
            Some(witness) if self.repeated && witness.before != now => {
                Err(WriteError::changed_since())
            }
            None if self.repeated => Err(WriteError::changed_since()),
            _ => Ok(()),
        }
    }

    pub(super) fn probe(self, root: &Root) -> Result<Probed, FileError> {
        match FileLocation::find(root, &self.args.path) {
            Ok(location) => self.probe_at(root, &location),
            // The directory is missing, and therefore the file.
            Err(FileError::Missing { .. }) => self.probed(self.find(&Witness::MISSING), None),
            Err(error) => Err(error),
        }
    }

    /// Determines whether an earlier attempt took effect.
    fn probe_at(&self, root: &Root, location: &FileLocation) -> Result<Probed, FileError> {
        let path = self.args.path.as_str();
        let at = |error: io::Error| FileError::at(path, error);
        let target = LockedTarget::lock_existing(location, &self.wait).map_err(at)?;
        let now = match &target {
            LockedTarget::Locked(file) => {
                Witness::of(&mut open_reader(location, file).map_err(at)?).map_err(at)?
            }
            LockedTarget::Missing => Witness::MISSING,
            LockedTarget::Inaccessible => return Ok(Probed::Unknown),
        };
        let found = self.find(&now);
        if let (Finding::Happened, LockedTarget::Locked(file)) = (found, &target) {
            // The interrupted call may have been killed before it did.
            file.sync_all().map_err(at)?;
            sync_directory(&location.dir).map_err(at)?;
            sync_ancestors(root.dir(), &location.directory).map_err(at)?;
        }
        self.probed(found, Some(seen_path(root, &location.dir, &location.name, path)))
    }

    fn find(&self, now: &Witness) -> Finding {
        let Some(EditWitness { before, after }) = &self.witness else { return Finding::Unknown };
        let after = after.as_ref().map(|after| &*after.sha256);
        if after.is_some() && after == now.sha256() {
            return Finding::Happened;
        }
        if before == now { Finding::DidNotHappen } else { Finding::Unknown }
    }

    fn probed(&self, found: Finding, real: Option<String>) -> Result<Probed, FileError> {
        let after = self.witness.as_ref().and_then(|witness| witness.after.as_ref());
        Ok(match (found, after) {
            (Finding::Happened, Some(after)) => {
                let happened = output(&after.report, after.report.line())?;
                let seen =
                    real.map(|real| self.seen_after(&real, after.sha256.clone(), after.size));
                Probed::Happened(seen.into_iter().fold(happened, ToolOutput::with_seen))
            }
            (Finding::DidNotHappen, _) => Probed::DidNotHappen,
            (Finding::Happened | Finding::Unknown, _) => Probed::Unknown,
        })
    }
}

fn changed() -> WriteError {
    let reason =
        "it was changed by another process during the edit; nothing was written; read it again";
    WriteError::Unchanged(io::Error::other(reason))
}

fn output(report: &EditReport, text: String) -> Result<ToolOutput, FileError> {
    let data = serde_json::to_value(report)
        .map_err(|error| FileError::at(&report.path, io::Error::other(error)))?;
    Ok(ToolOutput::done(text).with_data(data))
}
