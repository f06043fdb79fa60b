//! The contract of documents that are found by what they mean.

use async_trait::async_trait;
use az_core::error::Result;
use az_core::search::DocumentSearch;

use super::sql::Record;

/// A document.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// Its id in its collection.
    pub id: String,
    /// Its text.
    pub text: String,
    /// What else is known of it.
    pub metadata: Record,
}

impl Document {
    /// Creates a document without metadata.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into(), metadata: Record::new() }
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Record) -> Self {
        self.metadata = metadata;
        self
    }
}

/// Stores documents in collections, and finds them by what they mean.
///
/// # Contract
///
/// 1. A document is returned as it was added. One of an id that the collection has replaces it.
/// 2. Adding is all or nothing. A collection exists from its first document on; names of collections and
///    ids are not empty, else `Invalid`.
/// 3. A deleted document is neither returned nor found; deleting returns whether there was one.
/// 4. [`collections`](Self::collections) returns the collections that have documents, by name.
/// 5. Acknowledged writes survive a restart, if the backend is durable.
#[async_trait]
pub trait DocumentRepository: DocumentSearch {
    /// Adds documents to a collection.
    ///
    /// # Errors
    ///
    /// `Invalid`, the embedder's, or the backend's own; nothing was added then.
    async fn add_documents(&self, collection: &str, documents: &[Document]) -> Result<()>;

    /// Returns a document, if the collection has it.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn get_document(&self, collection: &str, id: &str) -> Result<Option<Document>>;

    /// Deletes a document; returns whether there was one.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn delete_document(&self, collection: &str, id: &str) -> Result<bool>;

    /// Lists the collections.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn collections(&self) -> Result<Vec<String>>;
}
