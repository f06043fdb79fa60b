//! An exchange as it was recorded.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A request, and what the provider answered.
#[derive(Debug, Deserialize)]
pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) response: String,
}

impl Exchange {
    /// Returns the body that was sent; null when it was no JSON.
    pub(super) fn sent(&self) -> Value {
        serde_json::from_str(&self.request).unwrap_or_default()
    }

    /// Whether the reply came as it was made.
    pub(super) fn is_streamed(&self) -> bool {
        let sorts = ["text/event-stream", "application/x-ndjson"];
        self.status == 200 && sorts.iter().any(|sort| self.content_type.starts_with(sort))
    }

    /// Returns the JSON of the answer: of a stream each piece, else the whole.
    pub(super) fn pieces(&self) -> Vec<Value> {
        if !self.is_streamed() {
            return vec![serde_json::from_str(&self.response).unwrap_or_default()];
        }
        let events = self.content_type.starts_with("text/event-stream");
        let data = |line: &str| -> Option<Value> {
            let json = if events { line.strip_prefix("data:")? } else { line };
            serde_json::from_str(json).ok()
        };
        self.response.lines().filter_map(data).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the recordings lie outside of the project")]
fn folder() -> Option<PathBuf> {
    std::env::var("AZ_RECORDED").ok().map(PathBuf::from)
}

/// Whether there are recordings.
pub(super) fn are_here() -> bool {
    folder().is_some()
}

/// Returns a provider's exchanges.
pub(super) fn recorded(provider: &str) -> Vec<Exchange> {
    let folder = folder().unwrap_or_default();
    let file = Path::new(&folder).join(format!("{provider}.jsonl"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
