//! The tool `filesystem.edit`.
//!
//! # What is known of an interrupted call
//!
//! The witness has the state of the file before the call, and the digest of what the call makes of it. A
//! probe compares the file with both, under the lock that all writes of this program take: the edit
//! happened if the file has the digest after it, it did not happen if the file is the same as before,
//! and otherwise another process has changed the file since and the outcome is unknown. A repeated call
//! checks this again. The equal edit of another process counts as this one: the file is as the call makes
//! it. A call is reported as done only after the file and all directories on its path
//! are synced.

use std::sync::Arc;
use std::time::Duration;

use az_core::tool::{Access, EffectClass, Invocation, Probed, ToolOutput, ToolScope};
use az_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::job::{Job, witness};
use super::report::EditReport;
use crate::builtin::filesystem::access::{AccessGuard, named_path};
use crate::builtin::filesystem::drafts::drafts_at;
use crate::builtin::filesystem::error::failed;
use crate::builtin::filesystem::root::{Roots, into_output};
use crate::schema::output_schema;
use crate::tool::{RecoverableTool, TypedTool};

/// Replaces a text in a file.
#[derive(Debug)]
pub struct EditTool(Arc<Roots>);

/// The arguments of `filesystem.edit`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditArgs {
    /// File path, relative to the workspace
    pub path: String,
    /// The text to replace, exactly as it is in the file; it must occur once
    pub old_string: String,
    /// The text that replaces it
    pub new_string: String,
    /// Replace every occurrence
    #[serde(default)]
    pub replace_all: bool,
}

impl EditTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for EditTool {
    type Args = EditArgs;
    const NAME: &'static str = "filesystem.edit";
    const DESCRIPTION: &'static str = "Replace a text in a file. Read the file first; copy old_string \
        from it exactly, with lines around it so that it occurs once. Blanks count";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Probe;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const EXAMPLE: &'static str =
        r#"{"path": "notes.txt", "old_string": "buy milk", "new_string": "buy bread"}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<EditReport>())
    }

    fn accesses(&self, args: &EditArgs, call: &Invocation) -> Vec<Access> {
        // Its result quotes the file.
        let path = named_path(&args.path, call, self.0.home());
        vec![Access::Read { path: path.clone() }, Access::Write { path }]
    }

    async fn call(&self, args: EditArgs, call: &Invocation) -> Result<ToolOutput> {
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        let job = Job::new(args, call, call.witness.as_ref());
        Ok(into_output(self.0.run(call, move |root| job.edit(root, &guard)).await?))
    }
}

impl RecoverableTool for EditTool {
    fn effect_of(&self, _args: &EditArgs) -> EffectClass {
        Self::EFFECT
    }

    async fn witness(&self, args: &EditArgs, call: &Invocation) -> Result<Option<Value>> {
        let args = args.clone();
        let taken = self.0.run(call, move |root| witness(root, &args)).await?;
        let witness = serde_json::to_value(taken.map_err(failed)?);
        witness.map(Some).map_err(|error| Error::Internal(error.to_string()))
    }

    async fn probe(
        &self,
        args: &EditArgs,
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

    async fn abandon(&self, args: &EditArgs, call: &Invocation) -> Result<()> {
        drafts_at(&self.0, call, args.path.clone(), Duration::ZERO, true).await.map(drop)
    }
}
