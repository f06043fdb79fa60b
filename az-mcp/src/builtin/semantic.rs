//! `semantic.search`.

use std::sync::Arc;

use az_core::search::{DocumentHit, DocumentQuery, DocumentSearch};
use az_core::text::Excerpt;
use az_core::tool::{EffectClass, Invocation, ToolOutput, ToolScope};
use az_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::schema::output_schema;
use crate::tool::{TypedTool, invalid_argument};

/// The largest number of results.
const MAX_RESULTS: u32 = 50;
/// The length at which the text of a document is cut, in bytes.
const MAX_TEXT: usize = 2_000;

/// Finds documents by what they mean.
#[derive(Debug)]
pub struct SemanticSearchTool(Arc<dyn DocumentSearch>);

/// The arguments of `semantic.search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SemanticSearchArgs {
    /// Search query
    pub query: String,
    /// Collection name; all collections if absent
    #[serde(default)]
    pub collection: Option<String>,
    /// Number of results, at most 50
    #[serde(default = "default_results")]
    pub n_results: u32,
}

/// A document that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct FoundDocument {
    /// The collection that it is in.
    collection: String,
    /// Its id in the collection.
    id: String,
    /// How near its meaning is, from -1 to 1.
    score: f32,
    /// Its text; a long one is cut.
    text: String,
    /// Its metadata.
    metadata: Map<String, Value>,
}

const fn default_results() -> u32 {
    5
}

impl SemanticSearchTool {
    /// Creates the tool.
    pub const fn new(documents: Arc<dyn DocumentSearch>) -> Self {
        Self(documents)
    }
}

impl TypedTool for SemanticSearchTool {
    type Args = SemanticSearchArgs;
    const NAME: &'static str = "semantic.search";
    const DESCRIPTION: &'static str = "Semantic document search";
    const CATEGORY: &'static str = "ai";
    const RETURNS: &'static str = "array";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Network;
    const EXAMPLE: &'static str = r#"{"query": "how tasks are resumed", "n_results": 3}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<Vec<FoundDocument>>())
    }

    fn check(&self, args: &SemanticSearchArgs) -> Result<()> {
        let refused = |name: &str, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        if args.query.trim().is_empty() {
            return refused("query", "must not be empty");
        }
        if !(1..=MAX_RESULTS).contains(&args.n_results) {
            let reason = format!("must be 1 to {MAX_RESULTS}, got {}", args.n_results);
            return refused("n_results", &reason);
        }
        Ok(())
    }

    async fn call(&self, args: SemanticSearchArgs, call: &Invocation) -> Result<ToolOutput> {
        let limit = usize::try_from(args.n_results).unwrap_or(usize::MAX);
        let query = DocumentQuery::new(args.query).in_collection(args.collection).with_limit(limit);
        let found = tokio::select! {
            biased;
            () = call.cancel.cancelled() => return Ok(ToolOutput::failed("cancelled")),
            found = self.0.search(&query) => found,
        };
        match found {
            Ok(hits) => output(hits),
            Err(error) => Ok(ToolOutput::failed(error.chain())),
        }
    }
}

fn output(hits: Vec<DocumentHit>) -> Result<ToolOutput> {
    let found: Vec<_> = hits.into_iter().map(FoundDocument::from).collect();
    let line = |one: &FoundDocument| {
        format!("{}/{} ({:.2})\n{}", one.collection, one.id, one.score, one.text)
    };
    let text = match found.as_slice() {
        [] => "no document was found".to_owned(),
        found => found.iter().map(line).collect::<Vec<_>>().join("\n\n"),
    };
    let data = serde_json::to_value(found).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(ToolOutput::done(text).with_data(data))
}

impl From<DocumentHit> for FoundDocument {
    fn from(hit: DocumentHit) -> Self {
        let DocumentHit { collection, id, text, score, metadata, .. } = hit;
        Self { collection, id, score, text: Excerpt::of(&text, MAX_TEXT).render(), metadata }
    }
}
