//! Embedders with simulated servers.

mod conformance;
mod paid;
mod recorded;
mod trouble;

use az_ai::embed::{EmbedBilling, EmbedModel, EmbedWire, WireEmbedder};
use az_ai::key::ApiKey;
use az_ai::provider::Endpoint;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_core::call::RetryPolicy;

const KEY: &str = "sk-very-secret";

async fn connect(
    url: &str,
    wire: impl EmbedWire,
    model: EmbedModel,
) -> az_core::Result<WireEmbedder> {
    let books = EmbedBilling::priced_as("ollama").with_retry(RetryPolicy::never());
    let endpoint = Endpoint::new("test", url).with_api_key(ApiKey::new(KEY));
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    WireEmbedder::connect(endpoint, wire, model, http, books).await
}
