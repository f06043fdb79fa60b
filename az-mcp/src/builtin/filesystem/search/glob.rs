//! The tool `filesystem.glob`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use az_core::Result;
use az_core::text::plural;
use az_core::tool::{Access, EffectClass, Invocation, ToolOutput, ToolScope};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::pattern;
use super::tool::here;
use super::walk::{FileWalk, FoundFile};
use crate::builtin::filesystem::access::{AccessGuard, named_path};
use crate::builtin::filesystem::error::FileError;
use crate::builtin::filesystem::root::{Root, Roots, into_output};
use crate::schema::output_schema;
use crate::tool::{TypedTool, invalid_argument};

/// Finds files by their paths.
#[derive(Debug)]
pub struct GlobTool(Arc<Roots>);

/// The arguments of `filesystem.glob`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobArgs {
    /// Pattern of paths, relative to the directory, such as `*.rs` (in any directory) or `src/**/*.rs`
    pub pattern: String,
    /// Directory to look in, relative to the workspace
    #[serde(default = "here")]
    pub path: String,
    /// Largest number of files to return
    #[serde(default = "default_limit")]
    pub limit: usize,
}

const fn default_limit() -> usize {
    200
}

/// The first paths in their order, and the number of all.
#[derive(Debug, Default)]
struct Paths {
    first: BTreeSet<String>,
    count: usize,
}

impl GlobTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for GlobTool {
    type Args = GlobArgs;
    const NAME: &'static str = "filesystem.glob";
    const DESCRIPTION: &'static str =
        "Find files by a pattern of their paths; hidden and ignored files are left out";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "array";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const EXAMPLE: &'static str = r#"{"pattern": "src/**/*.rs"}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<Vec<String>>())
    }

    fn accesses(&self, args: &GlobArgs, call: &Invocation) -> Vec<Access> {
        vec![Access::Read { path: named_path(&args.path, call, self.0.home()) }]
    }

    fn check(&self, args: &GlobArgs) -> Result<()> {
        let invalid = |name, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        match (args.limit, pattern::paths(&args.pattern)) {
            (0, _) => invalid("limit", "must be at least 1"),
            (_, Err(reason)) => invalid("pattern", &reason),
            (_, Ok(_)) => Ok(()),
        }
    }

    async fn call(&self, args: GlobArgs, call: &Invocation) -> Result<ToolOutput> {
        let cancel = call.cancel.clone();
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        let work = move |root: &Root| {
            let filter = pattern::paths(&args.pattern);
            let filter = filter.map_err(|reason| FileError::InvalidPattern { reason })?;
            find(&FileWalk::new((root, &guard, &cancel), &args.path, Some(filter))?, args.limit)
        };
        Ok(into_output(self.0.run(call, work).await?))
    }
}

fn find(walk: &FileWalk<'_>, limit: usize) -> Result<ToolOutput, FileError> {
    let paths = Mutex::new(Paths::default());
    walk.run(|| {
        |found: FoundFile| {
            let mut paths = paths.lock().unwrap_or_else(PoisonError::into_inner);
            paths.count += 1;
            paths.first.insert(found.shown());
            if paths.first.len() > limit {
                paths.first.pop_last();
            }
        }
    })?;
    let Paths { mut first, count } = paths.into_inner().unwrap_or_else(PoisonError::into_inner);
    let left_out = count - first.len();
    first.retain(|path| walk.confirms(path));
    let mut lines: Vec<String> = first.iter().cloned().collect();
    if left_out > 0 {
        lines.push(format!(
            "[{} of {} shown; narrow the pattern or the path, or raise the limit]",
            first.len(),
            plural(count, "file")
        ));
    } else if lines.is_empty() {
        lines.push("[no files; hidden and ignored ones are left out]".to_owned());
    }
    lines.extend(walk.notes());
    Ok(ToolOutput::done(lines.join("\n")).with_data(first.into_iter().collect()))
}
