//! Embeddings by providers' models.
//!
//! A [`WireEmbedder`] sends requests and books them; an [`EmbedWire`] translates them:
//! [`OpenAiEmbeddings`] for OpenAI and compatible servers, [`GeminiEmbeddings`],
//! [`OllamaEmbeddings`].

mod billing;
mod client;
mod gemini;
mod model;
mod ollama;
mod openai;
mod vectors;
mod wire;

pub use billing::EmbedBilling;
pub use client::WireEmbedder;
pub use gemini::GeminiEmbeddings;
pub use model::EmbedModel;
pub use ollama::OllamaEmbeddings;
pub use openai::{OpenAiEmbeddings, VectorEncoding};
pub use wire::{BatchLimits, EmbedResponse, EmbedWire};
