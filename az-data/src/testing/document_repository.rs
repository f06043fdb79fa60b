//! The kit of [`DocumentRepository`], and of the search in it.

use std::sync::Arc;

use az_core::search::DocumentQuery;
use az_core::testing::{Checked, Fixture, Report, Violation};
use az_core::{Error, ensure_eq, ensure_refused};
use serde_json::json;

use crate::repository::{Document, DocumentRepository};

/// The fixture of a scenario.
type Documents<'a> = &'a dyn Fixture<dyn DocumentRepository>;

/// Runs every scenario of [`DocumentRepository`]'s contract, on a repository whose embedder counts letters
/// ([`LetterEmbedder`](az_core::testing::LetterEmbedder)).
///
/// `make` is called once per scenario.
pub async fn document_repository<F: Fixture<dyn DocumentRepository>>(
    make: impl Fn() -> F,
) -> Report {
    let mut report = Report::new("document_repository");
    macro_rules! play {
        ($($scenario:ident)+) => {
            $(report.add(stringify!($scenario), $scenario(&make()).await.into());)+
        };
    }
    play! {
        a_document_is_returned_as_it_was_added
        a_document_of_the_same_id_is_replaced
        adding_is_all_or_nothing
        a_deleted_document_is_not_found
        collections_have_documents
        the_nearest_documents_come_first
        only_the_collection_of_the_query_is_searched
        documents_without_the_metadata_are_not_found
        documents_survive_a_restart
    }
    report
}

/// Adds three documents to `a`, and one to `b`.
async fn filled(fixture: Documents<'_>) -> Checked<Arc<dyn DocumentRepository>> {
    let documents = fixture.open().await;
    documents
        .add_documents("a", &[document("1", "aaa"), document("2", "aab"), document("3", "zz")])
        .await?;
    documents.add_documents("b", &[document("1", "aaa")]).await?;
    Ok(documents)
}

fn document(id: &str, text: &str) -> Document {
    let metadata = json!({"length": text.len()}).as_object().cloned().unwrap_or_default();
    Document::new(id, text).with_metadata(metadata)
}

async fn found(documents: &dyn DocumentRepository, query: &DocumentQuery) -> Checked<Vec<String>> {
    let hits = documents.search(query).await?;
    Ok(hits.into_iter().map(|hit| format!("{}{}", hit.collection, hit.id)).collect())
}

/// Checks `DocumentRepository` 1.
async fn a_document_is_returned_as_it_was_added(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    let expected = Some(document("2", "aab"));
    ensure_eq!(documents.get_document("a", "2").await?, expected, "a document was changed");
    ensure_eq!(documents.get_document("a", "9").await?, None, "a document without an id");
    ensure_eq!(documents.get_document("c", "1").await?, None, "a document without a collection");
    Ok(())
}

/// Checks `DocumentRepository` 1.
async fn a_document_of_the_same_id_is_replaced(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    documents.add_documents("a", &[document("1", "yyy")]).await?;
    ensure_eq!(documents.get_document("a", "1").await?, Some(document("1", "yyy")), "it was kept");
    let near = DocumentQuery::new("yyy").in_collection(Some("a".to_owned())).with_limit(1);
    ensure_eq!(found(&*documents, &near).await?, ["a1"], "the old text is searched");
    Ok(())
}

/// Checks `DocumentRepository` 2.
async fn adding_is_all_or_nothing(fixture: Documents<'_>) -> Checked {
    let documents = fixture.open().await;
    let refused = documents.add_documents("a", &[document("1", "x"), document("", "y")]).await;
    ensure_refused!(refused, Error::Invalid { .. }, "an empty id");
    let refused = documents.add_documents("", &[document("1", "x")]).await;
    ensure_refused!(refused, Error::Invalid { .. }, "an empty name of a collection");
    documents.add_documents("a", &[]).await?;
    ensure_eq!(documents.collections().await?, Vec::<String>::new(), "something was added");
    Ok(())
}

/// Checks `DocumentRepository` 3.
async fn a_deleted_document_is_not_found(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    ensure_eq!(documents.delete_document("a", "1").await?, true, "there was one");
    ensure_eq!(documents.delete_document("a", "1").await?, false, "there is none");
    ensure_eq!(documents.get_document("a", "1").await?, None, "it is returned");
    let left = found(&*documents, &DocumentQuery::new("aaa")).await?;
    ensure_eq!(left, ["b1", "a2", "a3"], "it is found");
    Ok(())
}

/// Checks `DocumentRepository` 4.
async fn collections_have_documents(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    ensure_eq!(documents.collections().await?, ["a", "b"], "two collections");
    documents.delete_document("b", "1").await?;
    ensure_eq!(documents.collections().await?, ["a"], "a collection without documents");
    Ok(())
}

/// Checks `DocumentSearch` 1.
async fn the_nearest_documents_come_first(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    let query = DocumentQuery::new("aab").in_collection(Some("a".to_owned()));
    ensure_eq!(found(&*documents, &query).await?, ["a2", "a1", "a3"], "another order");
    ensure_eq!(found(&*documents, &query.with_limit(1)).await?, ["a2"], "more than one");
    Ok(())
}

/// Checks `DocumentSearch` 2.
async fn only_the_collection_of_the_query_is_searched(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    let query = DocumentQuery::new("aaa");
    let all = found(&*documents, &query).await?;
    ensure_eq!(all, ["a1", "b1", "a2", "a3"], "all collections");
    let of_b = query.clone().in_collection(Some("b".to_owned()));
    ensure_eq!(found(&*documents, &of_b).await?, ["b1"], "one collection");
    let of_none = documents.search(&query.in_collection(Some("c".to_owned()))).await;
    ensure_refused!(of_none, Error::NotFound { .. }, "a collection that does not exist");
    Ok(())
}

/// Checks `DocumentSearch` 3.
async fn documents_without_the_metadata_are_not_found(fixture: Documents<'_>) -> Checked {
    let documents = filled(fixture).await?;
    let query = DocumentQuery::new("aaa").with_metadata("length", 2);
    ensure_eq!(found(&*documents, &query).await?, ["a3"], "the documents of length 2");
    let query = query.with_metadata("other", 1);
    ensure_eq!(found(&*documents, &query).await?, Vec::<String>::new(), "metadata of none");
    Ok(())
}

/// Checks `DocumentRepository` 5.
async fn documents_survive_a_restart(fixture: Documents<'_>) -> Checked {
    if !fixture.capabilities().durable {
        return Err(Violation::Unmet("durable"));
    }
    drop(filled(fixture).await?);
    let again = fixture.open().await;
    ensure_eq!(again.get_document("a", "3").await?, Some(document("3", "zz")), "it is gone");
    Ok(())
}
