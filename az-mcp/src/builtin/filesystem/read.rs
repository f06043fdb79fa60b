//! `filesystem.read`.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use az_core::Result;
use az_core::tool::{Access, EffectClass, Invocation, ToolOutput, ToolScope};
use schemars::JsonSchema;
use serde::Deserialize;

use super::access::{AccessGuard, named_path};
use super::encoding::Encoding;
use super::error::FileError;
use super::root::{Root, Roots, into_output};
use crate::tool::TypedTool;

/// The largest size of a file that is read.
const MAX_BYTES: u64 = 10 << 20;

/// Reads a file.
#[derive(Debug)]
pub struct ReadTool(Arc<Roots>);

/// The arguments of `filesystem.read`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// File path, relative to the workspace
    pub path: String,
    /// File encoding
    #[serde(default)]
    pub encoding: Encoding,
}

impl ReadTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for ReadTool {
    type Args = ReadArgs;
    const NAME: &'static str = "filesystem.read";
    const DESCRIPTION: &'static str = "Read file contents";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"path": "README.md"}"#;

    fn accesses(&self, args: &ReadArgs, call: &Invocation) -> Vec<Access> {
        vec![Access::Read { path: named_path(&args.path, call, self.0.home()) }]
    }

    async fn call(&self, args: ReadArgs, call: &Invocation) -> Result<ToolOutput> {
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        Ok(into_output(self.0.run(call, move |root| read(root, &args, &guard)).await?))
    }
}

fn read(root: &Root, args: &ReadArgs, guard: &AccessGuard) -> Result<ToolOutput, FileError> {
    let path = args.path.as_str();
    let file = root.open_file(path)?;
    guard.check(root, &file, Path::new(""), |path| Access::Read { path })?;
    let mut bytes = Vec::new();
    // The size in the metadata is not reliable: files grow, and those in `/proc` have size 0.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| FileError::at(path, error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned(), limit: MAX_BYTES });
    }
    args.encoding.decode(path, bytes).map(ToolOutput::done)
}
