//! Gemini's `batchEmbedContents`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{BatchLimits, EmbedResponse, EmbedWire};
use crate::provider::wire::{Auth, WireRequest};

/// Gemini's embeddings API. Shortened vectors are not normalised to length 1, unlike those of other
/// providers; this does not affect cosine similarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GeminiEmbeddings;

impl GeminiEmbeddings {
    /// The address of the Gemini API.
    pub const BASE_URL: &'static str = "https://generativelanguage.googleapis.com/v1beta";
}

impl EmbedWire for GeminiEmbeddings {
    fn auth(&self) -> Auth {
        Auth::Header("x-goog-api-key")
    }

    /// The server refuses more than a hundred texts, and documents no limit on tokens.
    fn limits(&self) -> BatchLimits {
        BatchLimits { texts: 100, tokens: u64::MAX }
    }

    fn call(&self, model: &str, texts: &[&str], dimensions: Option<usize>) -> WireRequest {
        let name = match model.strip_prefix("models/") {
            Some(_) => model.to_owned(),
            None => format!("models/{model}"),
        };
        let requests: Vec<Value> = texts
            .iter()
            .map(|text| {
                let content = json!({"parts": [{"text": text}]});
                match dimensions {
                    Some(n) => {
                        json!({"model": name, "content": content, "outputDimensionality": n})
                    }
                    None => json!({"model": name, "content": content}),
                }
            })
            .collect();
        let body = json!({"requests": requests});
        WireRequest::new(format!("/{name}:batchEmbedContents"), body)
    }

    fn response(&self, body: &[u8]) -> Result<EmbedResponse, String> {
        let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let vectors = answer.embeddings.into_iter().map(|embedding| embedding.values).collect();
        let tokens = answer.usage.and_then(|usage| usage.prompt_tokens);
        Ok(EmbedResponse::new(vectors).with_tokens(tokens))
    }
}

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Embedding>,
    #[serde(default, rename = "usageMetadata")]
    usage: Option<UsageMetadata>,
}

#[derive(Deserialize)]
struct UsageMetadata {
    #[serde(default, rename = "promptTokenCount")]
    prompt_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}
