//! The wire of Ollama's own API.

use crate::provider::tool_names::ToolNames;
use serde::Deserialize;
use serde_json::Value;

use super::{decode, encode, error, stream, usage};
use crate::chat::{ChatReply, ChatRequest};
use crate::client::Parameter;
use crate::error::{Refusal, Result};
use crate::provider::listing::ListedModel;
use crate::provider::reported::ReportedUsage;
use crate::provider::wire::{
    Answered, Auth, Delivery, Descriptions, StreamDecoder, Wire, WireRequest,
};

/// Translates to and from Ollama's own API.
///
/// The server silently drops what does not fit unless the request sets a context size. Each request
/// sets one of few sizes, because another size reloads the model.
///
/// The API cannot force a tool call: the request then contains only that tool. Images must be sent
/// as data; for an image with a URL only, the model gets the URL as text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ollama {
    context_window: Option<u64>,
}

impl Ollama {
    /// The default address.
    pub const BASE_URL: &'static str = "http://127.0.0.1:11434";

    /// Creates a wire for models with a context window, in tokens, which limits the context size.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: u64) -> Self {
        self.context_window = Some(tokens);
        self
    }
}

impl Wire for Ollama {
    fn auth(&self) -> Auth {
        Auth::Bearer
    }

    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> WireRequest {
        let body = encode::request(request, self.context_window, delivery, names);
        WireRequest::new("/api/chat", body)
    }

    fn adapt(&self, body: &mut Value, _rejected: &[Parameter], window: Option<u64>) {
        encode::limit_context(body, window);
    }

    fn reply(&self, body: &[u8], answered: Answered) -> Result<ChatReply> {
        decode::reply(body, answered)
    }

    fn decoder(&self, answered: Answered) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(answered))
    }

    fn note_usage(&self, json: &Value, reported: &mut ReportedUsage) {
        usage::note(json, reported);
    }

    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal {
        error::refusal(provider, status, body)
    }

    fn models_path(&self) -> &'static str {
        "/api/tags"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ListedModel>, serde_json::Error> {
        let list: ModelList = serde_json::from_slice(body)?;
        Ok(list.models.into_iter().map(|model| ListedModel::new(model.name)).collect())
    }

    fn descriptions(&self) -> Descriptions {
        Descriptions::Ollama
    }
}

#[derive(Deserialize)]
struct ModelList {
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}
