//! One embedder for all wires: splits texts into requests, sends them and checks the vectors.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use az_core::Usd;
use az_core::call::{
    Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, Restart, call_with_retries,
};
use az_core::cost::{Charge, CostEstimate, Usage};
use az_core::embed::{Embedder, Embeddings};
use az_core::journal::ModelReply;
use serde_json::Value;

use super::billing::{self, EmbedBilling};
use super::model::{Dimensions, EmbedModel};
use super::vectors;
use super::wire::{EmbedResponse, EmbedWire};
use crate::charge;
use crate::error::{Error, Refusal, Result};
use crate::provider::Endpoint;
use crate::provider::http::{Credentials, HttpClient};
use crate::provider::json::error_of;

/// The text that is embedded to determine the dimensions.
const PROBE: &str = "How long is a vector?";

/// An [`Embedder`] that uses a provider's API.
///
/// The id consists of provider, model and dimensions, because vectors of different ones cannot be
/// compared. Every request is held, booked and retried on the account of its [`EmbedBilling`].
pub struct WireEmbedder {
    sender: Sender,
    id: String,
    dimensions: usize,
}

struct Sender {
    endpoint: Endpoint,
    wire: Box<dyn EmbedWire>,
    model: EmbedModel,
    http: HttpClient,
    books: EmbedBilling,
}

impl fmt::Debug for WireEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sender { endpoint, wire, books, .. } = &self.sender;
        f.debug_struct("WireEmbedder")
            .field("model", &self.id)
            .field("endpoint", endpoint)
            .field("wire", wire)
            .field("books", books)
            .finish()
    }
}

impl WireEmbedder {
    /// Creates an embedder that shares the connections of `http`. Unless the model's dimensions are
    /// known, they are determined with one request, which is booked like any other.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the address is not `http://…` or `https://…`, or vectors would have no
    /// dimensions; otherwise those of the request.
    pub async fn connect(
        endpoint: Endpoint,
        wire: impl EmbedWire,
        model: EmbedModel,
        http: HttpClient,
        books: EmbedBilling,
    ) -> az_core::Result<Self> {
        let endpoint = endpoint.checked()?;
        let sender = Sender { endpoint, wire: Box::new(wire), model, http, books };
        let dimensions = match sender.model.length {
            Dimensions::Known(dimensions) | Dimensions::Requested(dimensions) => dimensions,
            Dimensions::Unknown => {
                let (vectors, _) = sender.send(&[PROBE]).await?;
                vectors.first().map_or(0, Vec::len)
            }
        };
        let provider = sender.endpoint.provider.clone();
        if dimensions == 0 {
            let reason = format!("vectors of {} have no dimensions", sender.model.name);
            return Err(Error::Setup { provider, reason }.into());
        }
        let id = format!("{provider}/{}@{dimensions}", sender.model.name);
        Ok(Self { sender, id, dimensions })
    }
}

#[async_trait]
impl Embedder for WireEmbedder {
    fn model(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn estimate_cost(&self, texts: &[String]) -> CostEstimate {
        self.sender.books.estimate(&self.sender.model.name, &sent(texts))
    }

    async fn embed(&self, texts: &[String]) -> az_core::Result<Embeddings> {
        let texts = sent(texts);
        let mut all = Vec::with_capacity(texts.len());
        let mut charge =
            Charge::new(Usage::default(), Some(Usd::ZERO)).with_computed(Some(Usd::ZERO));
        for batch in vectors::batches(&texts, self.sender.wire.limits()) {
            let (made, more) = self.sender.send(batch).await?;
            let measured = vectors::measure(&made, self.dimensions);
            measured.map_err(|reason| self.sender.malformed(reason))?;
            charge = billing::add(&charge, &more);
            all.extend(made);
        }
        Ok(Embeddings::new(all, charge))
    }
}

/// Returns texts as they are sent: providers refuse an empty text, so a blank is sent instead.
fn sent(texts: &[String]) -> Vec<&str> {
    texts.iter().map(|text| if text.is_empty() { " " } else { text }).collect()
}

impl Sender {
    /// Embeds texts with one request, which is held, booked and retried.
    async fn send(&self, texts: &[&str]) -> az_core::Result<(Vec<Vec<f32>>, Charge)> {
        let estimate = self.books.estimate(&self.model.name, texts);
        let request = ModelRequest::new(&self.endpoint.provider, &self.model.name)
            .with_estimate(estimate.max_cost, estimate.input_tokens);
        let effect = EmbedEffect { sender: self, texts, vectors: Mutex::default() };
        let mut account = self.books.account();
        let policy = account.retry_policy();
        let completion = call_with_retries(&mut *account, &request, &effect, policy).await?;
        let vectors = effect.vectors.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((vectors, completion.charge))
    }

    /// Posts one request; there are as many vectors as texts.
    async fn post(&self, texts: &[&str]) -> Result<EmbedResponse> {
        let call = self.wire.call(&self.model.name, texts, self.model.asked());
        let url = format!("{}{}", self.endpoint.base_url, call.path);
        let credentials = self.credentials();
        let answer = self.http.post(&url, &credentials, &call.body).await?;
        let read = |status, body: &[u8]| self.wire.refusal(&self.endpoint.provider, status, body);
        let answer = credentials.accept(answer, read).await?;
        let request_id = answer.request_id();
        let body = answer.body().await?;
        let response = self.wire.response(&body).map_err(|reason| match self.inside(&body) {
            Some(refusal) => credentials.clean(Refusal { request_id, ..refusal }.into()),
            None => credentials.clean(self.malformed(reason)),
        })?;
        if response.vectors.len() != texts.len() {
            let (made, texts) = (response.vectors.len(), texts.len());
            return Err(self.malformed(format!("{made} vectors for {texts} texts")));
        }
        Ok(response)
    }

    /// Reads an error in the body of a successful response; the code is its real status.
    fn inside(&self, body: &[u8]) -> Option<Refusal> {
        let json: Value = serde_json::from_slice(body).ok()?;
        let error = error_of(&json)?;
        let code = error.get("code").and_then(Value::as_u64);
        let status = code.and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
        let refusal = self.wire.refusal(&self.endpoint.provider, status, body);
        Some(Refusal { status: None, ..refusal })
    }

    fn credentials(&self) -> Credentials<'_> {
        Credentials {
            provider: &self.endpoint.provider,
            key: self.endpoint.api_key.as_ref(),
            auth: self.wire.auth(),
            headers: &[],
        }
    }

    fn malformed(&self, reason: String) -> Error {
        Error::Malformed { provider: self.endpoint.provider.clone(), reason }
    }
}

/// One request for vectors, as an effect on an account.
struct EmbedEffect<'a> {
    sender: &'a Sender,
    texts: &'a [&'a str],
    /// The vectors, which an account does not pass on.
    vectors: Mutex<Vec<Vec<f32>>>,
}

impl fmt::Debug for EmbedEffect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbedEffect").field("texts", &self.texts.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelEffect for EmbedEffect<'_> {
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        let response = match self.sender.post(self.texts).await {
            Ok(response) => response,
            Err(error) => return Err(charge::failure(&error)),
        };
        let charge = self.sender.books.charge(&self.sender.model.name, self.texts, &response);
        meter.note(charge.clone());
        *self.vectors.lock().unwrap_or_else(PoisonError::into_inner) = response.vectors;
        Ok(ModelCompletion { reply: ModelReply::default(), charge })
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}
