//! Ollama's `POST /api/embed`.

use serde::Deserialize;
use serde_json::json;

use super::wire::{BatchLimits, EmbedResponse, EmbedWire};
use crate::provider::wire::{Auth, WireRequest};

/// Ollama's own embeddings API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OllamaEmbeddings;

impl OllamaEmbeddings {
    /// The default address of Ollama.
    pub const BASE_URL: &'static str = "http://127.0.0.1:11434";
}

impl EmbedWire for OllamaEmbeddings {
    fn auth(&self) -> Auth {
        Auth::Bearer
    }

    /// The API has no limit of its own, but returns nothing before the last vector is made.
    fn limits(&self) -> BatchLimits {
        BatchLimits { texts: 64, tokens: 100_000 }
    }

    fn call(&self, model: &str, texts: &[&str], dimensions: Option<usize>) -> WireRequest {
        // A text that is too long is an error; otherwise it would be cut without notice.
        let mut body = json!({"model": model, "input": texts, "truncate": false});
        if let (Some(fields), Some(dimensions)) = (body.as_object_mut(), dimensions) {
            fields.insert("dimensions".to_owned(), json!(dimensions));
        }
        WireRequest::new("/api/embed", body)
    }

    fn response(&self, body: &[u8]) -> Result<EmbedResponse, String> {
        let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        Ok(EmbedResponse::new(answer.embeddings).with_tokens(answer.prompt_eval_count))
    }
}

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}
