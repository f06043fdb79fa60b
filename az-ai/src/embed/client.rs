//! One embedder for all wires: it splits, sends, and measures what comes back.

use std::fmt;

use async_trait::async_trait;
use az_core::embed::Embedder;
use serde_json::Value;

use super::model::{EmbedModel, Length};
use super::vectors;
use super::wire::EmbedWire;
use crate::error::{Error, Refusal, Result};
use crate::provider::Endpoint;
use crate::provider::http::{Credentials, HttpClient};

/// What is embedded to see how long vectors are.
const PROBE: &str = "How long is a vector?";

/// Makes vectors through a provider's API.
///
/// What it calls itself names provider, model and dimensions: vectors of different ones cannot be
/// compared. What the vectors cost is told to nobody, because [`Embedder`] has no place for it.
pub struct WireEmbedder {
    asking: Asking,
    id: String,
    dimensions: usize,
}

struct Asking {
    endpoint: Endpoint,
    wire: Box<dyn EmbedWire>,
    model: EmbedModel,
    http: HttpClient,
}

impl fmt::Debug for WireEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asking { endpoint, wire, .. } = &self.asking;
        f.debug_struct("WireEmbedder")
            .field("model", &self.id)
            .field("endpoint", endpoint)
            .field("wire", wire)
            .finish()
    }
}

impl WireEmbedder {
    /// Returns an embedder that shares `http`'s connections. How long vectors are is asked once,
    /// with a request, unless the model says it.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the address is not `http://…` or `https://…`, or vectors are to have
    /// no dimension; when they have to be asked for, whatever kept them from coming.
    pub async fn connect(
        endpoint: Endpoint,
        wire: impl EmbedWire,
        model: EmbedModel,
        http: HttpClient,
    ) -> Result<Self> {
        let asking = Asking { endpoint: endpoint.checked()?, wire: Box::new(wire), model, http };
        let dimensions = match asking.model.length {
            Length::Known(dimensions) | Length::Asked(dimensions) => dimensions,
            Length::Unknown => asking.post(&[PROBE]).await?.first().map_or(0, Vec::len),
        };
        let provider = asking.endpoint.provider.clone();
        if dimensions == 0 {
            let reason = format!("vectors of {} have no dimensions", asking.model.name);
            return Err(Error::Setup { provider, reason });
        }
        let id = format!("{provider}/{}@{dimensions}", asking.model.name);
        Ok(Self { asking, id, dimensions })
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

    async fn embed(&self, texts: &[String]) -> az_core::Result<Vec<Vec<f32>>> {
        // Providers refuse an empty text, and it has to have a vector.
        let texts: Vec<&str> =
            texts.iter().map(|text| if text.is_empty() { " " } else { text }).collect();
        let mut all = Vec::with_capacity(texts.len());
        for batch in vectors::batches(&texts, self.asking.wire.limits()) {
            let made = self.asking.post(batch).await?;
            let measured = vectors::measure(&made, self.dimensions);
            measured.map_err(|reason| self.asking.malformed(reason))?;
            all.extend(made);
        }
        Ok(all)
    }
}

impl Asking {
    /// Embeds texts with one request; there are as many vectors as texts.
    async fn post(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let call = self.wire.call(&self.model.name, texts, self.model.asked());
        let url = format!("{}{}", self.endpoint.base_url, call.path);
        let credentials = self.credentials();
        let answer = self.http.post(&url, &credentials, &call.body).await?;
        let read = |status, body: &[u8]| self.wire.refusal(&self.endpoint.provider, status, body);
        let answer = credentials.accept(answer, read).await?;
        let request_id = answer.request_id();
        let body = answer.body().await?;
        let made = self.wire.vectors(&body).map_err(|reason| match self.inside(&body) {
            Some(refusal) => credentials.clean(Refusal { request_id, ..refusal }.into()),
            None => credentials.clean(self.malformed(reason)),
        })?;
        if made.len() != texts.len() {
            let (made, texts) = (made.len(), texts.len());
            return Err(self.malformed(format!("{made} vectors for {texts} texts")));
        }
        Ok(made)
    }

    /// Reads an error that stands in a successful answer; its number is a status that was not sent.
    fn inside(&self, body: &[u8]) -> Option<Refusal> {
        let json: Value = serde_json::from_slice(body).ok()?;
        let error = json.get("error").filter(|error| !error.is_null())?;
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
