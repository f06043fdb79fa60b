//! The tool `filesystem.search`.

use std::sync::{Arc, Mutex, PoisonError};

use az_core::Result;
use az_core::tool::{Access, EffectClass, Invocation, ToolOutput, ToolScope};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::file::{Wanted, search, searcher};
use super::hits::{Hits, SearchOutput};
use super::pattern;
use super::walk::{FileWalk, FoundFile};
use crate::builtin::filesystem::access::{AccessGuard, named_path};
use crate::builtin::filesystem::error::FileError;
use crate::builtin::filesystem::root::{Root, Roots, into_output};
use crate::schema::output_schema;
use crate::tool::{TypedTool, invalid_argument};

/// The most lines around a match.
const MAX_CONTEXT: usize = 50;

/// Searches the contents of files.
#[derive(Debug)]
pub struct SearchTool(Arc<Roots>);

/// The arguments of `filesystem.search`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchArgs {
    /// Regular expression, matched against each line
    pub pattern: String,
    /// Directory or file to search, relative to the workspace
    #[serde(default = "here")]
    pub path: String,
    /// Search only files whose path, relative to the directory, matches this pattern, such as `*.rs`
    #[serde(default)]
    pub glob: Option<String>,
    /// What to return: matching lines, the paths of files, or the number of matching lines of each file
    #[serde(default)]
    pub mode: SearchMode,
    /// Number of lines to return around each match
    #[serde(default)]
    pub context: usize,
    /// Largest number of matching lines or files to return
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// Ignore the case of letters
    #[serde(default)]
    pub ignore_case: bool,
}

/// What a search returns.
///
/// Exhaustive, so that each kind of output handles every mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchMode {
    /// Matching lines.
    #[default]
    Lines,
    /// The paths of files with a matching line.
    Files,
    /// The number of matching lines of each file.
    Count,
}

pub(super) fn here() -> String {
    ".".to_owned()
}

const fn default_limit() -> usize {
    100
}

impl SearchTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for SearchTool {
    type Args = SearchArgs;
    const NAME: &'static str = "filesystem.search";
    const DESCRIPTION: &'static str = "Search the contents of files with a regular expression, as \
        ripgrep does: hidden, ignored and binary files are left out";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const EXAMPLE: &'static str = r#"{"pattern": "fn main", "glob": "*.rs", "context": 2}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<SearchOutput>())
    }

    fn accesses(&self, args: &SearchArgs, call: &Invocation) -> Vec<Access> {
        vec![Access::Read { path: named_path(&args.path, call, self.0.home()) }]
    }

    fn check(&self, args: &SearchArgs) -> Result<()> {
        let invalid = |name, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        if args.limit == 0 {
            return invalid("limit", "must be at least 1");
        }
        if args.context > MAX_CONTEXT {
            return invalid("context", &format!("must be at most {MAX_CONTEXT}"));
        }
        if let Err(reason) = pattern::regex(&args.pattern, args.ignore_case) {
            return invalid("pattern", &reason);
        }
        match args.glob.as_deref().map(pattern::paths) {
            Some(Err(reason)) => invalid("glob", &reason),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    async fn call(&self, args: SearchArgs, call: &Invocation) -> Result<ToolOutput> {
        let cancel = call.cancel.clone();
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        let work = move |root: &Root| {
            let invalid = |reason| FileError::InvalidPattern { reason };
            let filter = args.glob.as_deref().map(pattern::paths).transpose().map_err(invalid)?;
            find(&args, &FileWalk::new((root, &guard, &cancel), &args.path, filter)?, &cancel)
        };
        Ok(into_output(self.0.run(call, work).await?))
    }
}

fn find(
    args: &SearchArgs,
    walk: &FileWalk<'_>,
    cancel: &az_core::CancellationToken,
) -> Result<ToolOutput, FileError> {
    let matcher = pattern::regex(&args.pattern, args.ignore_case);
    let matcher = matcher.map_err(|reason| FileError::InvalidPattern { reason })?;
    let is_lines = args.mode == SearchMode::Lines;
    let wanted = Wanted {
        lines: if is_lines { args.limit } else { 0 },
        context: if is_lines { args.context } else { 0 },
        is_first_enough: args.mode == SearchMode::Files,
    };
    let hits = Mutex::new(Hits::default());
    walk.run(|| {
        let mut searcher = searcher(wanted);
        let (hits, matcher, secrets) = (&hits, &matcher, walk.secrets());
        move |found: FoundFile| {
            let Some(file) = walk.open(&found) else { return };
            match search(&mut searcher, matcher, (file, cancel), (wanted, secrets)) {
                Ok(in_file) if in_file.count > 0 => {
                    let mut hits = hits.lock().unwrap_or_else(PoisonError::into_inner);
                    hits.add(found.shown(), in_file, args.mode, args.limit);
                }
                Ok(_) => {}
                Err(_) => walk.note_unreadable(),
            }
        }
    })?;
    let hits = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(hits.output((args.mode, args.limit), walk.notes()))
}
