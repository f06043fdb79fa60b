//! Servers with error responses and invalid ones.

use std::time::Duration;

use az_ai::embed::{EmbedModel, OpenAiEmbeddings};
use az_core::ErrorKind;
use az_core::embed::Embedder;
use serde_json::{Value, json};

use super::{KEY, connect};
use crate::support::server::{Answer, End, Server};

fn model() -> EmbedModel {
    EmbedModel::new("m").with_known_dimensions(2)
}

/// Embeds two texts; returns the error.
async fn failed(answer: Answer) -> az_core::Error {
    let server = Server::start(answer).await;
    let embedder = connect(&server.url, OpenAiEmbeddings::COMPATIBLE, model()).await.unwrap();
    embedder.embed(&["a".to_owned(), "b".to_owned()]).await.unwrap_err()
}

async fn said(body: Value) -> String {
    failed(Answer::json(200, &body)).await.to_string()
}

#[tokio::test]
async fn a_rejected_key_is_not_shown_in_the_error() {
    let error = json!({"error": {"message": format!("bad key: {KEY}"), "code": KEY}});
    for status in [200, 401] {
        let error = failed(Answer::json(status, &error)).await;
        let shown = format!("{error:?} {error}");
        assert!(shown.contains("bad key: [key]") && !shown.contains(KEY), "{shown}");
    }
    let server = Server::start(Answer::json(401, &error)).await;
    let wire = OpenAiEmbeddings::COMPATIBLE;
    let error = connect(&server.url, wire, EmbedModel::new("m")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let embedder = connect(&server.url, wire, model()).await.unwrap();
    assert!(!format!("{embedder:?}").contains(KEY));
}

#[tokio::test]
async fn a_rate_limit_has_the_requested_wait() {
    let busy = json!({"error": {"message": "slow down"}});
    let error = failed(Answer::json(429, &busy).with_header("retry-after", "3")).await;
    let wait = Some(Duration::from_secs(3));
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, wait));
    let inside = json!({"error": {"message": "slow down", "code": 429}});
    assert_eq!(failed(Answer::json(200, &inside)).await.kind(), ErrorKind::RateLimited);
}

/// Checks `EmbedWire` 3.
#[tokio::test]
async fn invalid_vectors_are_malformed() {
    let item = |embedding: Value| json!({"embedding": embedding});
    let data = |items: &[Value]| json!({"data": items});
    let good = item(json!([1, 2]));
    for (body, reason) in [
        (data(&[]), "0 vectors for 2 texts"),
        (data(&[good.clone(), good.clone(), good.clone()]), "3 vectors for 2 texts"),
        (data(&[good.clone(), item(json!([1]))]), "vector 2 has 1 dimensions, not 2"),
        (data(&[good.clone(), item(json!([1, 1e39]))]), "vector 2 has numbers that are not finite"),
        (data(&[good, item(json!("AADAfwAAgD8="))]), "vector 2 has numbers that are not finite"),
        (json!({"object": "list"}), "missing field `data`"),
        (json!([]), "invalid length 0"),
    ] {
        let error = said(body).await;
        let expected = format!("invalid response from test: {reason}");
        assert!(error.starts_with(&expected), "{error}");
    }
    let cut = failed(Answer::stream("{\"data\":[", End::Cut)).await;
    assert_eq!(cut.kind(), ErrorKind::Unavailable, "{cut}");
}

#[tokio::test]
async fn zero_dimensions_are_refused() {
    let server = Server::start(Answer::json(200, &json!({"data": [{"embedding": []}]}))).await;
    let wire = OpenAiEmbeddings::COMPATIBLE;
    let none = [EmbedModel::new("m"), EmbedModel::new("m").with_known_dimensions(0)];
    for model in none {
        let error = connect(&server.url, wire, model).await.unwrap_err();
        assert_eq!(error.to_string(), "test is not set up: vectors of m have no dimensions");
    }
    let error = connect("localhost", wire, model()).await.unwrap_err();
    assert!(error.to_string().contains("does not begin with http"), "{error}");
}
