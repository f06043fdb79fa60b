//! Texts as vectors, by providers' models.
//!
//! A [`WireEmbedder`] sends requests and books them; an [`EmbedWire`] translates them:
//! [`OpenAiEmbeddings`] for OpenAI and everybody who looks alike, [`GeminiEmbeddings`],
//! [`OllamaEmbeddings`].

mod books;
mod client;
mod gemini;
mod model;
mod ollama;
mod openai;
mod vectors;
mod wire;

pub use books::EmbedBooks;
pub use client::WireEmbedder;
pub use gemini::GeminiEmbeddings;
pub use model::EmbedModel;
pub use ollama::OllamaEmbeddings;
pub use openai::{OpenAiEmbeddings, VectorForm};
pub use wire::{BatchLimits, EmbedResponse, EmbedWire};
