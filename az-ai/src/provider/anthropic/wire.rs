//! The wire of Anthropic's Messages API.

use crate::provider::tool_names::ToolNames;
use serde_json::Value;

use super::{decode, encode, error, stream, usage};
use crate::chat::{ChatReply, ChatRequest};
use crate::error::{Refusal, Result};
use crate::provider::listing::{self, ListedModel};
use crate::provider::reported::ReportedUsage;
use crate::provider::wire::{Answered, Auth, Delivery, StreamDecoder, Wire, WireRequest};

/// Translates to and from Anthropic's Messages API.
///
/// Prefixes that are likely to be sent again are marked for the provider's cache: the tools, the
/// system prompt and the conversation so far. A single question without tools is not marked,
/// because writing to the cache costs a quarter more than sending.
///
/// A reply that ended with `FinishReason::Pause` was interrupted by the provider while its own
/// tools ran: send the conversation again with that turn at its end, and nothing added.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anthropic;

impl Anthropic {
    /// The address of Anthropic's API.
    pub const BASE_URL: &'static str = "https://api.anthropic.com";
}

impl Wire for Anthropic {
    fn auth(&self) -> Auth {
        Auth::Header("x-api-key")
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> WireRequest {
        let body = encode::request(request, delivery, names);
        WireRequest::new("/v1/messages", body)
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
        // The maximum page size; the default is 20 models.
        "/v1/models?limit=1000"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ListedModel>, serde_json::Error> {
        listing::read(body)
    }
}
