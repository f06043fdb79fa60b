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
use super::lock::Patience;
use super::problem::Problem;
use super::replace::Place;
use super::root::{Root, Roots, output};
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
    /// Returns the tool, confined to the workspaces of its calls.
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
        let (key, patience) = (call.key.clone(), Patience::of(call));
        Ok(output(self.0.run(call, move |root| write(root, args, &key, &patience)).await?))
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
            // What cannot be looked at cannot be told.
            Ok(Ok((None, _)) | Err(_)) | Err(_) => Probed::Unknown,
        })
    }

    async fn abandon(&self, args: &WriteArgs, call: &Invocation) -> Result<()> {
        let (key, path) = (call.key.clone(), args.path.clone());
        let clean = move |root: &Root| {
            let place = Place::find(root, &path)?;
            place.clean(&key).map_err(|error| Problem::at(&path, error))
        };
        // Nothing of a write keeps running. A temporary file that cannot be removed does no harm,
        // and must not keep the task from continuing.
        self.0.run(call, clean).await.ok();
        Ok(())
    }
}

fn write(
    root: &Root,
    args: WriteArgs,
    key: &str,
    patience: &Patience,
) -> Result<ToolOutput, Problem> {
    let WriteArgs { path, content, encoding, append: is_append } = args;
    let at = |error| Problem::at(&path, error);
    let content = encoding.encode(content)?;
    let place = Place::make(root, &path)?;
    let old = place.existing(&path)?;
    if is_append {
        append(&place, &content, patience).map_err(at)?;
        return Ok(done("appended", content.len(), &path));
    }
    let fill = |file: &mut File| file.write_all(&content);
    place.replace(key, old.as_ref(), patience, fill).map_err(at)?;
    Ok(done("wrote", content.len(), &path))
}

fn done(verb: &str, bytes: usize, path: &str) -> ToolOutput {
    let unit = if bytes == 1 { "byte" } else { "bytes" };
    ToolOutput::done(format!("{verb} {bytes} {unit} to `{path}`")).with_data(true.into())
}

fn failed(problem: Problem) -> Error {
    Error::Io { backend: "filesystem", source: problem.into() }
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
    async fn what_cannot_be_removed_does_not_keep_a_write_from_being_given_up() {
        let held = tempfile::tempdir().unwrap();
        let arguments = json!({"path": "f", "content": "x"});
        let call = Invocation::bare("filesystem.write", arguments.clone()).unwrap();
        let call = call.in_workspace(held.path().to_str().unwrap());
        let in_the_way = held.path().join(temporary_name(Path::new("f"), &call.key, 0));
        fs::create_dir(&in_the_way).unwrap();
        let args = serde_json::from_value(arguments).unwrap();
        WriteTool::new(Default::default()).abandon(&args, &call).await.unwrap();
        assert!(in_the_way.exists());
    }
}
