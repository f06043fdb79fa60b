//! `filesystem.write`.

use std::io::Write;
use std::sync::Arc;

use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolScope};
use az_core::{Error, Result};
use cap_std::fs::File;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::append::append;
use super::encoding::Encoding;
use super::error::FileError;
use super::lock::LockWait;
use super::replace::FileLocation;
use super::root::{Root, Roots, into_output};
use super::witness::Witness;
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
    const DESCRIPTION: &'static str = "Write to file";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "boolean";
    const EFFECT: EffectClass = EffectClass::Probe;
    const SCOPE: ToolScope = ToolScope::Workspace;

    async fn call(&self, args: WriteArgs, call: &Invocation) -> Result<ToolOutput> {
        let (key, wait) = (call.key.clone(), LockWait::of(call));
        Ok(into_output(self.0.run(call, move |root| write(root, args, &key, &wait)).await?))
    }
}

impl RecoverableTool for WriteTool {
    fn effect_of(&self, args: &WriteArgs) -> EffectClass {
        if args.append { EffectClass::Probe } else { EffectClass::Idempotent }
    }

    async fn witness(&self, args: &WriteArgs, call: &Invocation) -> Result<Option<Value>> {
        if !args.append {
            return Ok(None);
        }
        let path = args.path.clone();
        let taken = self.0.run(call, move |root| Witness::take(root, &path)).await?;
        let witness = serde_json::to_value(taken.map_err(failed)?);
        witness.map(Some).map_err(|error| Error::Internal(error.to_string()))
    }

    async fn probe(
        &self,
        args: &WriteArgs,
        call: &Invocation,
        witness: Option<&Value>,
    ) -> Result<Probed> {
        let Some(Ok(witness)) = witness.map(Witness::deserialize) else {
            return Ok(Probed::Unknown);
        };
        let WriteArgs { path, content, encoding, .. } = args.clone();
        let compare = move |root: &Root| {
            let content = encoding.encode(content)?;
            let added = witness.compare(root, &path, &content)?;
            Ok((added, done("appended", content.len(), &path)))
        };
        Ok(match self.0.run(call, compare).await {
            Ok(Ok((Some(true), output))) => Probed::Happened(output),
            Ok(Ok((Some(false), _))) => Probed::DidNotHappen,
            // The outcome cannot be determined if the file cannot be read.
            Ok(Ok((None, _)) | Err(_)) | Err(_) => Probed::Unknown,
        })
    }

    async fn abandon(&self, args: &WriteArgs, call: &Invocation) -> Result<()> {
        let (key, path) = (call.key.clone(), args.path.clone());
        let clean = move |root: &Root| {
            let location = FileLocation::find(root, &path)?;
            location.clean(&key).map_err(|error| FileError::at(&path, error))
        };
        // An interrupted write leaves no process running. A temporary file that cannot be removed
        // does no harm, and must not keep the task from continuing.
        self.0.run(call, clean).await.ok();
        Ok(())
    }
}

fn write(
    root: &Root,
    args: WriteArgs,
    key: &str,
    wait: &LockWait,
) -> Result<ToolOutput, FileError> {
    let WriteArgs { path, content, encoding, append: is_append } = args;
    let at = |error| FileError::at(&path, error);
    let content = encoding.encode(content)?;
    let location = FileLocation::find_or_create(root, &path)?;
    let old = location.existing(&path)?;
    if is_append {
        append(&location, &content, wait).map_err(at)?;
        return Ok(done("appended", content.len(), &path));
    }
    let fill = |file: &mut File| file.write_all(&content);
    location.replace(key, old.as_ref(), wait, fill).map_err(at)?;
    Ok(done("wrote", content.len(), &path))
}

fn done(verb: &str, bytes: usize, path: &str) -> ToolOutput {
    let unit = if bytes == 1 { "byte" } else { "bytes" };
    ToolOutput::done(format!("{verb} {bytes} {unit} to `{path}`")).with_data(true.into())
}

fn failed(error: FileError) -> Error {
    Error::Io { backend: "filesystem", source: error.into() }
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
    async fn a_write_is_abandoned_even_if_its_temporary_file_cannot_be_removed() {
        let directory = tempfile::tempdir().unwrap();
        let arguments = json!({"path": "f", "content": "x"});
        let call = Invocation::bare("filesystem.write", arguments.clone()).unwrap();
        let call = call.in_workspace(directory.path().to_str().unwrap());
        let unremovable = directory.path().join(temporary_name(Path::new("f"), &call.key, 0));
        fs::create_dir(&unremovable).unwrap();
        let args = serde_json::from_value(arguments).unwrap();
        WriteTool::new(Default::default()).abandon(&args, &call).await.unwrap();
        assert!(unremovable.exists());
    }
}
