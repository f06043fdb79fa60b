//! The contract of the translation to a provider's API.

use std::fmt;

use az_core::ErrorKind;
use serde_json::Value;

use crate::chat::{ChatEvent, ChatReply, ChatRequest};
use crate::client::Parameter;
use crate::error::{Error, Refusal, Result};
use crate::provider::json::web_page;
use crate::provider::listing::ListedModel;
use crate::provider::refused::too_large;
use crate::provider::reported::ReportedUsage;
use crate::provider::tool_names::ToolNames;
use crate::surrogates;

/// Translates between our types and one provider's API: requests to bodies, bodies to replies.
/// Performs no I/O; [`WireClient`](super::client::WireClient) sends the requests.
///
/// # Contract
///
/// 1. It is deterministic: the same request gives the same body, the same bytes the same reply.
/// 2. Unknown fields of a response are ignored; a missing field that is needed makes the response
///    `Malformed`.
/// 3. An error in a successful response is an error.
/// 4. A turn of the model in a later request contains everything that the provider needs from it.
///    Replay data of another provider is ignored.
/// 5. Tools have the names of [`Answered::names`] on the wire, and their own names in replies.
/// 6. [`adapt`](Self::adapt) removes or renames the fields of rejected parameters that only the API has, and
///    lowers the size of the context in the body to the window. It changes nothing else.
pub trait Wire: fmt::Debug + Send + Sync + 'static {
    /// Returns the form of the authentication.
    fn auth(&self) -> Auth;

    /// Returns additional headers of every request.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Returns the request to send.
    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> WireRequest;

    /// Changes the body of a request according to what was learned about its model: the parameters that
    /// it rejects, and its context window. Parameters of [`ChatRequest`] are left out of it before.
    fn adapt(&self, _body: &mut Value, _rejected: &[Parameter], _window: Option<u64>) {}

    /// Decodes a complete response.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], or the error in the response.
    fn reply(&self, body: &[u8], answered: Answered) -> Result<ChatReply>;

    /// Returns a decoder for a streamed response.
    fn decoder(&self, answered: Answered) -> Box<dyn StreamDecoder>;

    /// Adds the usage in a reply, or in a piece of a streamed one, to what was reported before.
    fn note_usage(&self, json: &Value, reported: &mut ReportedUsage);

    /// Decodes an error response.
    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal;

    /// Returns the path of the provider's list of models.
    fn models_path(&self) -> &'static str;

    /// Decodes a list of models.
    ///
    /// # Errors
    ///
    /// The reason why the list is invalid.
    fn models(&self, body: &[u8]) -> Result<Vec<ListedModel>, serde_json::Error>;

    /// Returns where servers that speak this API describe a model.
    fn descriptions(&self) -> Descriptions {
        Descriptions::None
    }
}

/// Decodes a streamed response.
///
/// # Contract
///
/// 1. The split of the bytes into pieces makes no difference.
/// 2. The deltas add up to the reply in `Finished`, which comes last.
/// 3. A reply is complete with the provider's final event or field, or when its finish reason came
///    and the bytes end. Bytes that end before both are truncated.
/// 4. [`reported`](Self::reported) has all usage in the bytes so far, also after an error.
pub trait StreamDecoder: fmt::Debug + Send {
    /// Adds bytes; returns the completed events. It is not called after `Finished`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], or the error in the stream.
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>>;

    /// Handles the end of the bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] when the reply is not complete, [`Error::Malformed`] when the bytes are
    /// not a stream.
    fn finish(&mut self) -> Result<Vec<ChatEvent>>;

    /// Whether the finish reason came, so that the reply is complete if the bytes end here. Only
    /// usage and an end marker may follow.
    fn is_ending(&self) -> bool;

    /// Returns the usage that the provider has reported so far.
    fn reported(&self) -> &ReportedUsage;
}

/// Where servers that speak an API describe a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptions {
    /// Nowhere that is of use.
    None,
    /// In the list of models, and on pages of their own: `/props` of llama.cpp, `/api/show` of
    /// Ollama.
    Listing,
    /// On the page `/api/show` of Ollama.
    Ollama,
}

/// The form of the authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// As `Authorization: Bearer …`.
    Bearer,
    /// In a header of this name, in lower case.
    Header(&'static str),
}

/// The delivery of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As one response.
    Whole,
    /// As a stream.
    Streamed,
}

/// A request to send.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WireRequest {
    /// The path, relative to the endpoint's address, such as `/chat/completions`.
    pub path: String,
    /// The body.
    pub body: Value,
    /// Headers of this request, beside those of every request. The names are in lower case.
    pub headers: Vec<(&'static str, String)>,
}

impl WireRequest {
    /// Creates a request without headers of its own.
    pub fn new(path: impl Into<String>, body: Value) -> Self {
        Self { path: path.into(), body, headers: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The context of a response.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// The provider, for errors.
    pub provider: String,
    /// The requested model.
    pub model: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The names of the request's tools on the wire.
    pub names: ToolNames,
}

impl Answered {
    /// Returns the error of an invalid response.
    pub fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::Malformed { provider: self.provider.clone(), reason: reason.into() }
    }

    /// Returns the error of a truncated response.
    pub fn cut(&self) -> Error {
        Error::Truncated { provider: self.provider.clone() }
    }

    /// Returns a refusal in a response, with the request's id.
    pub fn refused(&self, refusal: Refusal) -> Error {
        let request_id = refusal.request_id.clone().or_else(|| self.request_id.clone());
        Refusal { request_id, ..refusal }.into()
    }

    /// Returns the error of a body that is a web page, which no further attempt changes; `None` for any
    /// other body.
    pub(super) fn web_page(&self, body: &[u8]) -> Option<Error> {
        let message = format!(
            "the response is {} instead of a reply; check the base URL, and whether a proxy or a \
             login page is in between",
            web_page(body)?
        );
        // The page is not that of a model.
        let refusal = Refusal::new(&self.provider, ErrorKind::Config, message);
        Some(self.refused(Refusal { is_free: true, ..refusal }))
    }

    /// Returns the error of a response that is larger than is read, which no further attempt changes.
    pub(super) fn too_large(&self, reason: &str) -> Error {
        self.refused(too_large(&self.provider, reason))
    }

    /// Parses JSON. Surrogates that are not in pairs are accepted.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when it is invalid; [`Error::Refused`] when it is a web page.
    pub fn json(&self, bytes: &[u8]) -> Result<Value> {
        surrogates::parse(bytes).map_err(|error| {
            self.web_page(bytes).unwrap_or_else(|| self.malformed(error.to_string()))
        })
    }
}
