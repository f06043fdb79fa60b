//! The pooled HTTP client of all wires, and its errors.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Url, redirect};
use serde_json::Value;

use super::limits;
use super::network::{Network, displayed_url, is_loopback};
use super::refused::too_large;
use super::time_limits::{Deadlines, TimeLimits};
use super::wire::Auth;
use crate::chat::RateLimits;
use crate::config::ProviderConfig;
use crate::error::{Error, Result};
use crate::key::ApiKey;

/// The maximum size of a response that is not streamed, in bytes.
const LARGEST: usize = 64 << 20;

/// Options of the HTTP client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// The timeout of connecting.
    pub connect_timeout: Duration,
    /// The timeout between a request and the beginning of its response.
    pub first_byte_timeout: Duration,
    /// The timeout between two pieces of a response.
    pub idle_timeout: Duration,
    /// The timeout between two events of a streamed response that have content or usage. Heartbeats
    /// do not count.
    pub event_timeout: Duration,
    /// The timeout of a response as a whole.
    pub total_timeout: Duration,
    /// The wait for usage and the end of a stream after its finish reason.
    pub end_wait: Duration,
    /// Proxies and certificates.
    pub network: Network,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            // A reasoning model sends nothing for a long time, and a complete response arrives at
            // once.
            first_byte_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(300),
            event_timeout: Duration::from_secs(600),
            total_timeout: Duration::from_secs(3_600),
            end_wait: Duration::from_secs(3),
            network: Network::default(),
        }
    }
}

/// A pooled HTTP client. Clones share its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    limits: TimeLimits,
    network: Arc<Network>,
}

/// Chooses the cryptography of TLS for all clients of the process, unless it was chosen before. A client that
/// is created without it fails.
pub fn use_cryptography() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// Creates an HTTP client that reads no environment variables, follows no redirect, and asks for no
/// compression; with the network and the limit of connecting of the options, and no other limits.
///
/// # Errors
///
/// [`Error::Setup`] for an invalid proxy or certificate, or when TLS cannot be set up.
pub fn plain_client(options: &HttpOptions) -> Result<reqwest::Client> {
    let setup = |error: reqwest::Error| Error::Setup {
        provider: "http".to_owned(),
        reason: describe(&error.without_url()),
    };
    use_cryptography();
    // A stream that is compressed may be held back, so that no encoding is asked for. What comes
    // compressed nevertheless is decompressed.
    let no_encoding = (ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let builder = reqwest::Client::builder()
        .default_headers(HeaderMap::from_iter([no_encoding]))
        .connect_timeout(options.connect_timeout)
        .tcp_nodelay(true)
        // A key must not follow a redirect; providers' APIs do not redirect.
        .redirect(redirect::Policy::none())
        // Environment variables are read elsewhere, in one place.
        .no_proxy()
        .user_agent(concat!("az/", env!("CARGO_PKG_VERSION")));
    options.network.configure(builder)?.build().map_err(setup)
}

impl HttpClient {
    /// Creates a client.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] for an invalid proxy or certificate, or when TLS cannot be set up.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let network = Arc::new(options.network.clone());
        Ok(Self { client: plain_client(options)?, limits: TimeLimits::new(options), network })
    }

    /// Returns the client with the time limits of an entry; it shares the connections.
    #[must_use]
    pub fn with_limits_of(mut self, entry: &ProviderConfig) -> Self {
        self.limits = self.limits.of_entry(entry);
        self
    }

    /// Sends JSON with POST, and returns the response once its head was received, whatever its
    /// status.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] when nothing was sent, [`Error::Broken`] when something may have
    /// been, [`Error::Setup`] for a malformed address.
    pub async fn post(&self, url: &str, with: &Credentials<'_>, body: &Value) -> Result<Answer> {
        let mut headers = with.headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = self.client.post(url).headers(headers);
        self.send(with.provider, request.body(body.to_string())).await
    }

    /// Sends a GET request, and returns the response once its head was received, whatever its
    /// status.
    ///
    /// # Errors
    ///
    /// Those of [`post`](Self::post).
    pub async fn get(&self, url: &str, with: &Credentials<'_>) -> Result<Answer> {
        self.send(with.provider, self.client.get(url).headers(with.headers()?)).await
    }

    async fn send(&self, provider: &str, request: reqwest::RequestBuilder) -> Result<Answer> {
        let deadlines = self.limits.start();
        let response = deadlines.first_byte(request.send()).await;
        let response = response
            .map_err(|exceeded| exceeded.error(provider))?
            .map_err(|error| failure(provider, error, &self.network))?;
        Ok(Answer { provider: provider.to_owned(), response, deadlines })
    }
}

/// The provider, the key and the headers of a request.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The provider, for errors.
    pub provider: &'a str,
    /// The key, if the provider needs one.
    pub key: Option<&'a ApiKey>,
    /// The form of the authentication.
    pub auth: Auth,
    /// Further headers.
    pub headers: &'a [(&'static str, &'a str)],
}

