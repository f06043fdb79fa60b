//! The server over HTTP, by the bytes of requests.

use std::sync::Arc;
use std::time::Duration;

use az_core::{CancellationToken, Result};
use az_mcp::server::{HttpLimits, HttpServer, McpServer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::tools;

const TOKEN: &str = "the-token";

struct Server {
    port: u16,
    stop: CancellationToken,
    served: JoinHandle<Result<()>>,
}

impl Server {
    async fn start(limits: HttpLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let server = HttpServer::new()
            .with_client("another-token", McpServer::new(Arc::new(az_core::tool::NoTools)))
            .with_client(TOKEN, McpServer::new(Arc::new(tools())))
            .with_limits(limits);
        let served = tokio::spawn(server.serve(listener, stop.clone()));
        Self { port, stop, served }
    }

    /// Sends bytes, and returns all that comes until the server closes the connection.
    async fn send(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        // The server may close the connection before it has read all.
        stream.write_all(bytes).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8(answer).unwrap()
    }

    /// Sends the request of a list of tools with these headers instead of the usual ones.
    async fn list(&self, host: &str, headers: &str) -> String {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params});
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: tools/list\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        self.send(request.as_bytes()).await
    }
}

fn bearer() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

fn status(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

#[tokio::test]
async fn a_client_with_the_token_gets_its_tools() {
    let server = Server::start(HttpLimits::default()).await;
    let answer = server.list("127.0.0.1", &bearer()).await;
    assert_eq!(status(&answer), "HTTP/1.1 200 OK", "{answer}");
    assert!(answer.contains("test.echo"), "{answer}");
    let other = server.list("127.0.0.1", "Authorization: Bearer another-token\r\n").await;
    assert_eq!(status(&other), "HTTP/1.1 200 OK", "{other}");
    assert!(!other.contains("test.echo"), "{other}");
    server.stop.cancel();
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_without_a_token_learns_nothing() {
    let server = Server::start(HttpLimits::default()).await;
    let without = server.list("127.0.0.1", "").await;
    for headers in [
        "Authorization: Bearer \r\n",
        "Authorization: Bearer the-toke\r\n",
        "Authorization: Basic the-token\r\n",
    ] {
        let answer = server.list("127.0.0.1", headers).await;
        let without_date = |answer: &str| {
            answer.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(without_date(&answer), without_date(&without));
    }
    assert_eq!(status(&without), "HTTP/1.1 401 Unauthorized");
    assert!(without.contains("www-authenticate: Bearer\r\n"), "{without}");
    assert!(without.ends_with("\r\n\r\na token is required"), "{without}");
}

#[tokio::test]
async fn other_hosts_and_every_origin_are_refused() {
    let server = Server::start(HttpLimits::default()).await;
    let answer = server.list("evil.example", &bearer()).await;
    assert_eq!(status(&answer), "HTTP/1.1 403 Forbidden", "{answer}");
    let headers = bearer() + "Origin: https://evil.example\r\n";
    let answer = server.list("127.0.0.1", &headers).await;
    assert_eq!(status(&answer), "HTTP/1.1 403 Forbidden", "{answer}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let limits = HttpLimits::default();
    let server = Server::start(limits).await;
    let head = format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{}", bearer());
    let announced = format!("{head}Content-Length: 104857600\r\n\r\n");
    let mut bytes = announced.into_bytes();
    bytes.resize(bytes.len() + limits.body + 1, b' ');
    let answer = server.send(&bytes).await;
    // The connection may be reset before the answer is read.
    assert!(["HTTP/1.1 413 Payload Too Large", ""].contains(&status(&answer)), "{answer}");
    let answer = server.list("127.0.0.1", &bearer()).await;
    assert_eq!(status(&answer), "HTTP/1.1 200 OK", "{answer}");
}

#[tokio::test]
async fn a_client_that_is_slow_or_idle_is_cut_off() {
    let mut limits = HttpLimits::default();
    (limits.head, limits.body_time) = (Duration::from_millis(50), Duration::from_millis(50));
    let server = Server::start(limits).await;
    for slow in ["", "POST /mcp HTTP/1.1\r\nHost: loc"] {
        server.send(slow.as_bytes()).await;
    }
    let head = format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{}", bearer());
    let answer = server.send(format!("{head}Content-Length: 100\r\n\r\n{{").as_bytes()).await;
    assert_eq!(status(&answer), "HTTP/1.1 408 Request Timeout", "{answer}");
}
