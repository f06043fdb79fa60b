//! Serving clients over streamable HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::WWW_AUTHENTICATE;
use ::http::{HeaderValue, Request, Response, StatusCode};
use az_core::{CancellationToken, Result};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::McpServer;
use super::token::TokenDigest;

/// The limits of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// The longest body of a request, in bytes.
    pub body: usize,
    /// How long a client may take to send the head of a request, and how long a connection may be idle.
    pub head: Duration,
    /// How long a client may take to send a body.
    pub body_time: Duration,
    /// How many connections there are at once; further ones wait.
    pub connections: usize,
    /// How long open connections may go on after a stop.
    pub grace: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            head: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            connections: 256,
            grace: Duration::from_secs(5),
        }
    }
}

type Service = StreamableHttpService<McpServer, LocalSessionManager>;
type Body = http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>;

/// A server for clients over streamable HTTP. Each client has a token, and a server of its own: what it may
/// do, and its sessions.
///
/// A request without one of the tokens is answered with 401, before anything else of it is read. A `Host`
/// that is not one of the server's, and every `Origin`, are refused.
pub struct HttpServer {
    clients: Vec<(TokenDigest, McpServer)>,
    hosts: Vec<String>,
    limits: HttpLimits,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer")
            .field("clients", &self.clients.len())
            .field("hosts", &self.hosts)
            .field("limits", &self.limits)
            .finish()
    }
}

impl HttpServer {
    /// Creates a server without clients, whose hosts are the names of this machine for itself.
    pub fn new() -> Self {
        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        Self { clients: Vec::new(), hosts, limits: HttpLimits::default() }
    }

    /// Adds a client, which has this token.
    #[must_use]
    pub fn with_client(mut self, token: &str, server: McpServer) -> Self {
        self.clients.push((TokenDigest::of(token), server));
        self
    }

    /// Adds a host that requests may name, with or without a port.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Sets the limits of connections.
    #[must_use]
    pub const fn with_limits(mut self, limits: HttpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves until `stop` is cancelled. Calls are cancelled then, and what they have left running is ended.
    ///
    /// # Errors
    ///
    /// The toolboxes', if processes are left.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<()> {
        let services = self.clients.iter().map(|(token, server)| {
            (token.clone(), service(server.clone(), self.hosts.clone(), &self.limits, &stop))
        });
        let door = Arc::new(Door { services: services.collect(), limits: self.limits });
        accept(&listener, &door, &stop).await;
        let mut ended = Ok(());
        for (_, server) in &self.clients {
            ended = ended.and(server.end_background().await);
        }
        ended
    }
}

impl Default for HttpServer {
    fn default() -> Self {
        Self::new()
    }
}

fn service(
    server: McpServer,
    hosts: Vec<String>,
    limits: &HttpLimits,
    stop: &CancellationToken,
) -> Service {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .enforce_origin_validation()
        .with_max_request_body_bytes(limits.body)
        .with_cancellation_token(stop.child_token());
    StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), config)
}

/// Accepts connections until the stop, and waits for those that are open.
#[expect(clippy::disallowed_methods, reason = "the wait for files and connections is real time")]
async fn accept(listener: &TcpListener, door: &Arc<Door>, stop: &CancellationToken) {
    let slots = Arc::new(Semaphore::new(door.limits.connections));
    let mut open = JoinSet::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            _ = open.join_next(), if !open.is_empty() => continue,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (door, stop) = (Arc::clone(door), stop.clone());
                open.spawn(async move {
                    connection(stream, door, stop).await;
                    drop(slot);
                });
            }
            // The process may have no files left; others are closed soon.
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    let all = async { while open.join_next().await.is_some() {} };
    // What is still open then is closed with the set.
    tokio::time::timeout(door.limits.grace, all).await.ok();
}

async fn connection(stream: TcpStream, door: Arc<Door>, stop: CancellationToken) {
    // Otherwise an answer in several parts waits for the acknowledgement of the first one.
    stream.set_nodelay(true).ok();
    let limit = door.limits.head;
    let answer = service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, std::convert::Infallible>(door.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limit).max_headers(64);
    let serving = builder.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Lets requests with a token in.
struct Door {
    services: Vec<(TokenDigest, Service)>,
    limits: HttpLimits,
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(service) = self.service_of(&request) else { return unauthorized() };
        let (head, body) = request.into_parts();
        let reading = Limited::new(body, self.limits.body).collect();
        match tokio::time::timeout(self.limits.body_time, reading).await {
            Ok(Ok(body)) => {
                service.handle(Request::from_parts(head, Full::new(body.to_bytes()))).await
            }
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
            }
            Ok(Err(_)) => refused(StatusCode::BAD_REQUEST, "the body could not be read"),
            Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
        }
    }

    /// Returns the service of the client whose token a request has. All tokens are compared, so that the
    /// time does not tell which one it was.
    fn service_of(&self, request: &Request<Incoming>) -> Option<&Service> {
        let token = TokenDigest::of_request(request.headers())?;
        let mut found = None;
        for (own, service) in &self.services {
            if own.is(&token) {
                found = Some(service);
            }
        }
        found
    }
}

fn unauthorized() -> Response<Body> {
    let mut response = refused(StatusCode::UNAUTHORIZED, "a token is required");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Returns an answer after which the connection is closed, since the body may not have been read.
fn refused(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(::http::header::CONNECTION, HeaderValue::from_static("close"));
    response
}