impl Credentials<'_> {
    fn headers(&self) -> Result<HeaderMap> {
        let invalid = |what: &str| Error::Setup {
            provider: self.provider.to_owned(),
            reason: format!("{what} contains invalid characters"),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(value).map_err(|_| invalid(name))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(key) = self.key {
            let (name, value) = match self.auth {
                Auth::Bearer => {
                    (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {}", key.reveal())))
                }
                Auth::Header(name) => {
                    (HeaderName::from_static(name), HeaderValue::try_from(key.reveal()))
                }
            };
            let mut value = value.map_err(|_| invalid("its key"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// A response whose body was not read yet.
#[derive(Debug)]
pub struct Answer {
    provider: String,
    response: reqwest::Response,
    deadlines: Deadlines,
}

impl Answer {
    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns the provider's id of the request.
    pub fn request_id(&self) -> Option<String> {
        let names = ["x-request-id", "request-id", "x-generation-id"];
        names.iter().find_map(|name| self.header(name))
    }

    /// Returns the wait that the provider asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.response.headers())
    }

    /// Returns the remaining rate limit.
    pub fn limits(&self) -> RateLimits {
        limits::read(self.response.headers())
    }

    /// Whether the body is JSON, as opposed to a stream.
    pub fn is_json(&self) -> bool {
        let sort = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        sort.split(';')
            .next()
            .is_some_and(|sort| sort.trim().eq_ignore_ascii_case("application/json"))
    }

    /// Returns the encoding of the body, which no request asks for.
    pub fn encoding(&self) -> Option<String> {
        let encoding = self.header(CONTENT_ENCODING.as_str())?.trim().to_lowercase();
        (!encoding.is_empty() && encoding != "identity").then_some(encoding)
    }

    /// Returns the address that a redirect names, without what may be secret.
    pub fn location(&self) -> Option<String> {
        self.header(LOCATION.as_str()).map(|location| displayed_url(&location))
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    }

    /// Returns the next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] when the connection ends before the body or times out.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let chunk = self.deadlines.chunk(self.response.chunk()).await;
        // After the finish reason, the body has ended when nothing more comes soon.
        let Some(chunk) = chunk.map_err(|exceeded| exceeded.error(&self.provider))? else {
            return Ok(None);
        };
        chunk.map_err(|error| failure(&self.provider, error, &Network::default()))
    }

    /// Notes that an event with content or usage came, from which the next one is awaited.
    pub(super) fn made_progress(&mut self) {
        self.deadlines.made_progress();
    }

    /// Notes that the finish reason came: the body ends soon, or is not waited for.
    pub(super) fn is_ending(&mut self) {
        self.deadlines.is_ending();
    }

    /// Returns the whole body.
    ///
    /// # Errors
    ///
    /// Those of [`chunk`](Self::chunk), and [`Error::Refused`] when it is too large.
    pub async fn body(mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            self.made_progress();
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                let reason = format!("the response is larger than {LARGEST} bytes");
                return Err(too_large(&self.provider, &reason).into());
            }
        }
        Ok(body)
    }
}

/// Converts a failed exchange to an error. Of the address only scheme, host and port are shown, because
/// the rest may contain a password.
fn failure(provider: &str, error: reqwest::Error, network: &Network) -> Error {
    let provider = provider.to_owned();
    let url = error.url().cloned();
    let error = error.without_url();
    if error.is_builder() {
        return Error::Setup {
            provider,
            reason: format!("its address is malformed: {}", describe(&error)),
        };
    }
    let reason = describe(&error);
    if error.is_connect() && reason.to_lowercase().contains("certificate") {
        let reason = format!(
            "its certificate is not accepted: {reason}; check its address, the clock of this \
             machine, and whether a proxy replaces certificates: network.ca_file adds an authority"
        );
        return Error::Setup { provider, reason };
    }
    match url {
        Some(url) if error.is_connect() => not_reachable(provider, &url, &reason, network),
        _ if error.is_connect() => Error::Unreachable { provider, source: reason.into() },
        _ => Error::Broken { provider, source: reason.into() },
    }
}

/// Returns the error of an address that no connection can be made to.
fn not_reachable(provider: String, url: &Url, reason: &str, network: &Network) -> Error {
    let server = url.origin().ascii_serialization();
    let host = url.host_str().unwrap_or_default();
    if is_loopback(host) {
        let source = format!("nothing listens there ({reason}); start it, or check its address");
        return Error::Unreachable {
            provider: format!("the server at {server}"),
            source: source.into(),
        };
    }
    let source = match network.proxy_setting(url) {
        None => format!("{server}: {reason}"),
        Some(setting) => format!(
            "{server}: {reason}; it is reached through the proxy that {setting} names, unless \
             NO_PROXY or network.no_proxy lists {host}"
        ),
    };
    Error::Unreachable { provider, source: source.into() }
}

/// Returns the innermost cause, which is the most specific.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Parses the wait: `retry-after-ms`, or `retry-after` in seconds or as a date. A date is compared
/// with that of the response, so the local clock does not matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok());
    if let Some(wait) = millis.and_then(|millis| positive(millis / 1000.0)) {
        return Some(wait);
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse::<f64>() {
        return positive(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(text(DATE.as_str())?).ok()?;
    let since = |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).ok();
    Some(since(until)?.saturating_sub(since(now)?))
}

fn positive(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderMap;

    #[test]
    fn every_form_of_retry_after_is_parsed() {
        let wait = |pairs: &[(&'static str, &str)]| {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            super::retry_after(&headers).map(|wait| wait.as_millis())
        };
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "2")]), Some(2000));
        assert_eq!(wait(&[("retry-after", "0.5")]), Some(500));
        assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "9")]), Some(250));
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", date)]), None);
        let now = ("date", "Wed, 21 Oct 2026 07:27:30 GMT");
        assert_eq!(wait(&[("retry-after", date), now]), Some(30_000));
        let past = ("date", "Wed, 21 Oct 2026 07:29:00 GMT");
        assert_eq!(wait(&[("retry-after", date), past]), Some(0));
        assert_eq!(
            wait(&[("retry-after", "1e30")]),
            None,
            "longer than {:?} is no wait",
            Duration::MAX
        );
    }
}
