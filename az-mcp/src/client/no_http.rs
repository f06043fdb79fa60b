//! Stands in for HTTP where it is not built in.

use tokio::io::{Empty, Sink};

use super::limits::Limits;
use super::options::HttpServer;

/// An HTTP client; there is none without the feature `client-http`.
#[derive(Debug, Clone)]
pub enum HttpClient {}

/// Returns no transport, because no server has a client.
pub(super) const fn connect(server: &HttpServer, _: Limits) -> Result<(Empty, Sink), String> {
    match server.client {}
}
