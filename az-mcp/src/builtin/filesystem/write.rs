//! `filesystem.write`.

use std::io::Write;
use std::sync::Arc;

use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput};
use az_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::append::{Witness, append};
use super::encoding::Encoding;
use super::problem::Problem;
use super::replace::Place;
use super::root::{Root, Roots, output};
use crate::tool::{RecoverableTool, TypedTool};

/// Writes a file.
#[derive(Debug)]
pub struct WriteTool(Arc<Roots>);

/// The arguments of `filesystem.write`.
#[derive(Debug, Deserialize, JsonSchema)]
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

    async fn call(&self, args: WriteArgs, call: &Invocation) -> Result<ToolOutput> {
        let key = call.key.clone();
        Ok(output(self.0.run(call, move |root| write(root, args, &key)).await?))
    }
}

impl RecoverableTool for WriteTool {
    fn effect_of(&self, args: &WriteArgs) -> EffectClass {
        if args.append { EffectClass::Probe } else { EffectClass::Idempotent }
    }

    async fn witness(&self, args: WriteArgs, call: &Invocation) -> Result<Option<Value>> {
        if !args.append {
            return Ok(None);
        }
        let taken = self.0.run(call, move |root| Witness::take(root, &args.path)).await?;
        let witness = serde_json::to_value(taken.map_err(failed)?);
        witness.map(Some).map_err(|error| Error::Internal(error.to_string()))
    }

    async fn probe(
        &self,
        args: WriteArgs,
        call: &Invocation,
        witness: Option<&Value>,
    ) -> Result<Probed> {
        let Some(Ok(witness)) = witness.map(Witness::deserialize) else {
            return Ok(Probed::Unknown);
        };
        let compare = move |root: &Root| {
            let content = args.encoding.encode(args.content)?;
            let added = witness.compare(root, &args.path, &content)?;
            Ok((added, done("appended", content.len(), &args.path)))
        };
        match self.0.run(call, compare).await?.map_err(failed)? {
            (Some(true), output) => Ok(Probed::Happened(output)),
            (Some(false), _) => Ok(Probed::DidNotHappen),
            (None, _) => Ok(Probed::Unknown),
        }
    }

    async fn abandon(&self, args: WriteArgs, call: &Invocation) -> Result<()> {
        let key = call.key.clone();
        let clean = move |root: &Root| match Place::find(root, &args.path) {
            Ok(place) => place.clean(&key).map_err(|error| Problem::at(&args.path, error)),
            // Where nothing can be written, nothing was left.
            Err(_) => Ok(()),
        };
        match self.0.run(call, clean).await {
            // Without a workspace there is nothing to clean.
            Ok(Err(Problem::Workspace(_))) | Err(Error::Invalid { .. }) => Ok(()),
            Ok(cleaned) => cleaned.map_err(failed),
            Err(error) => Err(error),
        }
    }
}

fn write(root: &Root, args: WriteArgs, key: &str) -> Result<ToolOutput, Problem> {
    let WriteArgs { path, content, encoding, append: is_append } = args;
    let at = |error| Problem::at(&path, error);
    let content = encoding.encode(content)?;
    let place = Place::make(root, &path)?;
    let old = place.existing(&path)?;
    if is_append {
        append(&place, key, old.as_ref(), &content).map_err(at)?;
        return Ok(done("appended", content.len(), &path));
    }
    place.replace(key, old.as_ref(), |file| file.write_all(&content)).map_err(at)?;
    Ok(done("wrote", content.len(), &path))
}

fn done(verb: &str, bytes: usize, path: &str) -> ToolOutput {
    ToolOutput::done(format!("{verb} {bytes} bytes to `{path}`")).with_data(true.into())
}

fn failed(problem: Problem) -> Error {
    Error::Io { backend: "filesystem", source: problem.into() }
}
