//! The kit of `Embedder`, run against every wire and a simulated server whose vectors count
//! letters.

use std::sync::Arc;

use async_trait::async_trait;
use az_ai::embed::{
    BatchLimits, EmbedModel, EmbedWire, GeminiEmbeddings, OllamaEmbeddings, OpenAiEmbeddings,
};
use az_core::embed::Embedder;
use az_core::testing::{Capabilities, Fixture, embedder};
use serde_json::{Value, json};

use super::{KEY, connect};
use crate::support::server::{Answer, ReceivedRequest, Server};

/// The kind of server, and its requests.
#[derive(Debug, Clone, Copy)]
enum Kind {
    OpenAi(OpenAiEmbeddings),
    Gemini,
    Ollama,
}

#[derive(Debug)]
struct Counting(Kind);

/// Returns the counts of letters as a vector.
fn vector(text: &str) -> Vec<f32> {
    let count = |n: u32| text.chars().filter(|c| u32::from(*c) % 4 == n).count();
    (0..4).map(|n| f32::from(u16::try_from(count(n)).unwrap()) / 3.0).collect()
}

fn texts(values: &Value, pointer: &str) -> Vec<String> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}

fn base64(numbers: &[f32]) -> String {
    use base64::Engine;
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Responds as the real server does; OpenAI's vectors are out of order.
fn answer(asked: &ReceivedRequest) -> Answer {
    let made = |texts: Vec<String>| texts.iter().map(|text| vector(text)).collect::<Vec<_>>();
    let path = asked.head.split(' ').nth(1).unwrap();
    let body = match path {
        "/v1/embeddings" => {
            let encoded = asked.body["encoding_format"] == "base64";
            let item = |(index, vector): (usize, Vec<f32>)| {
                let encoding = if encoded { json!(base64(&vector)) } else { json!(vector) };
                json!({"object": "embedding", "index": index, "embedding": encoding})
            };
            let made = made(texts(&asked.body["input"], "")).into_iter().enumerate();
            let data: Vec<Value> = made.map(item).rev().collect();
            json!({"object": "list", "data": data, "usage": {"prompt_tokens": 1}})
        }
        "/v1/models/letters:batchEmbedContents" => {
            let made = made(texts(&asked.body["requests"], "/content/parts/0/text"));
            let made: Vec<Value> = made.iter().map(|vector| json!({"values": vector})).collect();
            json!({"embeddings": made})
        }
        "/v1/api/embed" => json!({"embeddings": made(texts(&asked.body["input"], ""))}),
        other => panic!("unknown path {other}"),
    };
    assert!(asked.head.contains(KEY), "the key was not shown");
    // OpenAI and Gemini do the same.
    assert!(!asked.body.to_string().contains("\"\""), "an empty text was sent");
    Answer::json(200, &body)
}

#[async_trait]
impl Fixture<dyn Embedder> for Counting {
    async fn open(&self) -> Arc<dyn Embedder> {
        let server = Server::start_with(answer).await;
        let model = EmbedModel::new("letters");
        let embedder = match self.0 {
            Kind::OpenAi(wire) => connect(&server.url, wire, model).await,
            Kind::Gemini => connect(&server.url, GeminiEmbeddings, model).await,
            Kind::Ollama => connect(&server.url, OllamaEmbeddings, model).await,
        };
        Arc::new(embedder.unwrap())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

async fn keeps_the_contract(kind: Kind) {
    embedder(|| Counting(kind)).await.assert_passed();
}

#[tokio::test]
async fn openai_compatible_servers_keep_the_contract() {
    let two = BatchLimits { texts: 2, tokens: 1_000 };
    keeps_the_contract(Kind::OpenAi(OpenAiEmbeddings::OPENAI)).await;
    keeps_the_contract(Kind::OpenAi(OpenAiEmbeddings::MISTRAL)).await;
    let compatible = OpenAiEmbeddings { limits: two, ..OpenAiEmbeddings::COMPATIBLE };
    keeps_the_contract(Kind::OpenAi(compatible)).await;
}

#[tokio::test]
async fn gemini_keeps_the_contract() {
    keeps_the_contract(Kind::Gemini).await;
}

#[tokio::test]
async fn ollama_keeps_the_contract() {
    keeps_the_contract(Kind::Ollama).await;
}

#[tokio::test]
async fn texts_are_split_by_the_limits_and_vectors_keep_their_order() {
    let server = Server::start_with(answer).await;
    let model = EmbedModel::new("letters").with_known_dimensions(4);
    let embedder = connect(&server.url, GeminiEmbeddings, model).await.unwrap();
    assert_eq!(server.requests().len(), 0, "no request was needed");
    let texts: Vec<String> = (0..250).map(|n| "abc".repeat(n + 1)).collect();
    let expected: Vec<_> = texts.iter().map(|text| vector(text)).collect();
    assert_eq!(embedder.embed(&texts).await.unwrap().vectors, expected);
    let sizes =
        server.requests().into_iter().map(|asked| asked.body["requests"].as_array().unwrap().len());
    let mut sizes: Vec<_> = sizes.collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, GeminiEmbeddings.limits().texts]);
}

#[tokio::test]
async fn the_id_differs_between_vectors_that_cannot_be_compared() {
    let server = Server::start_with(answer).await;
    let name = async |model| {
        let embedder = connect(&server.url, OpenAiEmbeddings::OPENAI, model).await.unwrap();
        embedder.model().to_owned()
    };
    assert_eq!(name(EmbedModel::new("letters")).await, "test/letters@4");
    assert_eq!(
        name(EmbedModel::new("letters").with_requested_dimensions(2)).await,
        "test/letters@2"
    );
    assert_eq!(name(EmbedModel::new("words").with_known_dimensions(4)).await, "test/words@4");
}
