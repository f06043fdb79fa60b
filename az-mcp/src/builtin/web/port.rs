//! The port to an HTTP client.

use std::fmt;

use async_trait::async_trait;
use url::Url;

/// The most that is read of a body, in bytes.
pub const LARGEST_BODY: usize = 4 << 20;

/// Gets pages for `web.fetch`.
///
/// # Contract
///
/// 1. It connects to addresses of the public Internet only: to those that were checked, whatever a name server
///    answers afterwards, and to none of a host of which another address is not public. Or it connects to a proxy that
///    a person has configured, which finds the addresses of names then.
/// 2. A redirection is a response as any other, and is not followed.
/// 3. It sends no cookies and no credentials to the server of the page.
/// 4. It reads at most [`LARGEST_BODY`] bytes of a body after decompression, and says if there are more.
#[async_trait]
pub trait WebClient: fmt::Debug + Send + Sync + 'static {
    /// Gets a page. The address is of `http` or `https`, and has no user and no fragment.
    ///
    /// # Errors
    ///
    /// The reason why there is no response.
    async fn get(&self, url: &Url) -> Result<WebResponse, String>;
}

/// A response to a request for a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebResponse {
    /// The status.
    pub status: u16,
    /// The header `Content-Type`; empty if there is none.
    pub content_type: String,
    /// The header `Location`, if there is one.
    pub location: Option<String>,
    /// The body, up to the limit.
    pub body: Vec<u8>,
    /// Whether the body is longer.
    pub is_cut: bool,
}
