//! OpenAI's `POST /embeddings`, and compatible servers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{BatchLimits, EmbedResponse, EmbedWire};
use crate::provider::openai::cost as reported_cost;
use crate::provider::wire::{Auth, WireRequest};

/// OpenAI's embeddings API, and its variants on compatible servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenAiEmbeddings {
    /// The limits of one request.
    pub limits: BatchLimits,
    /// The requested encoding of vectors. Both are read, whichever was requested.
    pub encoding: VectorEncoding,
    /// The name of the field for the requested dimensions.
    pub dimensions_field: &'static str,
}

/// The requested encoding of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorEncoding {
    /// The server's default; most servers have only one.
    ServerDefault,
    /// Base64, which takes a third of the bytes.
    Base64,
}

impl OpenAiEmbeddings {
    /// OpenAI itself, with the documented limits: 2,048 texts and 300,000 tokens.
    pub const OPENAI: Self = Self {
        limits: BatchLimits { texts: 2_048, tokens: 300_000 },
        encoding: VectorEncoding::Base64,
        dimensions_field: "dimensions",
    };
    /// Mistral, which refused 257 texts when that was recorded, and reports "max is 16384" for
    /// tokens.
    pub const MISTRAL: Self = Self {
        limits: BatchLimits { texts: 128, tokens: 16_000 },
        encoding: VectorEncoding::ServerDefault,
        dimensions_field: "output_dimension",
    };
    /// Any other server, such as OpenRouter, llama.cpp, LM Studio or vLLM. The limit is low because
    /// some embed the texts one by one, and respond after the last.
    pub const COMPATIBLE: Self = Self {
        limits: BatchLimits { texts: 64, tokens: 100_000 },
        encoding: VectorEncoding::ServerDefault,
        dimensions_field: "dimensions",
    };
}

impl Default for OpenAiEmbeddings {
    fn default() -> Self {
        Self::COMPATIBLE
    }
}

impl EmbedWire for OpenAiEmbeddings {
    fn auth(&self) -> Auth {
        Auth::Bearer
    }

    fn limits(&self) -> BatchLimits {
        self.limits
    }

    fn call(&self, model: &str, texts: &[&str], dimensions: Option<usize>) -> WireRequest {
        let mut body = json!({"model": model, "input": texts});
        if let Some(fields) = body.as_object_mut() {
            if self.encoding == VectorEncoding::Base64 {
                fields.insert("encoding_format".to_owned(), json!("base64"));
            }
            if let Some(dimensions) = dimensions {
                fields.insert(self.dimensions_field.to_owned(), json!(dimensions));
            }
        }
        WireRequest::new("/embeddings", body)
    }

    fn response(&self, body: &[u8]) -> Result<EmbedResponse, String> {
        let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let mut items: Vec<(usize, Embedding)> = answer
            .data
            .into_iter()
            .enumerate()
            .map(|(place, item)| (item.index.unwrap_or(place), item.embedding))
            .collect();
        items.sort_by_key(|(index, _)| *index);
        if let Some(place) = items.iter().enumerate().position(|(i, (index, _))| i != *index) {
            return Err(format!("there is not exactly one vector with index {place}"));
        }
        let vectors = items.into_iter().map(|(_, embedding)| embedding.numbers());
        let tokens = answer.usage.get("prompt_tokens").and_then(Value::as_u64);
        let response = EmbedResponse::new(vectors.collect::<Result<_, _>>()?);
        Ok(response.with_tokens(tokens).with_cost(reported_cost(&answer.usage)))
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Item {
    /// The index of its text; its position, where a server omits it.
    index: Option<usize>,
    embedding: Embedding,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a vector is neither numbers nor base64")]
enum Embedding {
    Numbers(Vec<f32>),
    Base64(String),
}

impl Embedding {
    /// Decodes a vector; in base64 the numbers have 32 bits each, least significant byte first.
    fn numbers(self) -> Result<Vec<f32>, String> {
        let text = match self {
            Self::Numbers(numbers) => return Ok(numbers),
            Self::Base64(text) => text,
        };
        let bytes = STANDARD.decode(text).map_err(|error| format!("a vector's base64: {error}"))?;
        let (numbers, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err("a vector's base64 ends within a number".to_owned());
        }
        Ok(numbers.iter().copied().map(f32::from_le_bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{EmbedWire, OpenAiEmbeddings};

    /// Checks `EmbedWire` 1.
    #[test]
    fn the_body_contains_the_requested_options() {
        let body = |wire: OpenAiEmbeddings, dimensions| wire.call("m", &["a"], dimensions).body;
        assert_eq!(
            body(OpenAiEmbeddings::OPENAI, Some(8)),
            json!({"model": "m", "input": ["a"], "encoding_format": "base64", "dimensions": 8})
        );
        assert_eq!(
            body(OpenAiEmbeddings::MISTRAL, Some(8)),
            json!({"model": "m", "input": ["a"], "output_dimension": 8})
        );
        assert_eq!(body(OpenAiEmbeddings::COMPATIBLE, None), json!({"model": "m", "input": ["a"]}));
    }

    /// Checks `EmbedWire` 2.
    #[test]
    fn both_encodings_are_read_in_any_order_with_or_without_an_index() {
        let read = |data| {
            let body = json!({"data": data, "unknown": [1]}).to_string();
            OpenAiEmbeddings::OPENAI.response(body.as_bytes()).map(|response| response.vectors)
        };
        let mixed = json!([
            {"index": 1, "embedding": "AACAPwAAAMA=", "object": "embedding"},
            {"index": 0, "embedding": [0.5, -3]},
        ]);
        assert_eq!(read(mixed).unwrap(), [[0.5, -3.0], [1.0, -2.0]]);
        let bare = json!([{"embedding": [1]}, {"embedding": [2]}]);
        assert_eq!(read(bare).unwrap(), [[1.0], [2.0]]);
        assert_eq!(read(json!([])).unwrap(), Vec::<Vec<f32>>::new());
        for (data, reason) in [
            (
                json!([{"index": 1, "embedding": []}]),
                "there is not exactly one vector with index 0",
            ),
            (
                json!([{"index": 0, "embedding": []}, {"index": 0, "embedding": []}]),
                "there is not exactly one vector with index 1",
            ),
            (json!([{"embedding": "AACAPw="}]), "a vector's base64: "),
            (json!([{"embedding": "AACA"}]), "a vector's base64 ends within a number"),
            (json!([{"embedding": [null]}]), "a vector is neither numbers nor base64"),
            (json!([{"embedding": {}}]), "a vector is neither numbers nor base64"),
            (json!([{}]), "missing field `embedding`"),
        ] {
            let error = read(data).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
