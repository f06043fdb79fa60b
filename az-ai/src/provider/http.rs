//! What all wires over HTTP share: one pooled client, and what its errors mean.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::redirect;
use serde_json::Value;

use super::limits;
use super::wire::Auth;
use crate::chat::RateLimits;
use crate::error::{Error, Result};
use crate::key::ApiKey;

/// The most that an answer which comes whole may have, in bytes.
const LARGEST: usize = 64 << 20;

/// How connections are made and given up.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long nothing may come. An answer as a whole may take as long as it likes.
    pub idle_timeout: Duration,
    /// A proxy for all requests, such as `http://user:password@host:3128`.
    pub proxy: Option<String>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            // A model that thinks says nothing, and an answer that is not streamed comes at once.
            idle_timeout: Duration::from_secs(300),
            proxy: None,
        }
    }
}

/// Does not show the proxy, whose address may hold a password.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}

/// A pooled HTTP client. Cloning it shares its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
}

impl HttpClient {
    /// Returns a client.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] for a malformed proxy, or when TLS cannot be set up.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let setup = |error: reqwest::Error| Error::Setup {
            provider: "http".to_owned(),
            reason: describe(&error.without_url()),
        };
        let mut builder = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.idle_timeout)
            .tcp_nodelay(true)
            // A key must not follow a redirect, and no provider's API redirects.
            .redirect(redirect::Policy::none())
            // The environment is read in one place, which is not here.
            .no_proxy()
            .user_agent(concat!("az/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &options.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(setup)?);
        }
        let client = builder.build().map_err(setup)?;
        Ok(Self { client })
    }

    /// Posts JSON, and returns the answer once its head is there, whatever its status.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] when nothing was sent, [`Error::Broken`] when something may have
    /// been, [`Error::Setup`] for a malformed address.
    pub async fn post(&self, url: &str, with: &Credentials<'_>, body: &Value) -> Result<Answer> {
        let mut headers = with.headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = self.client.post(url).headers(headers);
        send(with.provider, request.body(body.to_string())).await
    }

    /// Gets an address, and returns the answer once its head is there, whatever its status.
    ///
    /// # Errors
    ///
    /// Those of [`post`](Self::post).
    pub async fn get(&self, url: &str, with: &Credentials<'_>) -> Result<Answer> {
        send(with.provider, self.client.get(url).headers(with.headers()?)).await
    }
}

async fn send(provider: &str, request: reqwest::RequestBuilder) -> Result<Answer> {
    let response = request.send().await.map_err(|error| failure(provider, error))?;
    Ok(Answer { provider: provider.to_owned(), response })
}

/// Who asks whom: what every request to a provider has.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The provider, for errors.
    pub provider: &'a str,
    /// The key, if the provider wants one.
    pub key: Option<&'a ApiKey>,
    /// How it is shown.
    pub auth: Auth,
    /// Further headers.
    pub headers: &'a [(&'static str, &'static str)],
}

impl Credentials<'_> {
    fn headers(&self) -> Result<HeaderMap> {
        let mut headers: HeaderMap = self
            .headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        if let Some(key) = self.key {
            let (name, value) = match self.auth {
                Auth::Bearer => {
                    (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {}", key.reveal())))
                }
                Auth::Header(name) => {
                    (HeaderName::from_static(name), HeaderValue::try_from(key.reveal()))
                }
            };
            let mut value = value.map_err(|_| Error::Setup {
                provider: self.provider.to_owned(),
                reason: "its key has characters that no key has".to_owned(),
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Answer {
    provider: String,
    response: reqwest::Response,
}

impl Answer {
    /// Returns the status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns the provider's id of the request.
    pub fn request_id(&self) -> Option<String> {
        let names = ["x-request-id", "request-id", "x-generation-id"];
        names.iter().find_map(|name| self.header(name))
    }

    /// Returns how long the provider asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.response.headers())
    }

    /// Returns how much more may be asked.
    pub fn limits(&self) -> RateLimits {
        limits::read(self.response.headers())
    }

    /// Whether the body is one piece of JSON.
    pub fn is_json(&self) -> bool {
        let sort = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        sort.split(';')
            .next()
            .is_some_and(|sort| sort.trim().eq_ignore_ascii_case("application/json"))
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    }

    /// Returns the next piece of the body, or nothing at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] when the connection ends before the body does, or is silent for too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| failure(&self.provider, error))
    }

    /// Returns the whole body.
    ///
    /// # Errors
    ///
    /// Those of [`chunk`](Self::chunk), and [`Error::Malformed`] when there is no end to it.
    pub async fn body(mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err(Error::Malformed {
                    provider: self.provider,
                    reason: format!("it is larger than {LARGEST} bytes"),
                });
            }
        }
        Ok(body)
    }
}

/// Says what a failed exchange means. Addresses are left out: they may hold a password.
fn failure(provider: &str, error: reqwest::Error) -> Error {
    let provider = provider.to_owned();
    let error = error.without_url();
    if error.is_builder() {
        return Error::Setup {
            provider,
            reason: format!("its address is malformed: {}", describe(&error)),
        };
    }
    let source = describe(&error).into();
    if error.is_connect() {
        return Error::Unreachable { provider, source };
    }
    Error::Broken { provider, source }
}

/// Returns the innermost cause, which is the one that says something.
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

/// Reads how long to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. A date is
/// compared with the answer's own, so that our clock does not matter.
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
    fn every_way_of_asking_for_patience_is_understood() {
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
