//! What a recording consists of.

use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use az_core::text::one_line;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::failure::Failure;
use super::piece::Timed;
use crate::chat::{ChatReply, ChatRequest};
use crate::client::{Capabilities, CostEstimate, LlmClient};

/// What a recording calls itself, in its first line.
pub(super) const FORMAT: &str = "az-recording";
/// The version that is written. Version 2 has images in the results of tools, of which the digests
/// are made; version 1 is read as well.
pub(super) const VERSION: u32 = 2;
/// How many characters are kept of what was said in a request.
const WORDS: usize = 120;

/// The first line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    /// What made it.
    #[serde(default)]
    pub made_by: String,
    /// The provider that answered.
    pub provider: String,
    /// The model that it was made for.
    pub model: String,
    /// What that model can do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Anything worth knowing about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Header {
    /// Returns the header of a recording of a client with this model.
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

/// One exchange: a line of a recording after its first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exchange {
    /// Where in its task it stands: how many turns the model had before.
    pub place: usize,
    /// The first words of the task, which is what the user said first.
    pub task: String,
    /// SHA-256 of the whole of it, in hex; `task` is the whole of it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_digest: Option<String>,
    /// The first words of what the user said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// SHA-256 of the conversation and the tools, in hex; no request is the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What it was expected to come to; nobody knew, when absent.
    #[serde(default)]
    pub quote: CostEstimate,
    /// The pieces in which the reply came, if it was streamed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Timed>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub millis: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a reply.
    Replied(Box<Replied>),
    /// With an error.
    Failed(Failure),
    /// Nobody waited for its end.
    Dropped,
}

/// A reply, and what it came to. How much more may be asked is not kept: it was true once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Replied {
    /// What the model said.
    pub reply: ModelReply,
    /// What it used, as the provider said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost, in nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    /// What was computed that it cost, in nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Usd>,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// The provider's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl From<&ChatReply> for Replied {
    fn from(reply: &ChatReply) -> Self {
        let ChatReply { reply, usage, cost, computed, model, request_id, .. } = reply.clone();
        Self { reply, usage, cost, computed, model, request_id }
    }
}

impl From<Replied> for ChatReply {
    fn from(replied: Replied) -> Self {
        let Replied { reply, usage, cost, computed, model, request_id } = replied;
        Self { reply, usage, cost, computed, model, request_id, ..Self::default() }
    }
}

impl Exchange {
    /// Returns the exchange that begins with a request; nobody has waited for its end yet.
    pub(super) fn of(request: &ChatRequest, quote: CostEstimate) -> Self {
        let task = request.task();
        Self {
            place: request.turns(),
            task: one_line(task, WORDS),
            task_digest: Some(hex(task.as_bytes())),
            said: said(request),
            digest: digest(request),
            quote,
            pieces: Vec::new(),
            millis: 0,
            outcome: Outcome::Dropped,
        }
    }

    /// Whether it is of the same task as a request.
    pub(super) fn is_of(&self, task: &str) -> bool {
        match &self.task_digest {
            Some(digest) => *digest == hex(task.as_bytes()),
            None => self.task.trim() == task.trim(),
        }
    }
}

/// Returns the first words of what the user said last.
pub(super) fn said(request: &ChatRequest) -> Option<String> {
    request.said_last().map(|text| one_line(text, WORDS))
}

/// Returns the digest of a request's conversation and tools.
pub(super) fn digest(request: &ChatRequest) -> Option<String> {
    let told = serde_json::to_vec(&(&request.messages, &*request.tools)).ok()?;
    Some(hex(&told))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
