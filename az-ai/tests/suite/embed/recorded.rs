//! Replays every recorded embedding request to the real embedder. Skipped unless `AZ_RECORDED`
//! names the directory of the recordings.

use std::path::Path;

use az_ai::embed::{EmbedModel, EmbedWire, GeminiEmbeddings, OpenAiEmbeddings, WireEmbedder};
use az_core::embed::Embedder;
use serde::Deserialize;
use serde_json::Value;

use super::connect;
use crate::support::server::{Answer, Server};

#[derive(Debug, Deserialize)]
struct Exchange {
    name: String,
    path: String,
    request: String,
    status: u16,
    response: String,
}

#[expect(clippy::disallowed_methods, reason = "the recordings lie outside of the project")]
fn recorded(provider: &str) -> Option<Vec<Exchange>> {
    let folder = std::env::var("AZ_RECORDED").ok()?;
    let text =
        std::fs::read_to_string(Path::new(&folder).join(format!("{provider}.jsonl"))).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Exchange>(line).unwrap());
    let ends = ["/embeddings", ":batchEmbedContents"];
    Some(all.filter(|exchange| ends.iter().any(|end| exchange.path.ends_with(end))).collect())
}

/// Returns the recorded vectors, read without the wire.
fn vectors(response: &Value) -> Vec<Vec<f32>> {
    let items = response.get("data").or(response.get("embeddings")).unwrap().as_array().unwrap();
    let numbers = items.iter().map(|item| item.get("embedding").or(item.get("values")).unwrap());
    numbers.map(|numbers| serde_json::from_value(numbers.clone()).unwrap()).collect()
}

async fn play(exchange: &Exchange, wire: impl EmbedWire) {
    let name = &exchange.name;
    let sent: Value = serde_json::from_str(&exchange.request).unwrap();
    let said: Value = serde_json::from_str(&exchange.response).unwrap();
    let texts: Vec<String> = match sent.get("requests") {
        Some(requests) => {
            let texts = requests.as_array().unwrap().iter();
            texts.map(|r| r["content"]["parts"][0]["text"].as_str().unwrap().to_owned()).collect()
        }
        None => serde_json::from_value(sent["input"].clone()).unwrap(),
    };
    let asked = ["dimensions", "output_dimension", "output_dimensionality"];
    let first = sent.pointer("/requests/0").unwrap_or(&sent);
    let asked = asked.iter().find_map(|field| first[*field].as_u64());
    let known = || vectors(&said).first().map_or(1, Vec::len);
    let model = sent.get("model").unwrap_or(&first["model"]).as_str().unwrap();
    let model = match asked {
        Some(n) => EmbedModel::new(model).with_requested_dimensions(usize::try_from(n).unwrap()),
        None if exchange.status == 200 => EmbedModel::new(model).with_known_dimensions(known()),
        None => EmbedModel::new(model).with_known_dimensions(1),
    };
    // The server has only this response, so there must be only one request.
    let texts = &texts[..texts.len().min(wire.limits().texts)];
    let server = Server::start(Answer::json(exchange.status, &said)).await;
    let embedder: WireEmbedder = connect(&server.url, wire, model).await.unwrap();
    let result = embedder.embed(texts).await;
    if exchange.status == 200 {
        assert_eq!(
            result.unwrap_or_else(|error| panic!("{name}: {error}")).vectors,
            vectors(&said)
        );
        return;
    }
    let error = result.unwrap_err().to_string();
    let message = said["error"]["message"].as_str().or(said["message"].as_str()).unwrap();
    assert!(error.contains(message) && error.contains(&exchange.status.to_string()), "{name}");
}

#[tokio::test]
async fn every_recorded_response_is_read() {
    let mut played = 0;
    for provider in ["openai", "mistral", "llamacpp", "openrouter", "gemini"] {
        let Some(exchanges) = recorded(provider) else {
            eprintln!("skipped: AZ_RECORDED names no folder with recordings");
            return;
        };
        for exchange in exchanges {
            played += 1;
            match provider {
                "openai" => play(&exchange, OpenAiEmbeddings::OPENAI).await,
                "mistral" => play(&exchange, OpenAiEmbeddings::MISTRAL).await,
                "gemini" => play(&exchange, GeminiEmbeddings).await,
                _ => play(&exchange, OpenAiEmbeddings::COMPATIBLE).await,
            }
        }
    }
    assert!(played >= 25, "only {played} exchanges were found");
    eprintln!("{played} exchanges were replayed");
}
