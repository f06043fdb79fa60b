//! Documents in memory: the reference implementation, which compares with every document.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use az_core::embed::Embedder;
use az_core::error::{Error, Result};
use az_core::search::{DocumentHit, DocumentQuery, DocumentSearch};

use super::document::{Document, DocumentRepository};

/// The documents of a collection by id, with their vectors.
type Collection = BTreeMap<String, (Document, Vec<f32>)>;

/// Documents in memory. A clone is another handle to the same documents.
#[derive(Debug, Clone)]
pub struct MemoryDocuments {
    embedder: Arc<dyn Embedder>,
    collections: Arc<Mutex<BTreeMap<String, Collection>>>,
}

impl MemoryDocuments {
    /// Creates an empty repository whose texts are embedded by `embedder`.
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder, collections: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Collection>> {
        self.collections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DocumentSearch for MemoryDocuments {
    async fn search(&self, query: &DocumentQuery) -> Result<Vec<DocumentHit>> {
        let embedded = self.embedder.embed(std::slice::from_ref(&query.text)).await?;
        let wanted = embedded.vectors.first().map(Vec::as_slice).unwrap_or_default();
        let collections = self.lock();
        if let Some(name) =
            query.collection.as_ref().filter(|name| !collections.contains_key(*name))
        {
            return Err(Error::not_found("collection", name));
        }
        let mut hits = Vec::new();
        for (name, documents) in collections.iter() {
            if query.collection.as_ref().is_some_and(|wanted| wanted != name) {
                continue;
            }
            let fits = |document: &Document| {
                query.metadata.iter().all(|(key, value)| document.metadata.get(key) == Some(value))
            };
            for (document, vector) in documents.values().filter(|(document, _)| fits(document)) {
                let hit =
                    DocumentHit::new(name, &document.id, &document.text, cosine(wanted, vector));
                hits.push(hit.with_metadata(document.metadata.clone()));
            }
        }
        // A stable sort: documents as near as each other stay in the order of their ids.
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(query.limit);
        Ok(hits)
    }
}

#[async_trait]
impl DocumentRepository for MemoryDocuments {
    async fn add_documents(&self, collection: &str, documents: &[Document]) -> Result<()> {
        check(collection, documents)?;
        if documents.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = documents.iter().map(|document| document.text.clone()).collect();
        let vectors = self.embedder.embed(&texts).await?.vectors;
        let mut collections = self.lock();
        let collection = collections.entry(collection.to_owned()).or_default();
        for (document, vector) in documents.iter().zip(vectors) {
            collection.insert(document.id.clone(), (document.clone(), vector));
        }
        Ok(())
    }

    async fn get_document(&self, collection: &str, id: &str) -> Result<Option<Document>> {
        let collections = self.lock();
        let found = collections.get(collection).and_then(|documents| documents.get(id));
        Ok(found.map(|(document, _)| document.clone()))
    }

    async fn delete_document(&self, collection: &str, id: &str) -> Result<bool> {
        let mut collections = self.lock();
        let deleted = collections.get_mut(collection).and_then(|documents| documents.remove(id));
        collections.retain(|_, documents| !documents.is_empty());
        Ok(deleted.is_some())
    }

    async fn collections(&self) -> Result<Vec<String>> {
        Ok(self.lock().keys().cloned().collect())
    }
}

fn check(collection: &str, documents: &[Document]) -> Result<()> {
    if collection.trim().is_empty() {
        return Err(Error::invalid("collection", "must not be empty"));
    }
    match documents.iter().any(|document| document.id.trim().is_empty()) {
        true => Err(Error::invalid("document id", "must not be empty")),
        false => Ok(()),
    }
}

/// Returns the cosine of the angle between two vectors; 0 if one of them has no length.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let lengths = (product(a, a) * product(b, b)).sqrt();
    if lengths > 0.0 { product(a, b) / lengths } else { 0.0 }
}
