//! `POST /embeddings`, as OpenAI and its look-alikes have it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{BatchLimits, EmbedResponse, EmbedWire};
use crate::provider::openai::cost as reported_cost;
use crate::provider::wire::{Auth, Call};

/// Speaks OpenAI's API for vectors, and what others made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenAiEmbeddings {
    /// How much one request may have.
    pub limits: BatchLimits,
    /// In what form vectors are asked for. Either is understood, whatever was asked.
    pub form: VectorForm,
    /// What the field is called that says how long vectors are to be.
    pub dimensions_field: &'static str,
}

/// In what form vectors come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorForm {
    /// As the server likes; most know but one.
    Unsaid,
    /// In base64, which is a third as long.
    Base64,
}

impl OpenAiEmbeddings {
    /// OpenAI itself, whose documentation has the limits: 2,048 texts and 300,000 tokens.
    pub const OPENAI: Self = Self {
        limits: BatchLimits { texts: 2_048, tokens: 300_000 },
        form: VectorForm::Base64,
        dimensions_field: "dimensions",
    };
    /// Mistral, which refused 257 texts when that was recorded, and says "max is 16384" of tokens.
    pub const MISTRAL: Self = Self {
        limits: BatchLimits { texts: 128, tokens: 16_000 },
        form: VectorForm::Unsaid,
        dimensions_field: "output_dimension",
    };
    /// Any other, such as OpenRouter, llama.cpp, LM Studio or vLLM: few texts at once, because
    /// some work on them one by one and nothing comes before the last.
    pub const COMPATIBLE: Self = Self {
        limits: BatchLimits { texts: 64, tokens: 100_000 },
        form: VectorForm::Unsaid,
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

    fn call(&self, model: &str, texts: &[&str], dimensions: Option<usize>) -> Call {
        let mut body = json!({"model": model, "input": texts});
        if let Some(fields) = body.as_object_mut() {
            if self.form == VectorForm::Base64 {
                fields.insert("encoding_format".to_owned(), json!("base64"));
            }
            if let Some(dimensions) = dimensions {
                fields.insert(self.dimensions_field.to_owned(), json!(dimensions));
            }
        }
        Call { path: "/embeddings".to_owned(), body }
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
    /// Which text it is of; its place, where a server does not say.
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
    /// Returns the numbers; in base64 they are 32 bits each, least significant byte first.
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

    #[test]
    fn the_body_says_what_the_server_has_to_know() {
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

    #[test]
    fn both_forms_are_understood_in_any_order_and_with_or_without_an_index() {
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
