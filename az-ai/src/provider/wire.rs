//! What a provider's API has to say to be asked: translation, and nothing else.

use std::fmt;

use crate::provider::tool_names::ToolNames;
use serde_json::Value;

use crate::chat::{ChatEvent, ChatReply, ChatRequest};
use crate::error::{Error, Refusal, Result};

/// Speaks a provider's API: from requests to bodies, from bodies to replies. It sends nothing;
/// [`WireClient`](super::client::WireClient) does, for all wires alike.
///
/// # Contract
///
/// 1. It is pure: the same request gives the same body, the same bytes the same reply.
/// 2. What it does not know in an answer it passes over; what it needs and does not find makes the
///    answer `Malformed`.
/// 3. An error that stands in a successful answer is an error.
/// 4. A turn of the model's that comes back in a later request says all that the provider needs to
///    see again. What another provider left in it is passed over.
/// 5. A tool is called by the names of [`Answered::names`] towards the provider, and by its own
///    towards us.
pub trait Wire: fmt::Debug + Send + Sync + 'static {
    /// Says how a key is shown.
    fn auth(&self) -> Auth;

    /// Returns the headers that every request has besides.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Returns what is posted, and where.
    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> Call;

    /// Reads a reply that came whole.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], or the error that stands in it.
    fn reply(&self, body: &[u8], answered: Answered) -> Result<ChatReply>;

    /// Returns what reads a reply as it comes in.
    fn decoder(&self, answered: Answered) -> Box<dyn StreamDecoder>;

    /// Reads the answer to a request that was refused.
    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal;

    /// Returns where the provider lists its models.
    fn models_path(&self) -> &'static str;

    /// Reads the names of the models in such a list.
    ///
    /// # Errors
    ///
    /// What is wrong with the list.
    fn models(&self, body: &[u8]) -> Result<Vec<String>, serde_json::Error>;
}

/// Reads a reply as it comes in.
///
/// # Contract
///
/// 1. How the bytes are cut into pieces makes no difference.
/// 2. The deltas add up to the reply in `Finished`, which comes last.
/// 3. Only what the provider sends to end a reply ends it: bytes that end before it were cut off.
pub trait StreamDecoder: fmt::Debug + Send {
    /// Adds bytes; returns the events that they complete. After `Finished` it is not asked again.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], or the error that the provider sent.
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>>;

    /// Says what the end of the bytes means.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] when the reply is not complete, [`Error::Malformed`] when this never
    /// was a stream.
    fn finish(self: Box<Self>) -> Result<Vec<ChatEvent>>;
}

/// How a key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// As `Authorization: Bearer …`.
    Bearer,
    /// In a header of this name, in lower case.
    Header(&'static str),
}

/// How a reply is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Whole,
    /// As it is made.
    Streamed,
}

/// What is posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Where, from the endpoint's address on, such as `/chat/completions`.
    pub path: String,
    /// What.
    pub body: Value,
}

/// What is known of an answer before its body.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// The provider, for errors.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// What the request's tools are called on the wire.
    pub names: ToolNames,
}

impl Answered {
    /// Returns the error of an answer that makes no sense.
    pub fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::Malformed { provider: self.provider.clone(), reason: reason.into() }
    }

    /// Returns the error of an answer that was cut off.
    pub fn cut(&self) -> Error {
        Error::Truncated { provider: self.provider.clone() }
    }

    /// Returns a refusal that stands in the answer, with the request's id.
    pub fn refused(&self, refusal: Refusal) -> Error {
        let request_id = refusal.request_id.clone().or_else(|| self.request_id.clone());
        Refusal { request_id, ..refusal }.into()
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when it is none.
    pub fn json(&self, bytes: &[u8]) -> Result<Value> {
        serde_json::from_slice(bytes).map_err(|error| self.malformed(error.to_string()))
    }
}
