//! Embedders in front of servers.

mod conformance;
mod recorded;
mod trouble;

use az_ai::embed::{EmbedModel, EmbedWire, WireEmbedder};
use az_ai::error::Result;
use az_ai::key::ApiKey;
use az_ai::provider::Endpoint;
use az_ai::provider::http::{HttpClient, HttpOptions};

const KEY: &str = "sk-very-secret";

async fn connect(url: &str, wire: impl EmbedWire, model: EmbedModel) -> Result<WireEmbedder> {
    let endpoint = Endpoint::new("test", url).with_api_key(ApiKey::new(KEY));
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    WireEmbedder::connect(endpoint, wire, model, http).await
}
