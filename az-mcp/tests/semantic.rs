//! Tests of `semantic.search` on a port.
#![cfg(feature = "data-tools")]
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_core::Result;
use az_core::search::{DocumentHit, DocumentQuery, DocumentSearch};
use az_mcp::ToolRegistry;
use az_mcp::builtin::semantic::SemanticSearchTool;
use serde_json::json;

/// Finds one document, and keeps the queries.
#[derive(Debug, Default)]
struct One(Arc<Mutex<Vec<DocumentQuery>>>);

#[async_trait]
impl DocumentSearch for One {
    async fn search(&self, query: &DocumentQuery) -> Result<Vec<DocumentHit>> {
        self.0.lock().unwrap().push(query.clone());
        Ok(vec![DocumentHit::new("notes", "n1", "resume a task", 0.5)])
    }
}

#[tokio::test]
async fn the_query_is_passed_on_and_the_documents_are_returned() {
    let queries = Arc::default();
    let mut tools = ToolRegistry::new();
    tools.add(SemanticSearchTool::new(Arc::new(One(Arc::clone(&queries))))).unwrap();
    let arguments = json!({"query": "resuming", "collection": "notes"});
    let result = tools.call_tool("semantic.search", arguments, None).await;
    let expected = json!([{
        "collection": "notes", "id": "n1", "score": 0.5, "text": "resume a task", "metadata": {},
    }]);
    assert_eq!((result.success, result.result), (true, Some(expected)));
    let asked = DocumentQuery::new("resuming").in_collection(Some("notes".to_owned()));
    assert_eq!(*queries.lock().unwrap(), [asked]);
}
