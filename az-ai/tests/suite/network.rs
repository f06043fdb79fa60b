//! Proxies, certificates and encodings, with a proxy and a TLS server on the loopback interface.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use az_ai::chat::{ChatReply, ChatRequest, collect};
use az_ai::client::LlmClient;
use az_ai::config::ProviderConfig;
use az_ai::error::{Error, Result, Sent};
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::network::Network;
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::support::server::{Answer, Server};

const CA: &[u8] = include_bytes!("network/ca.pem");
const SERVER: &[u8] = include_bytes!("network/server.pem");
const CLIENT: &[u8] = include_bytes!("network/client.pem");

const REPLY: &str =
    r#"{"choices":[{"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}"#;

/// A server that speaks HTTP, behind `CONNECT` if it is asked for, and TLS if it has a certificate.
struct Peer {
    address: String,
    /// The first line of each request.
    lines: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// After a `CONNECT`.
    Tunnelled,
    /// At once, with a certificate of the client.
    Mutual,
}

impl Peer {
    async fn start(tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                if tls == Tls::Tunnelled {
                    let line = first_line(&mut connection).await;
                    seen.lock().unwrap().extend(line);
                    connection.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                }
                // A client that does not trust the certificate disconnects.
                let Ok(mut connection) = acceptor(tls).accept(connection).await else { continue };
                let line = first_line(&mut connection).await;
                seen.lock().unwrap().extend(line);
                let length = REPLY.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                     content-length: {length}\r\n\r\n{REPLY}"
                );
                connection.write_all(head.as_bytes()).await.unwrap();
                connection.shutdown().await.ok();
            }
        });
        Self { address, lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

fn acceptor(tls: Tls) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(SERVER).map(|one| one.unwrap()).collect();
    let key = PrivateKeyDer::from_pem_slice(SERVER).unwrap();
    let config = match tls {
        Tls::Tunnelled => ServerConfig::builder().with_no_client_auth(),
        Tls::Mutual => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(CA).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()))
}

/// Reads a request; returns its first line.
async fn first_line(connection: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8_lossy(&bytes).lines().next().map(str::to_owned)
}

async fn ask(url: &str, network: Network) -> Result<ChatReply> {
    let options = HttpOptions { network, ..HttpOptions::default() };
    let http = HttpClient::new(&options)?;
    let client = WireClient::new(Endpoint::new("test", url), OpenAi::default(), http)?;
    client.complete(&ChatRequest::prompt("m", "hi")).await
}

fn hello() -> Answer {
    Answer::json(200, &serde_json::from_str(REPLY).unwrap())
}

