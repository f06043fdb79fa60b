//! The documents of `semantic.search`.

use async_trait::async_trait;
use az_core::search::{DocumentHit, DocumentQuery, DocumentSearch};
use az_core::{Error, Result};

/// No documents: no embedder can be configured yet, so that nothing is indexed.
#[derive(Debug)]
pub(crate) struct NoDocuments;

#[async_trait]
impl DocumentSearch for NoDocuments {
    async fn search(&self, _query: &DocumentQuery) -> Result<Vec<DocumentHit>> {
        let reason = "no documents are indexed: this version of az has no embedder and no store of \
                      documents; search files with shell.execute and grep";
        Err(Error::invalid("collection", reason))
    }
}
