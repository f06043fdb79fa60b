//! Texts as vectors, by providers' models.
//!
//! [`WireEmbedder`] asks; what it says and how it understands the answer is an [`EmbedWire`]:
//! [`OpenAiEmbeddings`] for OpenAI and everybody who looks alike, [`GeminiEmbeddings`],
//! [`OllamaEmbeddings`].

mod client;
mod gemini;
mod model;
mod ollama;
mod openai;
mod vectors;
mod wire;

pub use client::WireEmbedder;
pub use gemini::GeminiEmbeddings;
pub use model::EmbedModel;
pub use ollama::OllamaEmbeddings;
pub use openai::{OpenAiEmbeddings, VectorForm};
pub use wire::{BatchLimits, EmbedWire};