#[tokio::test]
async fn a_request_without_tls_names_its_whole_address_to_the_proxy() {
    let proxy = Server::start(hello()).await;
    let address = proxy.url.trim_end_matches("/v1").replace("http://", "http://user:secret@");
    let network = Network::default().with_http_proxy(address, "$HTTP_PROXY");
    let reply = ask("http://api.test/v1", network).await.unwrap();
    assert_eq!(reply.reply.text, "hello");
    let head = proxy.requests().remove(0).head;
    assert!(head.starts_with("POST http://api.test/v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");
}

#[tokio::test]
async fn a_request_with_tls_is_tunnelled_and_its_authority_is_that_of_the_setting() {
    let proxy = Peer::start(Tls::Tunnelled).await;
    let network = || Network::default().with_https_proxy(&proxy.address, "$HTTPS_PROXY");
    let reply = ask("https://api.test/v1", network().with_ca(CA, "ca.pem")).await.unwrap();
    assert_eq!(reply.reply.text, "hello");
    assert_eq!(
        proxy.lines(),
        ["CONNECT api.test:443 HTTP/1.1", "POST /v1/chat/completions HTTP/1.1"]
    );
    let error = ask("https://api.test/v1", network()).await.unwrap_err();
    assert!(matches!(error, Error::Setup { .. }), "{error}");
    assert!(error.to_string().contains("network.ca_file adds an authority"), "{error}");
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let server = Peer::start(Tls::Mutual).await;
    let port = server.address.rsplit(':').next().unwrap();
    let url = format!("https://localhost:{port}/v1");
    let network = || Network::default().with_ca(CA, "ca.pem");
    let reply = ask(&url, network().with_identity(CLIENT, "client.pem")).await.unwrap();
    assert_eq!(reply.reply.text, "hello");
    assert!(ask(&url, network()).await.is_err(), "a client without a certificate");
}

#[tokio::test]
async fn loopback_and_listed_hosts_are_reached_without_the_proxy() {
    let server = Server::start(hello()).await;
    // Nothing listens there.
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = format!("http://{unused}");
    let network = || {
        Network::default()
            .with_http_proxy(&proxy, "$HTTP_PROXY")
            .with_https_proxy(&proxy, "$HTTPS_PROXY")
    };
    for url in [server.url.clone(), server.url.replace("127.0.0.1", "localhost")] {
        assert_eq!(ask(&url, network()).await.unwrap().reply.text, "hello", "{url}");
    }
    let error = ask("http://api.test/v1", network()).await.unwrap_err();
    let text = error.chain();
    assert!(text.contains("the proxy that $HTTP_PROXY names"), "{text}");
    assert!(
        text.contains("http://api.test") && matches!(error, Error::Unreachable { .. }),
        "{text}"
    );
    // The name does not exist, which only a request without the proxy finds out.
    let error = ask("http://api.test/v1", network().without_proxy_for("api.test")).await;
    assert!(error.unwrap_err().chain().contains("http://api.test: "));
}

#[tokio::test]
async fn a_server_that_does_not_run_is_named_by_its_address() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = ask(&format!("http://{unused}/v1?key=canary"), Network::default()).await;
    let text = error.unwrap_err().chain();
    let expected =
        format!("the server at http://{unused} cannot be reached: nothing listens there");
    assert!(text.starts_with(&expected) && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_provider_may_have_time_limits_of_its_own() {
    let server = Server::start(Answer::Silence).await;
    let mut entry = ProviderConfig::new("house", "openai-compatible");
    entry.first_byte_seconds = Some(1.try_into().unwrap());
    let http = HttpClient::new(&HttpOptions::default()).unwrap().with_limits_of(&entry);
    let endpoint = Endpoint::new("test", &server.url);
    let client = WireClient::new(endpoint, OpenAi::default(), http).unwrap();
    let request = ChatRequest::prompt("m", "hi");
    let asked = client.complete(&request);
    let answered = tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap();
    let text = answered.unwrap_err().chain();
    assert!(
        text.contains("no response came for 1s") && text.contains("provider's entry"),
        "{text}"
    );
}

fn encoded(body: &[u8], gzip: bool) -> Vec<u8> {
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        return encoder.finish().unwrap();
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn with_encoding(status: u16, encoding: &'static str, body: Vec<u8>) -> Answer {
    let headers = vec![("content-encoding", encoding.to_owned())];
    Answer::Whole { status, headers, body }
}

/// Returns the errors of a complete response and of a stream.
async fn both(server: &Server) -> [Error; 2] {
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let endpoint = Endpoint::new("test", &server.url);
    let client = WireClient::new(endpoint, OpenAi::default(), http).unwrap();
    let request = ChatRequest::prompt("m", "hi");
    let whole = client.complete(&request).await.unwrap_err();
    [whole, collect("test", client.stream(&request), |_| {}).await.unwrap_err()]
}

#[tokio::test]
async fn a_response_that_is_compressed_without_being_asked_for_is_read() {
    let stream = format!(
        "data: {}\n\ndata: [DONE]\n\n",
        REPLY.replace("message", "delta").replace("\"role\":\"assistant\",", "")
    );
    for (encoding, gzip) in [("gzip", true), ("deflate", false)] {
        let whole = with_encoding(200, encoding, encoded(REPLY.as_bytes(), gzip));
        let streamed = with_encoding(200, encoding, encoded(stream.as_bytes(), gzip));
        let server = Server::start_either(whole, streamed).await;
        let reply = ask(&server.url, Network::default()).await.unwrap();
        assert_eq!(reply.reply.text, "hello", "{encoding}");
        let head = server.requests().remove(0).head;
        assert!(head.to_lowercase().contains("accept-encoding: identity"), "{head}");
        let http = HttpClient::new(&HttpOptions::default()).unwrap();
        let endpoint = Endpoint::new("test", &server.url);
        let client = WireClient::new(endpoint, OpenAi::default(), http).unwrap();
        let request = ChatRequest::prompt("m", "hi");
        let reply = collect("test", client.stream(&request), |_| {}).await.unwrap();
        assert_eq!(reply.reply.text, "hello", "{encoding}");

        let refusal = encoded(br#"{"error":{"message":"no such parameter"}}"#, gzip);
        let server = Server::start(with_encoding(400, encoding, refusal)).await;
        let error = ask(&server.url, Network::default()).await.unwrap_err();
        assert!(error.to_string().contains("no such parameter"), "{error}");
    }
}

#[tokio::test]
async fn a_response_that_expands_without_end_is_refused() {
    let bomb = encoded(&vec![b' '; 80 << 20], true);
    assert!(bomb.len() < 100_000);
    let server = Server::start(with_encoding(200, "gzip", bomb)).await;
    for error in both(&server).await {
        assert!(error.to_string().contains("larger than"), "{error}");
        assert!(!error.is_retryable() && error.sent() == Sent::Maybe, "{error}");
    }
}

#[tokio::test]
async fn an_encoding_that_is_not_read_is_named() {
    let server = Server::start(with_encoding(200, "br", b"x".to_vec())).await;
    for error in both(&server).await {
        assert!(error.to_string().contains("is encoded as br, which was not asked for"), "{error}");
        assert!(!error.is_retryable() && error.sent() == Sent::Maybe, "{error}");
    }
}
