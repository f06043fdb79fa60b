//! The kit of document repositories on the one in memory, and on faulty ones.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::Result;
use az_core::search::{DocumentHit, DocumentQuery, DocumentSearch};
use az_core::testing::{Capabilities, Fixture, LetterEmbedder};
use az_data::repository::{Document, DocumentRepository, MemoryDocuments};
use az_data::testing::document_repository;

/// What is wrong with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Breaks `DocumentRepository` 1.
    KeepsTheFirst,
    /// Breaks `DocumentRepository` 2.
    AddsTheFirst,
    /// Breaks `DocumentRepository` 3.
    DeletesNothing,
    /// Breaks `DocumentRepository` 4.
    ListsCollectionsTwice,
    /// Breaks `DocumentRepository` 5.
    ForgetsAtRestart,
    /// Breaks `DocumentSearch` 1.
    ReturnsTheFarthestFirst,
    /// Breaks `DocumentSearch` 2.
    SearchesAllCollections,
    /// Breaks `DocumentSearch` 3.
    IgnoresMetadata,
}

/// A repository with a fault.
#[derive(Debug, Clone)]
struct Documents {
    inner: MemoryDocuments,
    fault: Fault,
}

impl Documents {
    fn new(fault: Fault) -> Self {
        Self { inner: MemoryDocuments::new(Arc::new(LetterEmbedder)), fault }
    }
}

#[async_trait]
impl Fixture<dyn DocumentRepository> for Documents {
    async fn open(&self) -> Arc<dyn DocumentRepository> {
        match self.fault {
            Fault::ForgetsAtRestart => Arc::new(Self::new(self.fault)),
            _ => Arc::new(self.clone()),
        }
    }

    fn capabilities(&self) -> Capabilities {
        // Another handle has the same documents, as a restarted process would.
        Capabilities::ALL
    }
}

#[async_trait]
impl DocumentSearch for Documents {
    async fn search(&self, query: &DocumentQuery) -> Result<Vec<DocumentHit>> {
        let mut query = query.clone();
        match self.fault {
            Fault::SearchesAllCollections => query.collection = None,
            Fault::IgnoresMetadata => query.metadata.clear(),
            _ => {}
        }
        let mut hits = self.inner.search(&query).await?;
        if self.fault == Fault::ReturnsTheFarthestFirst {
            hits.reverse();
        }
        Ok(hits)
    }
}

#[async_trait]
impl DocumentRepository for Documents {
    async fn add_documents(&self, collection: &str, documents: &[Document]) -> Result<()> {
        let mut documents = documents.to_vec();
        match (self.fault, documents.first()) {
            (Fault::AddsTheFirst, Some(first)) => {
                self.inner.add_documents(collection, std::slice::from_ref(first)).await?;
            }
            (Fault::KeepsTheFirst, Some(first))
                if self.inner.get_document(collection, &first.id).await?.is_some() =>
            {
                documents.remove(0);
            }
            _ => {}
        }
        self.inner.add_documents(collection, &documents).await
    }

    async fn get_document(&self, collection: &str, id: &str) -> Result<Option<Document>> {
        self.inner.get_document(collection, id).await
    }

    async fn delete_document(&self, collection: &str, id: &str) -> Result<bool> {
        match self.fault {
            Fault::DeletesNothing => Ok(true),
            _ => self.inner.delete_document(collection, id).await,
        }
    }

    async fn collections(&self) -> Result<Vec<String>> {
        let mut collections = self.inner.collections().await?;
        if self.fault == Fault::ListsCollectionsTwice {
            collections.extend(collections.clone());
        }
        Ok(collections)
    }
}

#[tokio::test]
async fn documents_in_memory_pass_the_kit() {
    document_repository(|| Documents::new(Fault::None)).await.assert_passed();
}

#[tokio::test]
async fn the_kit_notices_every_fault() {
    for (fault, scenario) in [
        (Fault::KeepsTheFirst, "a_document_of_the_same_id_is_replaced"),
        (Fault::AddsTheFirst, "adding_is_all_or_nothing"),
        (Fault::DeletesNothing, "a_deleted_document_is_not_found"),
        (Fault::ListsCollectionsTwice, "collections_have_documents"),
        (Fault::ForgetsAtRestart, "documents_survive_a_restart"),
        (Fault::ReturnsTheFarthestFirst, "the_nearest_documents_come_first"),
        (Fault::SearchesAllCollections, "only_the_collection_of_the_query_is_searched"),
        (Fault::IgnoresMetadata, "documents_without_the_metadata_are_not_found"),
    ] {
        let report = document_repository(|| Documents::new(fault)).await;
        assert!(report.failed().contains(&scenario), "{fault:?}: {report}");
    }
}
