//! Finding documents by what they mean.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Result;

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DocumentQuery {
    /// The text whose meaning is compared.
    pub text: String,
    /// The collection to search; all of them if absent.
    pub collection: Option<String>,
    /// The largest number of results.
    pub limit: usize,
    /// Metadata that the documents must have.
    pub metadata: Map<String, Value>,
}

impl DocumentQuery {
    /// Creates a query of all collections, with at most 5 results.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), collection: None, limit: 5, metadata: Map::new() }
    }

    /// Sets the collection.
    #[must_use]
    pub fn in_collection(mut self, collection: Option<String>) -> Self {
        self.collection = collection;
        self
    }

    /// Sets the largest number of results.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Adds metadata that the documents must have.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DocumentHit {
    /// The collection that it is in.
    pub collection: String,
    /// Its id in the collection.
    pub id: String,
    /// Its text.
    pub text: String,
    /// How near its meaning is, from -1 to 1.
    pub score: f32,
    /// Its metadata.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

impl DocumentHit {
    /// Creates a hit without metadata.
    pub fn new(
        collection: impl Into<String>,
        id: impl Into<String>,
        text: impl Into<String>,
        score: f32,
    ) -> Self {
        let (collection, id, text) = (collection.into(), id.into(), text.into());
        Self { collection, id, text, score, metadata: Map::new() }
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = metadata;
        self
    }
}

/// Finds documents by what they mean. Repositories of documents implement it; tools need no more.
///
/// # Contract
///
/// 1. The nearest documents come first; there are at most as many as the query allows.
/// 2. Only documents of the collection that the query names are found, or of all if it names none. A
///    collection that does not exist is `NotFound`.
/// 3. Only documents that have all of the query's metadata are found.
#[async_trait]
pub trait DocumentSearch: fmt::Debug + Send + Sync + 'static {
    /// Finds documents.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown collection; the embedder's and the backend's own.
    async fn search(&self, query: &DocumentQuery) -> Result<Vec<DocumentHit>>;
}
