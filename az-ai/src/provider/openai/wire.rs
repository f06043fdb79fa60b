//! The wire of OpenAI's APIs: chooses the API of a request.

use crate::provider::tool_names::ToolNames;
use serde_json::Value;

use super::cache::cache_key;
use super::dialect::{CacheKey, Dialect};
use super::{chat, error, responses};
use crate::chat::{ChatReply, ChatRequest};
use crate::client::Parameter;
use crate::error::{Refusal, Result};
use crate::provider::listing::{self, ListedModel};
use crate::provider::reported::ReportedUsage;
use crate::provider::wire::{
    Answered, Auth, Delivery, Descriptions, StreamDecoder, Wire, WireRequest,
};

/// Translates to and from chat completions, and Responses for models that support nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAi {
    dialect: Dialect,
}

impl OpenAi {
    /// The address of OpenAI's API.
    pub const BASE_URL: &'static str = "https://api.openai.com/v1";

    /// Creates a wire with a dialect.
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect }
    }
}

/// The path of Responses.
const RESPONSES: &str = "/responses";

impl Wire for OpenAi {
    fn auth(&self) -> Auth {
        Auth::Bearer
    }

    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> WireRequest {
        let (path, body) = match self.dialect.has_responses(&request.model) {
            true => (RESPONSES, responses::encode::request(request, self.dialect, delivery, names)),
            false => {
                ("/chat/completions", chat::encode::request(request, self.dialect, delivery, names))
            }
        };
        let call = WireRequest::new(path, body);
        match (self.dialect.cache_key, request.cache.key.as_deref()) {
            (CacheKey::GrokConversation, Some(key)) if path != RESPONSES => {
                call.with_header("x-grok-conv-id", cache_key(key))
            }
            _ => call,
        }
    }

    fn adapt(&self, body: &mut Value, rejected: &[Parameter], _window: Option<u64>) {
        chat::encode::adapt(body, rejected);
    }

    fn reply(&self, body: &[u8], answered: Answered) -> Result<ChatReply> {
        match self.dialect.has_responses(&answered.model) {
            true => responses::decode::reply(body, answered),
            false => chat::decode::reply(body, answered),
        }
    }

    fn decoder(&self, answered: Answered) -> Box<dyn StreamDecoder> {
        match self.dialect.has_responses(&answered.model) {
            true => Box::new(responses::stream::Decoder::new(answered)),
            false => Box::new(chat::stream::Decoder::new(answered)),
        }
    }

    fn note_usage(&self, json: &Value, reported: &mut ReportedUsage) {
        chat::note(json, reported);
    }

    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal {
        error::refusal(provider, Some(status), body)
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ListedModel>, serde_json::Error> {
        listing::read(body)
    }

    fn descriptions(&self) -> Descriptions {
        Descriptions::Listing
    }
}
