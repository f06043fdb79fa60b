//! Streamable HTTP.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::limits::Limits;
use super::options::HttpServer;

/// Creates a client, or says why it cannot.
type Create = dyn Fn() -> Result<reqwest::Client, String> + Send + Sync;

/// The HTTP client that the requests are made with: proxies, certificates and time limits are its own.
#[derive(Clone)]
pub struct HttpClient {
    create: Arc<Create>,
    created: Arc<OnceLock<reqwest::Client>>,
}

impl HttpClient {
    /// Returns a client that is created when it is first needed.
    pub fn when_needed(
        create: impl Fn() -> Result<reqwest::Client, String> + Send + Sync + 'static,
    ) -> Self {
        Self { create: Arc::new(create), created: Arc::default() }
    }

    fn get(&self) -> Result<reqwest::Client, String> {
        match self.created.get() {
            Some(client) => Ok(client.clone()),
            None => {
                let client = (self.create)()?;
                Ok(self.created.get_or_init(|| client).clone())
            }
        }
    }
}

impl From<reqwest::Client> for HttpClient {
    fn from(client: reqwest::Client) -> Self {
        Self::when_needed(move || Ok(client.clone()))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("created", &self.created).finish_non_exhaustive()
    }
}

/// Returns the transport of a server.
///
/// # Errors
///
/// A header that HTTP does not allow, whose value is not quoted, or a client that cannot be created.
pub(super) fn connect(
    server: &HttpServer,
    limits: Limits,
) -> Result<StreamableHttpClientTransport<reqwest::Client>, String> {
    let mut headers = HashMap::new();
    for (name, value) in &server.headers {
        let wrong =
            |what: &str| format!("the {what} of the header {name:?} is not allowed in HTTP");
        let parsed: HeaderName = name.parse().map_err(|_| wrong("name"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong("value"))?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    let config = StreamableHttpClientTransportConfig::with_uri(server.url.as_str())
        .custom_headers(headers)
        .max_sse_event_size(limits.message_bytes)
        .max_json_response_size(limits.message_bytes);
    Ok(StreamableHttpClientTransport::with_client(server.client.get()?, config))
}
