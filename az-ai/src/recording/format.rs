//! The format of recordings.

use az_core::Usd;
use az_core::cost::Usage;
use az_core::digest::sha256_hex;
use az_core::journal::ModelReply;
use az_core::text::one_line;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::piece::Timed;
use crate::chat::{ChatReply, ChatRequest};
use crate::client::{Capabilities, CostEstimate, LlmClient};

/// The value of `format` in the header.
pub(super) const FORMAT: &str = "az-recording";
/// The version that is written. Version 2 includes images of tool results in digests; version 1 is
/// read as well.
pub(super) const VERSION: u32 = 2;
/// The maximum of a request's text that is kept, in characters.
const WORDS: usize = 120;

/// The header: the first line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    /// The program that made the recording.
    #[serde(default)]
    pub made_by: String,
    /// The provider.
    pub provider: String,
    /// The recorded model.
    pub model: String,
    /// The capabilities of the model.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// A note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Header {
    /// Creates the header for a recording of a client with this model.
    pub fn of(client: &dyn LlmClient, model: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            made_by: concat!("az ", env!("CARGO_PKG_VERSION")).to_owned(),
            provider: client.provider().to_owned(),
            model: model.to_owned(),
            capabilities: client.capabilities(model),
            note: None,
        }
    }

    /// Returns the header with a note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// An exchange: a request and its outcome, one for each line after the header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exchange {
    /// The position in its task: the number of earlier model turns.
    pub place: usize,
    /// The beginning of the task, which is the first user message.
    pub task: String,
    /// The SHA-256 of the whole task in hex; absent when `task` is the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_digest: Option<String>,
    /// The beginning of the last user message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The SHA-256 of the conversation and the tools in hex; when absent, no request has the same
    /// digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The estimated cost; absent when it was unknown.
    #[serde(default)]
    pub quote: CostEstimate,
    /// The capabilities of the model at the first exchange, if they are not those in the header. Earlier
    /// versions wrote them to later exchanges too, which are not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The pieces of a streamed reply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Timed>,
    /// The duration, in milliseconds.
    #[serde(default)]
    pub millis: u64,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of an exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A reply.
    Replied(Box<Replied>),
    /// An error.
    Failed(Failure),
    /// The call was dropped before its end.
    Dropped,
}

/// A recorded reply. The remaining rate limit is omitted, because it does not hold later.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Replied {
    /// The model's reply.
    pub reply: ModelReply,
    /// The reported usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The cost, in nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    /// The computed cost, in nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Usd>,
    /// What the provider's cache saved, in nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Usd>,
    /// The model that replied.
    #[serde(default)]
    pub model: String,
    /// The provider's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl From<&ChatReply> for Replied {
    fn from(reply: &ChatReply) -> Self {
        let ChatReply { reply, usage, cost, computed, saved, model, request_id, .. } =
            reply.clone();
        Self { reply, usage, cost, computed, saved, model, request_id }
    }
}

impl From<Replied> for ChatReply {
    fn from(replied: Replied) -> Self {
        let Replied { reply, usage, cost, computed, saved, model, request_id } = replied;
        Self { reply, usage, cost, computed, saved, model, request_id, ..Self::default() }
    }
}

impl Exchange {
    /// Creates an exchange for a request, without an outcome.
    pub(super) fn of(request: &ChatRequest, quote: CostEstimate) -> Self {
        let task = request.task();
        Self {
            place: request.turns(),
            task: one_line(task, WORDS),
            task_digest: Some(sha256_hex(task)),
            said: said(request),
            digest: digest(request),
            quote,
            capabilities: None,
            pieces: Vec::new(),
            millis: 0,
            outcome: Outcome::Dropped,
        }
    }

    /// Whether the exchange belongs to the same task as a request.
    pub(super) fn is_of(&self, task: &str) -> bool {
        match &self.task_digest {
            Some(digest) => *digest == sha256_hex(task),
            None => self.task.trim() == task.trim(),
        }
    }
}

/// Returns the beginning of the last user message.
pub(super) fn said(request: &ChatRequest) -> Option<String> {
    request.last_user_message().map(|text| one_line(text, WORDS))
}

/// Returns the digest of a request's conversation and tools.
pub(super) fn digest(request: &ChatRequest) -> Option<String> {
    let told = serde_json::to_vec(&(&request.messages, &*request.tools)).ok()?;
    Some(sha256_hex(told))
}
